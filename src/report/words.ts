/** Longer lists of names end in `and 187 more`. */
const MOST_NAMES = 10;

/** `1 change`, `2 changes`, `no changes`; the plural is the singular and `s` unless given. */
export function count(number: number, singular: string, plural = `${singular}s`): string {
  return `${number === 0 ? 'no' : number} ${number === 1 ? singular : plural}`;
}

/** `pg1, pg2, pg3`; of many names the first few and how many more there are. */
export function listNames(names: readonly string[], most = MOST_NAMES): string {
  if (names.length <= most) return names.join(', ');
  return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
}

/** A text without the `pg1: ` it starts with, for lines that name the host already. */
export function withoutHost(text: string, host: string | undefined): string {
  return host !== undefined && text.startsWith(`${host}: `) ? text.slice(host.length + 2) : text;
}

/** Whether a text names these hosts, at least one, and no other of all that there are: so nobody need be told where it is about. */
export function namesOnly(text: string, hosts: readonly string[], all: readonly string[]): boolean {
  const words = new Set(text.split(/[\s,;:()]+/u));
  const named = [...new Set([...all, ...hosts])].filter((name) => words.has(name));
  return named.length > 0 && named.length === new Set(hosts).size && named.every((name) => hosts.includes(name));
}

/** The first line of a text. */
export function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

/** True for a command that only looks, as the first event of its run names it: `plan` and `survey`. */
export function isLook(command: string): boolean {
  return command === 'plan' || command === 'survey';
}

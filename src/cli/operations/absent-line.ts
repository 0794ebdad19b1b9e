import { isMap, isScalar, parse, parseDocument, type Pair, type YAMLMap } from 'yaml';

/**
 * The text of an inventory in which a host is `absent`, and all else, comments included, as it is. Where that host was to lead a new cluster, nobody
 * is named for that any more.
 * @returns undefined: it has no such host, or is written in a way (an anchor, an alias) in which a person has to do it
 */
export function withAbsentHost(text: string, host: string): string | undefined {
  const { contents, errors } = parseDocument(text);
  if (errors.length > 0 || !isMap(contents)) return undefined;
  const hosts = pairOf(contents, 'hosts')?.value;
  const pair = isMap(hosts) ? pairOf(hosts, host) : undefined;
  const changed = pair === undefined ? undefined : marked(text, pair);
  const free = changed === undefined ? undefined : withoutLeader(changed, host);
  return free !== undefined && isSameButFor(text, free, host) ? free : undefined;
}

function pairOf({ items }: YAMLMap, key: string): Pair | undefined {
  return items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key);
}

function marked(text: string, { value }: Pair): string | undefined {
  if (
    isScalar(value) &&
    value.anchor === undefined &&
    typeof value.value === 'string' &&
    value.range !== undefined &&
    value.range !== null
  ) {
    const [from, to] = value.range;
    return `${text.slice(0, from)}{ address: ${text.slice(from, to)}, absent: true }${text.slice(to)}`;
  }
  if (!isMap(value) || value.range === undefined || value.range === null) return undefined;
  const [from] = value.range;
  const given = pairOf(value, 'absent')?.value;
  if (isScalar(given) && given.range !== undefined && given.range !== null)
    return `${text.slice(0, given.range[0])}true${text.slice(given.range[1])}`;
  if (value.flow === true) {
    const at = text.indexOf('{', from) + 1;
    return `${text.slice(0, at)} absent: true${value.items.length === 0 ? ' ' : ', '}${text.slice(at).trimStart()}`;
  }
  // A block mapping begins with its first key, whose column all others have.
  const line = text.lastIndexOf('\n', from - 1) + 1;
  const indent = text.slice(line, from);
  if (indent.trim() !== '') return undefined;
  return `${text.slice(0, line)}${indent}absent: true${text.includes('\r\n') ? '\r\n' : '\n'}${text.slice(line)}`;
}

/** Takes the line away that names the leader, where that is this host. */
function withoutLeader(text: string, host: string): string | undefined {
  const { contents } = parseDocument(text);
  const pair = isMap(contents) ? pairOf(contents, 'leader') : undefined;
  if (!isMap(contents) || pair === undefined || !isScalar(pair.value) || pair.value.value !== host) return text;
  const key = isScalar(pair.key) ? pair.key.range : undefined;
  if (contents.flow === true || pair.value.anchor !== undefined || key === undefined || key === null) return undefined;
  const from = text.lastIndexOf('\n', key[0] - 1) + 1;
  const end = text.indexOf('\n', pair.value.range?.[1] ?? key[1]);
  return `${text.slice(0, from)}${end === -1 ? '' : text.slice(end + 1)}`;
}

type Given = Record<string, unknown>;

/** Whether it says that of the host, and otherwise the same. */
function isSameButFor(before: string, after: string, host: string): boolean {
  const [was, is] = [parse(before), parse(after)] as [Given, Given];
  const [old, now] = [was['hosts'], is['hosts']] as [Given, Given];
  const settings = typeof old[host] === 'string' ? { address: old[host] } : (old[host] as Given);
  const wanted: Given = { ...was, hosts: { ...old, [host]: { ...settings, absent: true } } };
  if (wanted['leader'] === host) delete wanted['leader'];
  return sorted(wanted) === sorted(is) && (now[host] as Given)['absent'] === true;
}

/** Data as text in which the order of keys says nothing. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

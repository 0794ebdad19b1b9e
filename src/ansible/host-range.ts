/**
 * The names that a pattern such as `pg[1:3]`, `db-[a:c]` or `pg[01:10:3]` stands for; both ends are included, and
 * leading zeros kept. Undefined for a range that is none.
 */
export function expandHosts(pattern: string): string[] | undefined {
  const match = /^(?<before>[^[\]]*)\[(?<range>[^[\]]*)\](?<after>.*)$/su.exec(pattern);
  if (match === null) return /[[\]]/u.test(pattern) ? undefined : [pattern];
  const { before = '', range = '', after = '' } = match.groups ?? {};
  const middle = expandRange(range);
  const rest = expandHosts(after);
  return middle === undefined || rest === undefined ? undefined : middle.flatMap((name) => rest.map((end) => `${before}${name}${end}`));
}

function expandRange(range: string): string[] | undefined {
  const [, first = '', last = '', step = '1'] = /^([0-9]+|[A-Za-z]):([0-9]+|[A-Za-z])(?::([1-9][0-9]*))?$/u.exec(range) ?? [];
  const isNumber = /^[0-9]+$/u.test(first);
  if (first === '' || isNumber !== /^[0-9]+$/u.test(last)) return undefined;
  const [from, to] = isNumber ? [Number(first), Number(last)] : [first.charCodeAt(0), last.charCodeAt(0)];
  const count = Math.floor((to - from) / Number(step)) + 1;
  if (count < 1 || count > 10_000) return undefined;
  const width = first.startsWith('0') ? first.length : 0;
  return Array.from({ length: count }, (_, index) => from + index * Number(step)).map((value) =>
    isNumber ? String(value).padStart(width, '0') : String.fromCharCode(value),
  );
}

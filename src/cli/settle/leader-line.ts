import { isMap, isScalar, parse, parseDocument, stringify, type Range, type YAMLMap } from 'yaml';

/**
 * The text of an inventory with another `leader`, and all else, comments included, as it is.
 * @returns undefined: it is written in a way (an anchor, one line in braces) in which a person has to do it
 */
export function withLeader(text: string, leader: string): string | undefined {
  const { contents, errors } = parseDocument(text);
  if (errors.length > 0 || !isMap(contents) || contents.flow === true) return undefined;
  const [given, cluster] = [valueIn(contents, 'leader'), valueIn(contents, 'cluster')];
  const value = stringify(leader).trimEnd();
  const place = rangeOf(given ?? cluster);
  if (place === undefined) return undefined;
  const [from, to] = place;
  const changed = given === undefined ? insertLine(text, to, `leader: ${value}`) : `${text.slice(0, from)}${value}${text.slice(to)}`;
  return isSameButFor(text, changed, leader) ? changed : undefined;
}

function valueIn({ items }: YAMLMap, key: string): unknown {
  return items.find((pair) => isScalar(pair.key) && pair.key.value === key)?.value;
}

/** Where a value begins and ends that others of the text do not refer to. */
function rangeOf(value: unknown): Range | undefined {
  return isScalar(value) && value.anchor === undefined ? (value.range ?? undefined) : undefined;
}

/** A line below the one in which something ends. */
function insertLine(text: string, end: number, line: string): string {
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const at = text.indexOf('\n', end);
  return at === -1 ? `${text}${newline}${line}${newline}` : `${text.slice(0, at + 1)}${line}${newline}${text.slice(at + 1)}`;
}

/** Whether it says that leader, and otherwise the same. */
function isSameButFor(before: string, after: string, leader: string): boolean {
  const [{ leader: _was, ...was }, { leader: is, ...rest }] = [parse(before), parse(after)] as [Given, Given];
  return is === leader && JSON.stringify(was) === JSON.stringify(rest);
}

type Given = Record<string, unknown>;

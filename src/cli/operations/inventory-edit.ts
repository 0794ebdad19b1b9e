import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { isMap, isScalar, parse, parseDocument, stringify, type Pair, type YAMLMap } from 'yaml';
import { InputError } from '../../lib/errors.js';
import type { InventoryEdit } from '../../plan/operation.js';
import { writeAgain } from '../../store/files.js';
import { writing } from '../../store/writing.js';

/**
 * The text of an inventory after edits, and all else, comments included, as it is.
 * @returns undefined: it is written in a way (an anchor, a section that is referred to) in which a person has to do it
 */
export function edited(text: string, edits: readonly InventoryEdit[]): string | undefined {
  return edits.reduce<string | undefined>((before, edit) => (before === undefined ? undefined : editedOnce(before, edit)), text);
}

/** Whether pgprov can edit the file like that. */
export async function takesEdits(file: string, edits: readonly InventoryEdit[]): Promise<boolean> {
  return edited(await readFile(file, 'utf8').catch(() => ''), edits) !== undefined;
}

/**
 * Edits the file, which stays as it is where it says that already.
 * @throws InputError where a person has to do it
 */
export async function editInventory(file: string, edits: readonly InventoryEdit[]): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const changed = edited(text, edits);
  if (changed === undefined)
    throw new InputError({
      kind: 'inventory/by-hand',
      message: `${file} is not written in a way in which pgprov could change a line of it`,
      hint: `write ${edits.flatMap(words).join(', ')} there, then give the same command again`,
    });
  if (changed !== text) await writing(file, () => writeAgain(file, changed));
}

function words({ path, value }: InventoryEdit): string[] {
  return value === undefined ? [] : [`${path.join('.')}: ${value}`];
}

function editedOnce(text: string, edit: InventoryEdit): string | undefined {
  const { contents, errors } = parseDocument(text);
  if (errors.length > 0 || !isMap(contents)) return undefined;
  const before: unknown = parse(text);
  const { path, value, only } = edit;
  if (only !== undefined && path.reduce((data, key) => (data as Given | undefined)?.[key], before) !== only) return text;
  const changed = value === undefined ? without(text, contents, path) : said(text, contents, path, stringify(value).trimEnd());
  return changed !== undefined && isDeepStrictEqual(parse(changed), wanted(before, path, value)) ? changed : undefined;
}

function said(text: string, map: YAMLMap, [key, ...rest]: InventoryEdit['path'], value: string): string | undefined {
  const pair = pairOf(map, key);
  if (map.anchor !== undefined) return undefined;
  if (pair === undefined)
    return rest.length === 0 ? withKey(text, map, `${key}: ${value}`) : withSection(text, map, `${key}:`, rest, value);
  if (isMap(pair.value)) {
    const [next, ...others] = rest;
    return next === undefined ? undefined : said(text, pair.value, [next, ...others], value);
  }
  if (!isScalar(pair.value) || pair.value.anchor !== undefined || !pair.value.range) return undefined;
  const [from, to] = pair.value.range;
  const [next] = rest;
  // A host that is its address alone.
  const put = next === undefined ? value : `{ address: ${text.slice(from, to)}, ${next}: ${value} }`;
  return `${text.slice(0, from)}${put}${text.slice(to)}`;
}

function pairOf({ items }: YAMLMap, key: string): Pair | undefined {
  return items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key);
}

/** A key that a mapping had not, before all that it has. */
function withKey(text: string, map: YAMLMap, line: string): string | undefined {
  if (!map.range) return undefined;
  const [from] = map.range;
  if (map.flow === true) {
    const at = text.indexOf('{', from) + 1;
    return `${text.slice(0, at)} ${line}${map.items.length === 0 ? ' ' : ', '}${text.slice(at).trimStart()}`;
  }
  // A block mapping begins with its first key, whose column all others have.
  const start = text.lastIndexOf('\n', from - 1) + 1;
  const indent = text.slice(start, from);
  if (indent.trim() !== '') return undefined;
  return `${text.slice(0, start)}${indent}${line}${newlineOf(text)}${text.slice(start)}`;
}

/** A section that was not there, below the line with the cluster's name. */
function withSection(text: string, map: YAMLMap, section: string, [key, ...deeper]: readonly string[], value: string): string | undefined {
  const cluster = pairOf(map, 'cluster')?.value;
  if (key === undefined || deeper.length > 0 || map.flow === true || !isScalar(cluster) || !cluster.range) return undefined;
  const newline = newlineOf(text);
  const at = text.indexOf('\n', cluster.range[1]);
  const block = `${section}${newline}  ${key}: ${value}${newline}`;
  return at === -1 ? `${text}${newline}${block}` : `${text.slice(0, at + 1)}${block}${text.slice(at + 1)}`;
}

/** Without a line of the topmost level. */
function without(text: string, map: YAMLMap, [key, ...deeper]: InventoryEdit['path']): string | undefined {
  const pair = pairOf(map, key);
  if (pair === undefined) return text;
  const place = isScalar(pair.key) ? pair.key.range : undefined;
  if (deeper.length > 0 || map.flow === true || !isScalar(pair.value) || pair.value.anchor !== undefined || !place) return undefined;
  const from = text.lastIndexOf('\n', place[0] - 1) + 1;
  const end = text.indexOf('\n', pair.value.range?.[1] ?? place[1]);
  return `${text.slice(0, from)}${end === -1 ? '' : text.slice(end + 1)}`;
}

function newlineOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

type Given = Record<string, unknown>;

/** What the text is to say: that, and otherwise the same. */
function wanted(before: unknown, [key, ...rest]: InventoryEdit['path'], value: InventoryEdit['value']): Given {
  const data: Given = typeof before === 'string' ? { address: before } : { ...(before as Given | undefined) };
  const [next, ...others] = rest;
  if (next !== undefined) return { ...data, [key]: wanted(data[key], [next, ...others], value) };
  if (value !== undefined) return { ...data, [key]: value };
  return Object.fromEntries(Object.entries(data).filter(([name]) => name !== key));
}

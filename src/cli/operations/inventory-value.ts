import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { isMap, isScalar, parse, parseDocument, stringify, type YAMLMap } from 'yaml';
import { InputError } from '../../lib/errors.js';
import type { Aim } from '../../plan/operation.js';
import { writeAgain } from '../../store/files.js';
import { writing } from '../../store/writing.js';

/**
 * The text of an inventory that says a value, and all else, comments included, as it is.
 * @returns undefined: it is written in a way (an anchor, a section that is referred to) in which a person has to do it
 */
export function withValue(text: string, { path: [section, key], value }: Aim): string | undefined {
  const { contents, errors } = parseDocument(text);
  if (errors.length > 0 || !isMap(contents)) return undefined;
  const below = valueIn(contents, section);
  const said = stringify(value).trimEnd();
  const changed = below === undefined ? added(text, contents, `${section}:`, `  ${key}: ${said}`) : replaced(text, below, key, said);
  return changed !== undefined && isSameBut(text, changed, [section, key], value) ? changed : undefined;
}

/** Whether `withValue` could have it say so. */
export async function takesValue(file: string, aim: Aim): Promise<boolean> {
  return withValue(await readFile(file, 'utf8'), aim) !== undefined;
}

/** @throws InputError where a person has to do it */
export async function writeValue(file: string, aim: Aim): Promise<void> {
  const changed = withValue(await readFile(file, 'utf8'), aim);
  if (changed === undefined)
    throw new InputError({
      kind: 'inventory/by-hand',
      message: `${file} is not written in a way in which pgprov could change one value of it`,
      hint: `write ${aim.path.join('.')}: ${aim.value} there, then give the same command again`,
    });
  await writing(file, () => writeAgain(file, changed));
}

function valueIn({ items }: YAMLMap, key: string): unknown {
  return items.find((pair) => isScalar(pair.key) && pair.key.value === key)?.value;
}

function replaced(text: string, section: unknown, key: string, said: string): string | undefined {
  const value = isMap(section) && section.anchor === undefined ? valueIn(section, key) : undefined;
  if (!isScalar(value) || value.anchor !== undefined || !value.range) return undefined;
  const [from, to] = value.range;
  return `${text.slice(0, from)}${said}${text.slice(to)}`;
}

/** A section that was not there, below the line with the cluster's name. */
function added(text: string, contents: YAMLMap, ...lines: string[]): string | undefined {
  const cluster = valueIn(contents, 'cluster');
  if (contents.flow === true || !isScalar(cluster) || !cluster.range) return undefined;
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const at = text.indexOf('\n', cluster.range[1]);
  const block = lines.map((line) => `${line}${newline}`).join('');
  return at === -1 ? `${text}${newline}${block}` : `${text.slice(0, at + 1)}${block}${text.slice(at + 1)}`;
}

/** Whether it says that value, and otherwise the same. */
function isSameBut(before: string, after: string, [section, key]: Aim['path'], value: Aim['value']): boolean {
  const [was, is] = [parse(before), parse(after)] as [Given, Given];
  return isDeepStrictEqual({ ...was, [section]: { ...(was[section] as Given | undefined), [key]: value } }, is);
}

type Given = Record<string, unknown>;

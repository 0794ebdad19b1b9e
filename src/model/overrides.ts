import { didYouMean, nearest } from '../lib/nearest.js';
import type { Checker } from './checker.js';
import { SourceDocument } from './document.js';
import { formatPath, isMapping, withoutNulls, type Path } from './mapping.js';
import type { Layer } from './outline.js';
import type { Report } from './report.js';
import type { VariableSchema } from './role-schema.js';
import { childSchema } from './closed-schema.js';
import { oneOf, typesOf } from './words.js';

/** A `--set` option that holds what it should. */
export interface Override extends Layer {
  /** The one host it is for; default: every host. */
  host?: string;
}

/** What an option is checked against. */
export interface OverrideContext {
  sections: ReadonlyMap<string, VariableSchema>;
  hosts: readonly string[];
  checker: Checker;
  report: Report;
}

/**
 * True when a valid `--set` gives a secret by its value. One that says where the secret is kept, such as `{env: NAME}`,
 * holds none.
 */
export function holdsSecret(text: string, sections: ReadonlyMap<string, VariableSchema>): boolean {
  const equals = text.indexOf('=');
  const [, , dotted = ''] = /^(?:([^.:"]*):)?(.*)$/su.exec(text.slice(0, equals).trim()) ?? [];
  const target = findVariable(splitKey(dotted) ?? [], sections);
  return 'message' in target || secretIn(target.schema, SourceDocument.parse('--set', text.slice(equals + 1)).value);
}

function secretIn(schema: VariableSchema | undefined, value: unknown): boolean {
  if (schema === undefined || value === null || value === undefined) return false;
  if (schema.secret) return !isMapping(value);
  if ([...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].some((branch) => secretIn(branch, value))) return true;
  if (Array.isArray(value)) return value.some((item) => secretIn(schema.items, item));
  return isMapping(value) && Object.entries(value).some(([key, child]) => secretIn(childSchema(schema, key), child));
}

const FORM = 'write --set SECTION.KEY=VALUE, or --set HOST:SECTION.KEY=VALUE for one host';

/** Reads one `--set`; undefined when it is wrong, which is then reported. */
export function parseOverride(text: string, context: OverrideContext): Override | undefined {
  const { sections, hosts, checker, report } = context;
  const equals = text.indexOf('=');
  const label = equals < 0 ? text : text.slice(0, equals).trim();
  if (equals < 0) {
    // The text may be a value whose key was forgotten, so it is not shown beyond what looks like a key.
    report.addSet(/^[\w.:-]+$/u.test(text) ? text : '', 'has no "="', FORM);
    return undefined;
  }
  const [, host, dotted = ''] = /^(?:([^.:"]*):)?(.*)$/su.exec(label) ?? [];
  if (host !== undefined && !hosts.includes(host)) {
    report.addSet(label, `no such host: "${host}"`, didYouMean(host, hosts) ?? `hosts: ${hosts.join(', ')}`);
    return undefined;
  }
  const steps = splitKey(dotted);
  if (steps === undefined) {
    report.addSet(label, 'is not a key such as postgresql.port', FORM);
    return undefined;
  }
  const target = findVariable(steps, sections);
  if ('message' in target) {
    report.addSet(label, target.message, target.hint);
    return undefined;
  }
  const document = SourceDocument.parse('--set', text.slice(equals + 1));
  for (const problem of document.problems) report.addSet(label, problem.message, 'quote the value twice, for the shell and for YAML');
  if (document.problems.length > 0) return undefined;
  const value = asMeant(document.value ?? null, text.slice(equals + 1), target.schema);
  const settings = nest(target.path, value);
  const [section = ''] = target.path;
  const issues = checker.check(sections.get(section) as VariableSchema, withoutNulls(settings[section]));
  // Of a secret not even its keys are told.
  const hasSecret = secretIn(target.schema, document.value);
  for (const { path, message, hint } of issues)
    report.addSet(hasSecret ? label : withKeys(label, path.slice(target.path.length - 1)), message, hint);
  if (issues.length > 0) return undefined;
  return { via: `--set ${label}`, path: [], settings, origin: 'set', ...(host === undefined ? {} : { host }) };
}

/** A label with the keys below it, of a value that has keys of its own. */
function withKeys(label: string, keys: Path): string {
  const below = formatPath(keys);
  return below === '' || below.startsWith('[') ? `${label}${below}` : `${label}.${below}`;
}

/** `a.b."c.d"` as its steps; undefined when a step is empty or a quote is open. */
function splitKey(text: string): string[] | undefined {
  if (!/^(?:"[^"]+"|[^".]+)(?:\.(?:"[^"]+"|[^".]+))*$/su.test(text)) return undefined;
  return [...text.matchAll(/"([^"]+)"|[^".]+/gsu)].map((match) => match[1] ?? match[0]);
}

type Target = { path: string[]; schema: VariableSchema | undefined } | { message: string; hint?: string };

/** Follows the steps through the schema; in a mapping of plain values the rest is one key, dots and all. */
function findVariable(steps: readonly string[], sections: ReadonlyMap<string, VariableSchema>): Target {
  const [name = '', ...rest] = steps;
  let schema: VariableSchema | undefined = sections.get(name);
  if (schema === undefined) return unknownSection(name, rest, sections);
  const path = [name];
  for (const [index, step] of rest.entries()) {
    const known = Object.keys(schema?.properties ?? {});
    const entry: VariableSchema | undefined = childSchema(schema, step);
    const isKnown = known.includes(step);
    if (entry !== undefined && !isKnown && holdsOnlyPlainValues(entry)) {
      return { path: [...path, rest.slice(index).join('.')], schema: entry };
    }
    const open = schema === undefined || schema.additionalProperties === true || schema.properties === undefined;
    if (entry === undefined && !(open && mayHoldMapping(schema))) {
      const near = nearest(step, known);
      const hint = near === undefined ? knownKeys(path, known) : `did you mean "${[...path, near, ...rest.slice(index + 1)].join('.')}"?`;
      return { message: `${path.join('.')} has no key "${step}"`, hint };
    }
    path.push(step);
    schema = entry;
  }
  return { path, schema };
}

function unknownSection(name: string, rest: readonly string[], sections: ReadonlyMap<string, VariableSchema>): Target {
  const message = `no such section: "${name}"`;
  const near = nearest(name, sections.keys());
  if (near !== undefined) return { message, hint: `did you mean "${[near, ...rest].join('.')}"?` };
  const holders = [...sections].filter(([, section]) => childSchema({ properties: section.properties ?? {} }, name) !== undefined);
  if (holders.length > 0) return { message, hint: `did you mean ${oneOf(holders.map(([section]) => `"${section}.${name}"`))}?` };
  return { message, hint: `sections: ${[...sections.keys()].join(', ')}` };
}

function knownKeys(path: readonly string[], known: readonly string[]): string {
  return known.length === 0 ? `${path.join('.')} is a single value` : `known here: ${known.join(', ')}`;
}

function holdsOnlyPlainValues(schema: VariableSchema): boolean {
  const branches = schema.anyOf ?? schema.oneOf ?? [schema];
  return branches.every((branch) => typesOf(branch).length > 0 && !typesOf(branch).includes('object'));
}

function mayHoldMapping(schema: VariableSchema | undefined): boolean {
  if (schema === undefined) return true;
  const types = typesOf(schema);
  return !schema.secret && (types.length === 0 || types.includes('object')) && schema.additionalProperties !== false;
}

/** A number or a word like `true` for a variable that takes only strings is meant as it was typed. */
function asMeant(value: unknown, text: string, schema: VariableSchema | undefined): unknown {
  const branches = schema?.secret ? (schema.anyOf ?? []) : schema === undefined ? [] : [schema];
  const wantsText = branches.length > 0 && typesOf(branches[0] ?? {}).every((type) => type === 'string');
  const typed = typeof value === 'number' || typeof value === 'boolean';
  return wantsText && typed && typesOf(branches[0] ?? {}).length > 0 ? text.trim() : value;
}

function nest(path: readonly string[], value: unknown): Record<string, unknown> {
  const nested = path.reduceRight<unknown>((inner, key) => Object.fromEntries([[key, inner]]), value);
  return nested as Record<string, unknown>;
}

import { isMapping } from './mapping.js';
import type { JsonType, VariableSchema } from './role-schema.js';

/** Longer values are cut in messages. */
const LONGEST_SHOWN = 60;

/** What a value must be, in words that follow "must be": `an integer from 1 to 65535`. */
export function describeExpected(schema: VariableSchema): string {
  if (schema.expects !== undefined) return schema.expects;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return oneOf(schema.enum.map(String));
  const branches = schema.anyOf ?? schema.oneOf;
  if (branches !== undefined) return oneOf(branches.map(describeExpected));
  const types = typesOf(schema);
  return types.length === 0 ? 'something else' : oneOf(types.map((type) => describeType(type, schema)));
}

/** The JSON types a schema names. */
export function typesOf(schema: VariableSchema): readonly JsonType[] {
  if (schema.type === undefined) return [];
  return typeof schema.type === 'string' ? [schema.type] : schema.type;
}

function describeType(type: JsonType, schema: VariableSchema): string {
  switch (type) {
    case 'integer':
      return `an integer${describeRange(schema)}`;
    case 'number':
      return `a number${describeRange(schema)}`;
    case 'string':
      if (schema.pattern !== undefined) return `a string that matches ${schema.pattern}`;
      if (schema.maxLength !== undefined) return `a string of ${schema.minLength ?? 0} to ${schema.maxLength} characters`;
      if ((schema.minLength ?? 0) > 1) return `a string of at least ${schema.minLength} characters`;
      return schema.minLength === 1 ? 'a string that is not empty' : 'a string';
    case 'boolean':
      return 'true or false';
    case 'array':
      if (schema.maxItems !== undefined) return `a list of ${schema.minItems ?? 0} to ${schema.maxItems} entries`;
      return (schema.minItems ?? 0) > 0 ? 'a list that is not empty' : 'a list';
    case 'object':
      return (schema.minProperties ?? 0) > 0 ? 'a mapping that is not empty' : 'a mapping';
    case 'null':
      return 'null';
  }
}

function describeRange(schema: VariableSchema): string {
  const least = schema.minimum === undefined ? undefined : `${schema.minimum}`;
  const above = schema.exclusiveMinimum === undefined ? undefined : `${schema.exclusiveMinimum}`;
  const most = schema.maximum === undefined ? undefined : `${schema.maximum}`;
  const below = schema.exclusiveMaximum === undefined ? undefined : `${schema.exclusiveMaximum}`;
  const multiple = schema.multipleOf === undefined ? '' : ` in steps of ${schema.multipleOf}`;
  if (least !== undefined && most !== undefined) return ` from ${least} to ${most}${multiple}`;
  const bounds = [
    least === undefined ? undefined : `of at least ${least}`,
    above === undefined ? undefined : `greater than ${above}`,
    most === undefined ? undefined : `of at most ${most}`,
    below === undefined ? undefined : `less than ${below}`,
  ].filter((bound) => bound !== undefined);
  return (bounds.length === 0 ? '' : ` ${bounds.join(' and ')}`) + multiple;
}

/** What a value is, for "…, not 70000"; of a secret only its kind is told. */
export function describeActual(value: unknown, secret = false): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (isMapping(value)) return Object.keys(value).length === 0 ? 'an empty mapping' : 'a mapping';
  if (secret) return typeof value === 'string' ? 'this one' : `a ${typeof value}`;
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > LONGEST_SHOWN ? `${value.slice(0, LONGEST_SHOWN)}…` : value);
}

/** `a, b or c`. */
export function oneOf(words: readonly string[]): string {
  return join(words, 'or');
}

/** `a, b and c`. */
export function allOf(words: readonly string[]): string {
  return join(words, 'and');
}

function join(words: readonly string[], last: string): string {
  if (words.length < 2) return words[0] ?? '';
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}

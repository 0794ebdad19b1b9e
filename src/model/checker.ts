import type { Ajv, ErrorObject, ValidateFunction } from 'ajv';
import { didYouMean, nearest } from '../lib/nearest.js';
import { loadAjv } from './ajv.js';
import { checkedSchemas, checkKey } from './checked-schemas.js';
import { childSchema } from './closed-schema.js';
import { COMPILED_CHECKS } from './compiled-checks.js';
import { isMapping } from './mapping.js';
import type { Path } from './mapping.js';
import type { VariableSchema } from './role-schema.js';
import type { InventorySchemas } from './schema.js';
import { describeActual, describeExpected, oneOf, typesOf } from './words.js';

/** One way in which a value does not meet its schema. */
export interface Issue {
  /** From the value that was checked. */
  path: Path;
  /** Whether the key or the value is at fault. */
  at: 'key' | 'value';
  message: string;
  hint?: string;
}

/** Where else a key is valid: `under ssh`, `at the top level`. */
export type Places = ReadonlyMap<string, readonly string[]>;

type AjvError = ErrorObject & { parentSchema?: VariableSchema };

/** Checks values against schemas and says in plain words what is wrong, everything at once. */
export class Checker {
  readonly #places: Places;
  readonly #checks: Map<VariableSchema, ValidateFunction>;
  /** Absent where all was compiled ahead. */
  readonly #ajv: Ajv | undefined;

  private constructor(places: Places, checks: Map<VariableSchema, ValidateFunction>, ajv: Ajv | undefined) {
    this.#places = places;
    this.#checks = checks;
    this.#ajv = ajv;
  }

  /** A checker for the schemas of an inventory, and no others. */
  static async create(schemas: InventorySchemas, places: Places): Promise<Checker> {
    const all = checkedSchemas(schemas);
    const checks = new Map(
      all.flatMap((schema) => {
        const check = COMPILED_CHECKS.get(checkKey(schema));
        return check === undefined ? [] : [[schema, check] as const];
      }),
    );
    // Of many schemas few are used, so making what is missing waits until then.
    return new Checker(places, checks, all.every((schema) => checks.has(schema)) ? undefined : await loadAjv({ optimize: false }));
  }

  check(schema: VariableSchema, value: unknown): Issue[] {
    const validate = this.#checkFor(schema);
    if (validate(value)) return [];
    const issues = withoutUntakenBranches((validate.errors ?? []) as AjvError[]).map((error) => this.#explain(error, value, schema));
    return [...new Map(issues.map((issue) => [JSON.stringify([issue.path, issue.message]), issue])).values()];
  }

  #checkFor(schema: VariableSchema): ValidateFunction {
    const known = this.#checks.get(schema);
    if (known !== undefined) return known;
    if (this.#ajv === undefined) throw new Error('a value was to be checked against a schema that is not one of the inventory’s');
    const made = this.#ajv.compile(schema);
    this.#checks.set(schema, made);
    return made;
  }

  #explain(error: AjvError, root: unknown, rootSchema: VariableSchema): Issue {
    const path = pathOf(error.instancePath, root);
    const schema = error.parentSchema ?? {};
    const params = error.params as Record<string, unknown>;
    switch (error.keyword) {
      case 'additionalProperties': {
        const key = String(params['additionalProperty']);
        const hint = this.#hintForKey(key, Object.keys(schema.properties ?? {}));
        return { path: [...path, key], at: 'key', message: 'unknown key', ...hint };
      }
      case 'required':
        return { path: [...path, String(params['missingProperty'])], at: 'key', message: 'required key is missing' };
      case 'propertyNames': {
        const key = String(params['propertyName']);
        const message = `the key must be ${describeExpected(schema.propertyNames ?? {})}`;
        return { path: [...path, key], at: 'key', message };
      }
      case 'uniqueItems': {
        const [first, second] = [Number(params['j']), Number(params['i'])].sort((a, b) => a - b);
        return { path: [...path, second ?? 0], at: 'value', message: `is in the list twice (see [${first}])` };
      }
      default: {
        const isSecret = schema.secret === true || liesInSecret(rootSchema, path);
        const message = `must be ${describeExpected(schema)}, not ${describeActual(error.data, isSecret)}`;
        return { path, at: 'value', message, ...hintForValue(schema, error.data, isSecret) };
      }
    }
  }

  #hintForKey(key: string, here: readonly string[]): { hint?: string } {
    const exact = this.#places.get(key);
    const near = nearest(key, here);
    if (near === undefined && exact !== undefined) return { hint: `"${key}" belongs ${oneOf(exact)}` };
    if (near !== undefined) return { hint: `did you mean "${near}"?` };
    if (here.length === 0) return {};
    const elsewhere = nearest(key, this.#places.keys());
    const places = elsewhere === undefined ? undefined : this.#places.get(elsewhere);
    if (places !== undefined) return { hint: `did you mean "${elsewhere}"? It belongs ${oneOf(places)}` };
    return { hint: `known here: ${here.join(', ')}` };
  }
}

/** Whether a value is a part of what a secret is given by: `{env: pa$$word}` may hold it, and `{command: …}` another one. */
function liesInSecret(schema: VariableSchema, path: Path): boolean {
  let inner: VariableSchema | undefined = schema;
  for (const step of path) {
    inner = typeof step === 'number' ? inner?.items : childSchema(inner, step);
    if (inner?.secret === true) return true;
  }
  return false;
}

function hintForValue(schema: VariableSchema, value: unknown, isSecret: boolean): { hint?: string } {
  const types = typesOf(schema);
  if (typeof value === 'string' && schema.enum !== undefined) {
    const hint = didYouMean(value, schema.enum.map(String));
    return hint === undefined ? {} : { hint };
  }
  if (isSecret && ['number', 'boolean'].includes(typeof value)) return { hint: 'put it in quotes' };
  if (isSecret) return {};
  const numeric = types.includes('integer') || types.includes('number');
  if (numeric && typeof value === 'string' && /^-?\d+$/u.test(value)) return { hint: 'write it without quotes' };
  if (types.includes('string') && ['number', 'boolean'].includes(typeof value)) return { hint: 'put it in quotes' };
  if (types.includes('array') && typeof value === 'string') return { hint: `write it as a list: [${value}]` };
  return {};
}

/**
 * ajv reports the errors of every branch of an `anyOf`. Kept are those of the one branch that is meant for such a
 * value, or, where none or several are, only that no branch fits.
 */
function withoutUntakenBranches(errors: readonly AjvError[]): AjvError[] {
  let kept = errors.filter((error) => error.propertyName === undefined);
  for (const choice of errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf')) {
    const branches = choice.parentSchema?.anyOf ?? choice.parentSchema?.oneOf ?? [];
    const taken = branches.flatMap((branch, index) => (accepts(branch, choice.data) ? [index] : []));
    const only = taken.length === 1 ? `${choice.schemaPath}/${taken[0]}/` : undefined;
    const belongs = (error: AjvError): boolean =>
      error.schemaPath.startsWith(`${choice.schemaPath}/`) &&
      (error.instancePath === choice.instancePath || error.instancePath.startsWith(`${choice.instancePath}/`));
    const explained = only !== undefined && kept.some((error) => belongs(error) && error.schemaPath.startsWith(only));
    // Which keys go together matters only when they are known.
    const misnamed =
      branches.every(({ required }) => required !== undefined) &&
      kept.some((error) => error.keyword === 'additionalProperties' && error.instancePath === choice.instancePath);
    kept = kept.filter((error) => {
      if (error === choice) return !explained && !misnamed;
      return !belongs(error) || (explained && error.schemaPath.startsWith(only));
    });
  }
  return kept;
}

function accepts(schema: VariableSchema, value: unknown): boolean {
  const types = typesOf(schema);
  if (Array.isArray(value)) return types.includes('array');
  if (isMapping(value)) return types.includes('object');
  if (typeof value === 'number') return types.includes('integer') || types.includes('number');
  return types.includes(typeof value as 'string' | 'boolean');
}

/** A JSON pointer as a path; a step into a list becomes a number. */
function pathOf(pointer: string, root: unknown): Path {
  let value = root;
  return pointer
    .split('/')
    .slice(1)
    .map((escaped) => {
      const step = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
      const inList = Array.isArray(value);
      value = (value as Record<string, unknown> | undefined)?.[step];
      return inList ? Number(step) : step;
    });
}

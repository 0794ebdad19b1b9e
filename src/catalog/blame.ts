import { join } from 'node:path';
import { InputError, PgprovError } from '../lib/errors.js';
import type { RoleContext } from '../plan/role.js';
import { renderTemplate } from '../plan/template.js';
import type { Gate, Observation, Resource } from '../resources/resource.js';
import { placeOf } from './import-role.js';

/** Runs code of a user's, and reports its errors as the user's. */
export type Blame = <Result>(work: () => Result) => Result;

/**
 * Distinguishes errors of a user's code, also later ones, from those of pgprov, which pass unchanged.
 * @param what whose code it is: `role backup`, `operation checkpoint`
 * @param directory the directory of `rolesPath` it is in, by its real path
 */
export function blamer(what: string, directory: string): Blame {
  const blamed = (thrown: unknown): unknown => {
    const place = thrown instanceof PgprovError ? undefined : placeOf(thrown, directory);
    return place === undefined ? thrown : defect(what, `${what}, ${place}: ${(thrown as Error).message}`, thrown);
  };
  return (work) => {
    try {
      const result = work();
      if (!(result instanceof Promise)) return result;
      return result.catch((thrown: unknown) => {
        throw blamed(thrown);
      }) as typeof result;
    } catch (thrown) {
      throw blamed(thrown);
    }
  };
}

/** The same context with the templates that lie beside the user's code. */
export function ownContext(directory: string): (context: RoleContext) => RoleContext {
  return (context) => ({ ...context, template: (name, data) => renderTemplate(name, data, join(directory, 'templates')) });
}

const METHODS = ['probe', 'parse', 'diff', 'apply', 'digest', 'wait', 'gives', 'obstacle'] as const;

/** The same thing, its methods guarded; what it has from a class of its own is found through the prototype. */
export function guarded<Thing extends Pick<Observation, 'id' | 'thorough'>>(thing: Thing, blame: Blame): Thing {
  const own = thing as unknown as Readonly<Record<string, (...values: readonly unknown[]) => unknown>>;
  const methods = METHODS.filter((name) => typeof own[name] === 'function');
  const wrapped = methods.map((name) => [name, (...values: readonly unknown[]) => blame(() => own[name]?.(...values))] as const);
  const thorough = thing.thorough && { thorough: guarded(thing.thorough, blame) };
  return Object.assign(Object.create(thing), thing, Object.fromEntries(wrapped), thorough) as Thing;
}

/** Checks what a user's code gives; each of them throws an InputError that names the code, the place and what is wrong. */
export interface Asserter {
  assert(holds: boolean, message: string): void;
  /** A list of objects. */
  listOf<Item>(value: unknown, place: string): Item[];
  /** The resources of a stage or a step, which `place` names. */
  resourcesOf(value: unknown, place: string): Resource[];
  /** The gates of a stage or a step. */
  gatesOf(value: unknown, place: string): Gate[];
}

/** Checks what the types promise, because JavaScript promises nothing. */
export function asserter(what: string): Asserter {
  const assert = (holds: boolean, message: string): void => {
    if (!holds) throw defect(what, `${what}: ${message}`);
  };
  const listOf = <Item>(value: unknown, place: string): Item[] => {
    assert(Array.isArray(value), `${place} must be a list`);
    return (value as Item[]).map((item) => {
      assert(typeof item === 'object' && item !== null, `${place} must hold objects, not ${String(item)}`);
      return item;
    });
  };
  const things = <Thing>(value: unknown, place: string, kind: string, methods: readonly string[]): Thing[] =>
    listOf<{ id?: string }>(value, `${place}: ${kind}s`).map((thing, at) => {
      const name = `${place}: ${kind} ${thing.id ?? at + 1}`;
      assert(typeof thing.id === 'string' && thing.id !== '', `${name}: id must be a text`);
      const missing = methods.find((method) => typeof (thing as Record<string, unknown>)[method] !== 'function');
      assert(missing === undefined, `${name}: ${missing ?? ''}() is missing`);
      return thing as Thing;
    });
  return {
    assert,
    listOf,
    resourcesOf: (value, place) => things<Resource>(value, place, 'resource', METHODS.slice(0, 5)),
    gatesOf: (value, place) => things<Gate>(value, place, 'gate', ['probe', 'parse', 'wait']),
  };
}

function defect(what: string, message: string, cause?: unknown): InputError {
  const [thing = ''] = what.split(' ');
  return new InputError({ kind: `${thing}s/defect`, message, hint: `this is a defect of the ${thing}`, cause });
}

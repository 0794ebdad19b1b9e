import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareConfig, firstConfiguration, type ConfigPath, type Json, type JsonObject } from '../../src/resources/dynamic-config.js';
import { SEED } from '../support/depth.js';
import { PatroniStore } from '../support/patroni-store.js';

type Tree = { [key: string]: Json };

const isObject = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** One thing that happens to a cluster's configuration. */
type Happening = { by: 'pgprov'; desired: JsonObject } | { by: 'others'; path: ConfigPath; value: Json };

/** What ought to be there: what others set, and the inventory's last word over it. */
class Expectation {
  #others: Tree = {};
  desired: JsonObject = {};
  /** Sections that others had a hand in: whether they stay when they are empty is theirs to say. */
  readonly touched = new Set<string>();

  happens(happening: Happening): void {
    if (happening.by === 'pgprov') {
      this.desired = happening.desired;
      this.#others = replaced(this.#others, happening.desired);
      return;
    }
    const { path, value } = happening;
    path.slice(1).forEach((_, depth) => this.touched.add(JSON.stringify(path.slice(0, depth + 1))));
    if (value === null) this.#others = without(this.#others, path);
    else this.#others = over(this.#others, nested(path, value));
  }

  get configuration(): Tree {
    return over(this.#others, this.desired);
  }

  /** Without the empty sections that others had a hand in. */
  settled(tree: Tree, prefix: ConfigPath = []): Tree {
    const entries = Object.entries(tree).flatMap(([key, value]): [string, Json][] => {
      const path = [...prefix, key];
      const inner = isObject(value) ? this.settled(value, path) : value;
      return isObject(inner) && Object.keys(inner).length === 0 && this.touched.has(JSON.stringify(path)) ? [] : [[key, inner]];
    });
    return Object.fromEntries(entries);
  }
}

const nested = (path: ConfigPath, value: Json): Tree => path.reduceRight<Json>((inner, key) => ({ [key]: inner }), value) as Tree;

/** What others set that a desired value leaves in peace. */
function replaced(others: Tree, desired: JsonObject): Tree {
  return Object.fromEntries(
    Object.entries(others).flatMap(([key, theirs]): [string, Json][] => {
      if (!Object.hasOwn(desired, key)) return [[key, theirs]];
      const wanted = desired[key];
      return isObject(theirs) && isObject(wanted) ? [[key, replaced(theirs, wanted)]] : [];
    }),
  );
}

function over(under: Tree, upper: JsonObject): Tree {
  const merged: Tree = { ...under };
  for (const [key, value] of Object.entries(upper)) {
    const below = merged[key];
    if (value === null) delete merged[key];
    else merged[key] = isObject(value) ? over(isObject(below) ? below : {}, value) : value;
  }
  return merged;
}

function without(tree: Tree, [key = '', ...rest]: ConfigPath): Tree {
  const { [key]: inner, ...others } = tree;
  if (inner === undefined || (rest.length > 0 && !isObject(inner))) return tree;
  return rest.length === 0 ? others : { ...others, [key]: without(inner as Tree, rest) };
}

/** Values and sections under the names that settings of Patroni have; others have names of their own for the last key. */
const scalar = fc.constantFrom<Json>(5, '5', 'on', true, [1, 2], 0);
const section = (inner: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
  fc.dictionary(fc.constantFrom('a', 'b'), inner, { maxKeys: 2 }) as fc.Arbitrary<Json>;
const wanted: fc.Arbitrary<JsonObject> = fc.dictionary(
  fc.constantFrom('slots', 'postgresql', 'ttl'),
  fc.oneof(scalar, fc.constant<Json>(null), section(fc.oneof(scalar, section(scalar)))),
  { maxKeys: 3 },
) as fc.Arbitrary<JsonObject>;
const theirs: fc.Arbitrary<ConfigPath> = fc
  .tuple(fc.constantFrom(['slots'], ['postgresql'], ['slots', 'a'], ['postgresql', 'b'], []), fc.constantFrom('x', 'y'))
  .map(([sections, key]) => [...sections, key]);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  wanted.map((desired): Happening => ({ by: 'pgprov', desired })),
  fc.tuple(theirs, fc.oneof(scalar, fc.constant<Json>(null))).map(([path, value]): Happening => ({ by: 'others', path, value })),
);

function apply(store: PatroniStore, desired: JsonObject): void {
  store.patch(compareConfig(store.config, desired).patch);
}

function withoutRecord({ pgprov: _, ...config }: Tree): Tree {
  return config;
}

describe('compareConfig', () => {
  it('leaves exactly what is wanted and what others set, after any sequence of inventories and of changes by others', () => {
    fc.assert(
      fc.property(wanted, fc.array(happening, { maxLength: 8 }), wanted, (first, between, last) => {
        const store = new PatroniStore(firstConfiguration(first));
        // A first configuration is stored as it is, nulls included, as Patroni does with `bootstrap.dcs`.
        const expectation = new Expectation();
        for (const each of [{ by: 'pgprov', desired: first } as const, ...between, { by: 'pgprov', desired: last } as const]) {
          if (each.by === 'pgprov') apply(store, each.desired);
          else store.patch(nested(each.path, each.value));
          expectation.happens(each);
        }
        const is = expectation.settled(withoutNulls(withoutRecord(store.config)));
        expect(asText(is)).toEqual(asText(expectation.settled(expectation.configuration)));
        expect(compareConfig(store.config, last)).toEqual({ set: [], taken: [], forgotten: [], patch: {} });
      }),
      { seed: SEED, numRuns: 3000 },
    );
  });

  it.each<{ title: string; before: JsonObject; theirs?: JsonObject; desired: JsonObject; left: JsonObject }>([
    {
      title: 'an empty section, then something in it',
      before: { slots: {} },
      desired: { slots: { a: { type: 'physical' } } },
      left: { slots: { a: { type: 'physical' } } },
    },
    {
      title: 'the same next to keys of others',
      before: { slots: {} },
      theirs: { slots: { b: 1 } },
      desired: { slots: { a: 2 } },
      left: { slots: { b: 1, a: 2 } },
    },
    {
      title: 'a value where a section belongs, corrected',
      before: { postgresql: 5 },
      desired: { postgresql: { use_slots: true } },
      left: { postgresql: { use_slots: true } },
    },
    {
      title: 'a slot, taken back whole',
      before: { slots: { a: { type: 'physical' } } },
      theirs: { slots: { b: 1 } },
      desired: {},
      left: { slots: { b: 1 } },
    },
    { title: 'a section that must stay', before: { slots: { a: 1 } }, desired: { slots: {} }, left: { slots: {} } },
    { title: 'a section that others filled', before: { slots: {} }, theirs: { slots: { b: 1 } }, desired: {}, left: { slots: { b: 1 } } },
  ])('handles $title', ({ before, theirs: others = {}, desired, left }) => {
    const store = new PatroniStore(firstConfiguration(before));
    store.patch(others);
    apply(store, desired);
    expect(withoutRecord(store.config)).toEqual(left);
  });

  it('removes nothing without a record that pgprov set it', () => {
    for (const pgprov of [undefined, null, 5, { set: 'x' }, { set: [[], [1], 'a', null] }]) {
      const { taken, set } = compareConfig(
        { ttl: 30, loop_wait: 5, ...(pgprov === undefined ? {} : { pgprov: pgprov as Json }) },
        { ttl: 30 },
      );
      expect([taken, set]).toEqual([[], []]);
    }
  });
});

/** Patroni stores nulls below a section that was not there before, and passes over them. */
function withoutNulls(tree: Tree): Tree {
  return Object.fromEntries(
    Object.entries(tree)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, isObject(value) ? withoutNulls(value) : value]),
  );
}

/** Values as Patroni compares them, by their text. */
function asText(value: Json): Json {
  if (isObject(value))
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, inner]) => [key, asText(inner)])
        .sort(),
    );
  return Array.isArray(value) ? JSON.stringify(value) : String(value);
}

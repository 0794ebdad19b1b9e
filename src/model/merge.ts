import type { Provenance } from './inventory.js';
import { isMapping } from './mapping.js';
import type { Path } from './mapping.js';
import type { VariableSchema } from './role-schema.js';
import { childSchema } from './closed-schema.js';

/** A value under construction: a leaf, or a mapping that further layers may add to. */
export type Node = { value: unknown; from: Provenance } | { entries: ReadonlyMap<string, Node>; from: Provenance };

/** Tells where the value at a path of the layer came from. */
export type Origin = (path: Path) => Provenance;

const BY_DEFAULT: Provenance = { kind: 'default' };

/**
 * Lays a value over what earlier layers gave: mappings merge, everything else replaces, null takes an inherited value
 * away. A secret is one value even when it is written as a mapping.
 */
export function overlay(
  base: Node | undefined,
  value: unknown,
  schema: VariableSchema | undefined,
  origin: Origin,
  path: Path,
): Node | undefined {
  if (value === null) return undefined;
  if (!isMapping(value) || schema?.secret) return { value, from: origin(path) };
  const entries = new Map(base !== undefined && 'entries' in base ? base.entries : []);
  for (const [key, child] of Object.entries(value)) {
    const merged = overlay(entries.get(key), child, childSchema(schema, key), origin, [...path, key]);
    if (merged === undefined) entries.delete(key);
    else entries.set(key, merged);
  }
  return { entries, from: origin(path) };
}

/** The defaults of a schema, with what was given laid over them. */
export function overDefaults(given: Node | undefined, schema: VariableSchema): Node | undefined {
  const defaults = defaultsOf(schema);
  return given === undefined || defaults === undefined ? (given ?? defaults) : layNode(defaults, given);
}

function layNode(base: Node, top: Node): Node {
  if (!('entries' in base) || !('entries' in top)) return top;
  const entries = new Map(base.entries);
  for (const [key, node] of top.entries) {
    const below = entries.get(key);
    entries.set(key, below === undefined ? node : layNode(below, node));
  }
  return { entries, from: top.from };
}

function defaultsOf(schema: VariableSchema): Node | undefined {
  const own = schema.default;
  if (own !== undefined && (!isMapping(own) || schema.secret)) return { value: own, from: BY_DEFAULT };
  const given = own === undefined ? undefined : overlay(undefined, own, schema, () => BY_DEFAULT, []);
  const entries = new Map<string, Node>();
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    const node = defaultsOf(child);
    if (node !== undefined) entries.set(key, node);
  }
  if (entries.size === 0) return given;
  const nested: Node = { entries, from: BY_DEFAULT };
  return given === undefined ? nested : layNode(nested, given);
}

/** What is done with each leaf when a finished node becomes plain data. */
export type LeafReader = (value: unknown, schema: VariableSchema | undefined, path: readonly string[], from: Provenance) => unknown;

/** The node as plain data, each leaf as `read` returns it. */
export function toData(node: Node, schema: VariableSchema | undefined, path: readonly string[], read: LeafReader): unknown {
  if (!('entries' in node) || node.entries.size === 0) {
    return read('entries' in node ? {} : node.value, schema, path, node.from);
  }
  const entries = [...node.entries].map(([key, child]): [string, unknown] => [
    key,
    toData(child, childSchema(schema, key), [...path, key], read),
  ]);
  return Object.fromEntries(entries);
}

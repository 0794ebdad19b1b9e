/** A JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** Keys from the top of a configuration downwards. */
export type ConfigPath = readonly string[];

/**
 * The key of the dynamic configuration under which pgprov keeps which settings and sections it made: `{"set": [["ttl"], …]}`. Patroni
 * passes over keys that it does not know, so what was made and the record of it change in one request, whichever member takes it.
 */
export const RECORD_KEY = 'pgprov';

/** What has to happen for a dynamic configuration to be as desired. */
export interface ConfigDifference {
  /** Settings that have another value than the desired one. */
  set: ConfigPath[];
  /** What pgprov made and the inventory no longer gives: settings, and sections in which nothing is left. */
  taken: ConfigPath[];
  /** Recorded as made by pgprov, but gone or filled by others, and no longer desired: only the record changes. */
  forgotten: ConfigPath[];
  /** What Patroni's PATCH is sent. */
  patch: JsonObject;
}

/** The desired configuration of a cluster that does not exist yet, with the record that pgprov made all of it. */
export function firstConfiguration(desired: JsonObject): JsonObject {
  return { ...desired, [RECORD_KEY]: { set: madePaths({}, desired, leafPaths(desired)) } };
}

/**
 * Compares a dynamic configuration with the part of it that is desired. What others set stays, unless a desired value takes its place;
 * an empty object is desired as a section that is there, whatever is in it, and null as a key that is not there.
 */
export function compareConfig(current: JsonObject, desired: JsonObject): ConfigDifference {
  const wanted = leafPaths(desired);
  const set = wanted.filter((path) => !isAsDesired(valueAt(current, path), valueAt(desired, path)));
  const recorded = readRecord(current);
  const kept = recorded.filter((path) => isStillWanted(path, desired, wanted));
  const obsolete = recorded.filter((path) => !kept.includes(path)).sort((a, b) => b.length - a.length);
  const after = mergePatch(current, patchOf(desired, set, []));
  const taken: ConfigPath[] = [];
  for (const path of obsolete) {
    const value = valueAt(mergePatch(after, patchOf({}, [], taken)), path);
    if (value !== undefined && !(isJsonObject(value) && Object.keys(value).length > 0)) taken.push(path);
  }
  const forgotten = obsolete.filter((path) => !taken.includes(path));
  const record = distinct([...kept, ...madePaths(current, desired, set)]);
  const changed = set.length + taken.length + forgotten.length > 0;
  const patch = patchOf(desired, set, taken);
  return { set, taken, forgotten, patch: changed ? { ...patch, [RECORD_KEY]: { set: record } } : {} };
}

/**
 * Settings that neither the desired configuration gives nor pgprov has made, which comparing leaves as they are: somebody else set them.
 * Maintenance mode (`pause`) is none of them, for Patroni keeps it there.
 */
export function settingsOfOthers(current: JsonObject, desired: JsonObject): ConfigPath[] {
  const given = leafPaths(desired);
  const recorded = readRecord(current);
  return leafPaths(current).filter((path) => {
    const [top, ...below] = path;
    const value = valueAt(current, path);
    if (top === RECORD_KEY || (top === 'pause' && below.length === 0) || isJsonObject(value) || value === null) return false;
    // A value in the place of a section is what comparing replaces.
    if (given.some((other) => startsWith(other, path))) return false;
    return ![...given, ...recorded.filter((other) => other.length === path.length)].some((other) => startsWith(path, other));
  });
}

/** What is at a path; undefined where nothing is. */
export function valueAt(value: JsonObject, path: ConfigPath): Json | undefined {
  let at: Json | undefined = value;
  for (const key of path) at = isJsonObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  return at;
}

/** Whether something else than settings is where a section is desired: Patroni reads none of it, and its loop stops. */
export function isMalformed(current: JsonObject, desired: JsonObject): boolean {
  return Object.entries(desired).some(([name, value]) => {
    const there = valueAt(current, [name]);
    if (!isJsonObject(value) || there === undefined || there === null) return false;
    return !isJsonObject(there) || isMalformed(there, value);
  });
}

/** Every path that leads to something other than a non-empty object. */
export function leafPaths(value: JsonObject, prefix: ConfigPath = []): ConfigPath[] {
  return Object.entries(value).flatMap(([key, inner]) =>
    isJsonObject(inner) && Object.keys(inner).length > 0 ? leafPaths(inner, [...prefix, key]) : [[...prefix, key]],
  );
}

/** Settings that are set, and the sections that come into being with them. */
function madePaths(current: JsonObject, desired: JsonObject, set: readonly ConfigPath[]): ConfigPath[] {
  const made = set.filter((path) => valueAt(desired, path) !== null);
  const sections = made.flatMap((path) => path.slice(1).map((_, depth) => path.slice(0, depth + 1)));
  return distinct([...made, ...sections.filter((path) => !isJsonObject(valueAt(current, path)))]);
}

/** A recorded path that is desired, holds something that is, or lies in what a desired value replaces as a whole. */
function isStillWanted(path: ConfigPath, desired: JsonObject, wanted: readonly ConfigPath[]): boolean {
  return wanted.some((other) => {
    if (other.length >= path.length) return startsWith(other, path);
    return startsWith(path, other) && !isJsonObject(valueAt(desired, other));
  });
}

function startsWith(path: ConfigPath, prefix: ConfigPath): boolean {
  return prefix.every((key, index) => path[index] === key);
}

/** The record of earlier runs; one that somebody has damaged only means that nothing is taken back. */
function readRecord(current: JsonObject): ConfigPath[] {
  const record = valueAt(current, [RECORD_KEY, 'set']);
  if (!Array.isArray(record)) return [];
  return (record as readonly Json[]).filter(
    (path): path is string[] => Array.isArray(path) && path.length > 0 && path.every((key) => typeof key === 'string'),
  );
}

function distinct(paths: readonly ConfigPath[]): ConfigPath[] {
  return [...new Map(paths.map((path) => [JSON.stringify(path), path])).values()];
}

function patchOf(desired: JsonObject, set: readonly ConfigPath[], taken: readonly ConfigPath[]): JsonObject {
  const topmost = taken.filter((path) => !taken.some((other) => other.length < path.length && startsWith(path, other)));
  const cleared = topmost.reduce((patch, path) => withValue(patch, path, null), {});
  return set.reduce((patch, path) => withValue(patch, path, valueAt(desired, path) ?? null), cleared);
}

function withValue(object: JsonObject, [key = '', ...rest]: ConfigPath, value: Json): JsonObject {
  const below = valueAt(object, [key]);
  const entries = new Map(Object.entries(object)).set(
    key,
    rest.length === 0 ? value : withValue(isJsonObject(below) ? below : {}, rest, value),
  );
  return Object.fromEntries(entries);
}

/** What Patroni makes of a PATCH: objects are merged, null removes. */
export function mergePatch(current: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map(Object.entries(current));
  for (const [key, value] of Object.entries(patch)) {
    const below = merged.get(key);
    if (value === null) merged.delete(key);
    else merged.set(key, isJsonObject(value) && isJsonObject(below) ? mergePatch(below, value) : value);
  }
  return Object.fromEntries(merged);
}

/** Whether a value is a section. */
export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Patroni may hand back a number that was given as text, or the other way round. */
function isAsDesired(current: Json | undefined, desired: Json | undefined): boolean {
  if (desired === null || desired === undefined) return current === undefined || current === null;
  if (isJsonObject(desired)) return isJsonObject(current);
  if (Array.isArray(desired) || Array.isArray(current) || isJsonObject(current)) return JSON.stringify(current) === JSON.stringify(desired);
  return current !== undefined && current !== null && String(current) === String(desired);
}

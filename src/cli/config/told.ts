import { InputError, RefusedError } from '../../lib/errors.js';
import { nearest } from '../../lib/nearest.js';
import { pgprov } from '../../lib/pgprov-command.js';
import type { Inventory } from '../../model/index.js';
import { desiredConfiguration } from '../../operations/index.js';
import { isJsonObject, leafPaths, valueAt, type ConfigPath, type JsonObject } from '../../resources/dynamic-config.js';

/** What the changes of a command line are read from. */
export interface Told {
  /** What `--put` sets, as a merge patch. */
  set: JsonObject;
  /** The keys of `--remove`. */
  remove: readonly string[];
  /** The dynamic configuration as it is. */
  current: JsonObject;
  /** The merge patch of an edit that was begun and is not finished: what it has taken away already is there no more. */
  begun: JsonObject | undefined;
}

/**
 * The merge patch of `--put` and `--remove`.
 * @throws InputError for a key that both name, and for one that is not there
 */
export function patchOf({ set, remove, current, begun = {} }: Told, inventory: Inventory): JsonObject {
  const all = leafPaths(current);
  const takenAway = leafPaths(begun).filter((path) => valueAt(begun, path) === null);
  const given = new Set(leafPaths(set).map((path) => path.join('.')));
  return remove.reduce<JsonObject>((patch, key) => {
    if (given.has(key)) {
      throw new InputError({
        kind: 'config/contradiction',
        message: `--put and --remove both name ${key}`,
        hint: 'leave out one of the two',
      });
    }
    const path = [...all, ...takenAway].find((each) => each.join('.') === key);
    if (path !== undefined) return withNull(patch, path);
    const meant = nearest(
      key,
      all.map((each) => each.join('.')),
    );
    throw new InputError({
      kind: 'config/unknown',
      message: `the dynamic configuration has no setting ${key}`,
      hint: `${meant === undefined ? '' : `did you mean ${meant}? `}${pgprov`config show ${inventory}`} lists what it has`,
    });
  }, set);
}

function withNull(patch: JsonObject, [key = '', ...rest]: ConfigPath): JsonObject {
  const below = patch[key];
  return { ...patch, [key]: rest.length === 0 ? null : withNull(isJsonObject(below) ? below : {}, rest) };
}

/**
 * Insists that each `--put` changes something of what the inventory says.
 * @param set what all of them change
 * @throws RefusedError for a value that the inventory gives; InputError for null, which sets nothing
 */
export function assertPut(put: readonly string[], set: JsonObject, inventory: Inventory): void {
  const keys = put.map((text) => text.slice(0, text.indexOf('=')).trim());
  const has = (paths: readonly ConfigPath[], key: string): boolean =>
    paths.some((path) => path.join('.').startsWith(key.replaceAll('"', '')));
  const unchanged = keys.filter((key) => !has(leafPaths(set), key));
  if (unchanged.length === 0) return;
  const desired = leafPaths(desiredConfiguration(inventory));
  const empty = unchanged.find((key) => !has(desired, key));
  if (empty !== undefined) {
    throw new InputError({
      kind: 'cli/option-value',
      message: `--put ${empty} gives the setting no value`,
      hint: `to take it away, give --remove ${empty}`,
    });
  }
  throw new RefusedError({
    kind: 'config/owned',
    message: `${unchanged.join(', ')} ${unchanged.length === 1 ? 'is' : 'are'} given by the inventory with just this value`,
    hint: `nothing was changed; ${pgprov`apply ${inventory}`} puts it in force`,
  });
}

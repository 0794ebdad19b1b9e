import { InputError } from '../../lib/errors.js';
import { pgprov } from '../../lib/pgprov-command.js';
import { shownPath } from '../../lib/shown-path.js';
import type { Inventory } from '../../model/index.js';
import { ownedSettings, patchBetween, type OwnedSetting } from '../../operations/index.js';
import {
  isJsonObject,
  leafPaths,
  RECORD_KEY,
  valueAt,
  type ConfigPath,
  type Json,
  type JsonObject,
} from '../../resources/dynamic-config.js';
import { configInKeys, SAVED_KEYS } from '../../resources/saved-keys.js';
import { readManifest } from '../../store/saved-snapshots.js';
import { MANIFEST, readFromSnapshot } from '../../store/snapshot-file.js';

/** What is changed to go back to a saved configuration, and what is not gone back to. */
export interface WayBack {
  /** A merge patch. */
  patch: JsonObject;
  /** Settings that differ and belong to the inventory, to pgprov or to a command of their own. */
  kept: readonly OwnedSetting[];
}

/**
 * The dynamic configuration in a snapshot, without pgprov's record.
 * @throws InputError where there is none, or it is another cluster's
 */
export async function savedConfig(snapshot: string, inventory: Inventory): Promise<JsonObject> {
  const { cluster } = readManifest(await readFromSnapshot(snapshot, MANIFEST));
  if (cluster !== undefined && cluster !== inventory.cluster) {
    throw new InputError({
      kind: 'config/not-saved',
      message: `${shownPath(snapshot)} was taken of the cluster ${cluster}, and this one is ${inventory.cluster}`,
      hint: `${pgprov`snapshot list ${inventory}`} shows those of ${inventory.cluster}`,
    });
  }
  const config = configInKeys((await readFromSnapshot(snapshot, SAVED_KEYS)) ?? '');
  if (config !== undefined) {
    const { [RECORD_KEY]: _record, ...saved } = config;
    return saved;
  }
  throw new InputError({
    kind: 'config/not-saved',
    message: `${shownPath(snapshot)} has no dynamic configuration: the store gave none when it was taken`,
    hint: `give one that has; ${pgprov`snapshot list ${inventory}`} shows which do, and ${pgprov`config show ${inventory}`} what is in force now`,
  });
}

/** What has to be changed for the present configuration to become the saved one, as far as that is changed by this command. */
export function wayBack(inventory: Inventory, current: JsonObject, saved: JsonObject): WayBack {
  const whole = patchBetween(current, saved);
  const kept = ownedSettings(inventory, whole);
  return { patch: without(whole, new Set(kept.map(({ path }) => JSON.stringify(path)))), kept };
}

/** A patch without what it has at some paths, nor sections that are left empty by that. */
function without(patch: JsonObject, left: ReadonlySet<string>, prefix: ConfigPath = []): JsonObject {
  const entries = Object.entries(patch).flatMap(([key, value]): [string, Json][] => {
    const path = [...prefix, key];
    if (left.has(JSON.stringify(path))) return [];
    if (!isJsonObject(value) || Object.keys(value).length === 0) return [[key, value]];
    const below = without(value, left, path);
    return Object.keys(below).length === 0 ? [] : [[key, below]];
  });
  return Object.fromEntries(entries);
}

/** Whether an edit that was begun goes to this configuration, and so is resumed. */
export function goesTo(begun: JsonObject, saved: JsonObject): boolean {
  return leafPaths(begun).every((path) => JSON.stringify(valueAt(begun, path)) === JSON.stringify(valueAt(saved, path) ?? null));
}

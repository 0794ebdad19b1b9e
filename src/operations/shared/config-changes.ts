import {
  isJsonObject,
  leafPaths,
  RECORD_KEY,
  valueAt,
  pgprov,
  type ConfigPath,
  type Host,
  type Inventory,
  type Json,
  type JsonObject,
} from '../../index.js';
import { dynamicConfiguration, hostParameters } from '../../../roles/shared/dynamic.js';
import { hostsWith } from '../../../roles/shared/layout.js';

/** A setting that is not changed here, and where it is. */
export interface OwnedSetting {
  path: ConfigPath;
  /** In the imperative. */
  instead: string;
}

/** What the inventory wants of the dynamic configuration; it is one for the cluster. */
export function desiredConfiguration(inventory: Inventory): JsonObject {
  const [host] = hostsWith(inventory, 'patroni');
  return host === undefined ? {} : dynamicConfiguration({ inventory, host });
}

/** Parameters that the inventory gives one host alone; they stand in its own file. */
export function ownParameters(inventory: Inventory, host: Host): { name: string; value: string }[] {
  return Object.entries(hostParameters({ inventory, host })).map(([name, value]) => ({ name, value: String(value) }));
}

/** Settings of a merge patch that belong to the inventory, to pgprov or to a command of their own. */
export function ownedSettings(inventory: Inventory, patch: JsonObject): OwnedSetting[] {
  const desired = desiredConfiguration(inventory);
  const given = leafPaths(desired);
  return leafPaths(patch).flatMap((path): OwnedSetting[] => {
    const [top = ''] = path;
    if (top === RECORD_KEY) return [{ path, instead: 'leave it as it is: pgprov keeps there which settings it made' }];
    if (top === 'pause') return [{ path, instead: 'leave it as it is: it is Patroni’s maintenance mode' }];
    const isGiven = given.some((other) => startsWith(other, path) || startsWith(path, other));
    return isGiven
      ? [{ path, instead: `change ${variableOf(path, desired)} in the inventory, then run ${pgprov`apply ${inventory}`}` }]
      : [];
  });
}

/** What has to be patched for one configuration to become another. */
export function patchBetween(before: JsonObject, after: JsonObject): JsonObject {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const entries = names.flatMap((name): [string, Json][] => {
    const [was, is] = [valueAt(before, [name]), valueAt(after, [name])];
    if (JSON.stringify(was) === JSON.stringify(is)) return [];
    if (is === undefined || is === null) return was === undefined ? [] : [[name, null]];
    if (isJsonObject(was) && isJsonObject(is)) {
      const below = patchBetween(was, is);
      return Object.keys(below).length === 0 ? [] : [[name, below]];
    }
    return [[name, is]];
  });
  return Object.fromEntries(entries);
}

/** `set loop_wait to 15 (is 10)`, `unset failsafe_mode (is true)`, one for each setting of a merge patch. */
export function describePatch(current: JsonObject, patch: JsonObject): string[] {
  return leafPaths(patch).map((path) => {
    const [is, wanted] = [valueAt(current, path), valueAt(patch, path)];
    const now = is === undefined ? 'is not set' : `is ${JSON.stringify(is)}`;
    return wanted === null ? `unset ${path.join('.')} (${now})` : `set ${path.join('.')} to ${JSON.stringify(wanted)} (${now})`;
  });
}

/** A merge patch as a person gives it to `config edit`: `--put loop_wait=15 --remove failsafe_mode`, a word each. */
export function typedPatch(patch: JsonObject): string[] {
  return leafPaths(patch).flatMap((path) => {
    const value = valueAt(patch, path) ?? null;
    if (value === null) return ['--remove', path.join('.')];
    const key = path.map((step) => (step.includes('.') ? `"${step}"` : step)).join('.');
    const isPlain = typeof value === 'string' && /^(?:\d+[A-Za-z]{1,3}|(?!(?:true|false|null)$)[A-Za-z_/][\w./-]*)$/iu.test(value);
    return ['--put', `${key}=${isPlain ? value : JSON.stringify(value)}`];
  });
}

function startsWith(path: ConfigPath, prefix: ConfigPath): boolean {
  return prefix.every((key, index) => path[index] === key);
}

/** Where the inventory gives a setting: parameters have a section of their own, and some of Patroni’s settings a variable. */
function variableOf(path: ConfigPath, desired: JsonObject): string {
  const [first, second, ...names] = path;
  if (first === 'postgresql' && second === 'parameters') return `postgresql.parameters.${names.join('.')}`;
  return path.length === 1 && valueAt(desired, path) !== undefined && OWN_VARIABLES.has(first ?? '')
    ? `patroni.${first}`
    : `patroni.dynamic.${path.join('.')}`;
}

const OWN_VARIABLES = new Set([
  'ttl',
  'loop_wait',
  'retry_timeout',
  'maximum_lag_on_failover',
  'synchronous_mode',
  'synchronous_mode_strict',
]);

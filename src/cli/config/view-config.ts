import { InputError, PgprovError } from '../../lib/errors.js';
import type { Inventory } from '../../model/index.js';
import { desiredConfiguration, ownParameters, patroniHosts } from '../../operations/index.js';
import type { View } from '../../plan/view.js';
import type { ConfigMember, ConfigSetting, SeenConfig } from '../../report/config-text.js';
import { DCS } from '../../resources/dcs.js';
import { compareConfig, leafPaths, RECORD_KEY, settingsOfOthers, valueAt, type JsonObject } from '../../resources/dynamic-config.js';
import { PATRONI_TAKEN } from '../../resources/patroni/taken.js';
import { SERVER_SETTINGS } from '../../resources/settings-in-force.js';
import { pgprov } from '../../lib/pgprov-command.js';

/** @throws InputError where nothing has a dynamic configuration */
export function assertPatroni(inventory: Inventory): void {
  if (patroniHosts(inventory).length > 0) return;
  throw new InputError({
    kind: 'config/no-member',
    message: `no host of ${inventory.cluster} has the role patroni, so there is no dynamic configuration`,
    hint: 'parameters of a single server are given in postgresql.parameters',
  });
}

/** The error of a look that has found none. */
export function noConfig({ cluster, file }: Inventory): PgprovError {
  return new PgprovError({
    kind: 'config/none',
    message: `no host sees a dynamic configuration of ${cluster}`,
    hint: `see ${pgprov`status ${file}`}`,
  });
}

/** The dynamic configuration as the store has it; undefined where no host sees one. */
export function storedConfig(view: View): JsonObject | undefined {
  for (const { name } of view.hosts('patroni')) {
    const store = view.read(name, DCS);
    if (store?.reachable === true && store.config !== undefined) return store.config as JsonObject;
  }
  return undefined;
}

/** What is in force, what the inventory says, and who differs; undefined where no host sees a configuration. */
export function seenConfig(inventory: Inventory, view: View): SeenConfig | undefined {
  const stored = storedConfig(view);
  if (stored === undefined) return undefined;
  const { [RECORD_KEY]: _record, ...current } = stored;
  return {
    cluster: inventory.cluster,
    settings: settingsOf(inventory, stored, current),
    members: membersOf(inventory, view, stored),
    config: current,
  };
}

function settingsOf(inventory: Inventory, stored: JsonObject, current: JsonObject): ConfigSetting[] {
  const desired = desiredConfiguration(inventory);
  const text = (paths: readonly (readonly string[])[]): Set<string> => new Set(paths.map((path) => JSON.stringify(path)));
  const { set, taken } = compareConfig(stored, desired);
  const [differing, former, others] = [text(set), text(taken), text(settingsOfOthers(stored, desired))];
  const paths = new Map([...leafPaths(current), ...set].map((path) => [JSON.stringify(path), path]));
  return [...paths].map(([key, path]): ConfigSetting => {
    const [value, wanted] = [valueAt(current, path), valueAt(desired, path)];
    const by = others.has(key)
      ? 'others'
      : former.has(key)
        ? 'a former inventory'
        : path[0] === 'pause'
          ? 'maintenance mode'
          : 'the inventory';
    return {
      path,
      ...(value === undefined ? {} : { value }),
      ...(differing.has(key) ? { wanted: wanted ?? null } : {}),
      by,
      differs: differing.has(key) || former.has(key) || others.has(key),
    };
  });
}

function membersOf(inventory: Inventory, view: View, stored: JsonObject): ConfigMember[] {
  return view.hosts('patroni').map((host): ConfigMember => {
    const taken = view.read(host.name, PATRONI_TAKEN);
    const server = view.read(host.name, SERVER_SETTINGS);
    return {
      host: host.name,
      behind: taken === undefined ? [] : differences(stored, taken),
      own: ownParameters(inventory, host),
      altered: server?.answers === true ? server.altered : [],
      pending:
        server?.answers === true
          ? server.settings
              .filter(({ taken: inForce, restart }) => restart && !inForce)
              .map(({ name, value, wanted }) => ({ name, value, wanted }))
          : [],
    };
  });
}

/** Settings that a member's Patroni has otherwise. */
function differences(stored: JsonObject, taken: JsonObject): string[] {
  const paths = new Map([...leafPaths(stored), ...leafPaths(taken)].map((path) => [path.join('.'), path]));
  return [...paths]
    .filter(([, path]) => path[0] !== RECORD_KEY && JSON.stringify(valueAt(stored, path)) !== JSON.stringify(valueAt(taken, path)))
    .map(([name]) => name);
}

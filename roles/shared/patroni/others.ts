import {
  DCS,
  settingsOfOthers,
  valueAt,
  type ConfigPath,
  type DcsState,
  type Drift,
  type JsonObject,
  type View,
} from '../../../src/index.js';
import { dynamicConfiguration } from '../dynamic.js';
import { scopeOf } from '../layout.js';
import { patronictl } from '../patronictl.js';

/**
 * Settings of the dynamic configuration that somebody else made, as with `patronictl edit-config`, and that the inventory does not give: a run
 * leaves them as they are. One that the inventory gives with another value is a change of the plan.
 */
export function othersDrift(view: View): Drift[] {
  const host = view.hosts('patroni').find(({ name }) => view.read<DcsState>(name, DCS)?.reachable === true);
  const store = host === undefined ? undefined : view.read<DcsState>(host.name, DCS);
  if (host === undefined || store?.reachable !== true || store.config === undefined) return [];
  const current = store.config as JsonObject;
  return settingsOfOthers(current, dynamicConfiguration({ inventory: view.inventory, host })).map((path) => {
    const setting = `${path.join('.')} ${JSON.stringify(valueAt(current, path))}`;
    return {
      host: host.name,
      allowed: true,
      setting,
      what: `the dynamic configuration of the cluster has ${setting}, which neither the inventory nor pgprov has set`,
      mend: `to keep it, give it in ${variableOf(path)}; to remove it, run there as root: \`${patronictl(view, host.name)} ${['edit-config', scopeOf(view.inventory, host), ...takesBack(path)].join(' ')}\``,
    };
  });
}

function isParameter([first, second, ...names]: ConfigPath): boolean {
  return first === 'postgresql' && second === 'parameters' && names.length === 1;
}

function variableOf(path: ConfigPath): string {
  return isParameter(path) ? 'postgresql.parameters' : 'patroni.dynamic';
}

/** patronictl parts a key at its dots, and takes null for no value; what it could not tell apart is left to its editor. */
function takesBack(path: ConfigPath): string[] {
  const plain = (key: string): boolean => /^[A-Za-z0-9_-]+$/u.test(key);
  if (isParameter(path) && path.slice(2).every((name) => /^[A-Za-z0-9_.]+$/u.test(name))) return ['-p', `${path[2]}=null`, '--force'];
  return path.every(plain) ? ['-s', `${path.join('.')}=null`, '--force'] : [];
}

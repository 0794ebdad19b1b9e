import {
  enumerate,
  fileHandle,
  groupBy,
  isJsonObject,
  isPatroniConfig,
  localParameters,
  START_TRIAL,
  valueAt,
  type FailingSetting,
  type Json,
  type JsonObject,
  type OperationObjection,
  pgprov,
} from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { dynamicConfiguration, hostParameters } from '../../../../roles/shared/dynamic.js';
import { dynamicOf } from '../members.js';
import { formerValue, PARAMETERS } from './former.js';
import { readableData, type RecoverRun } from './seen.js';

/** Where a setting stands that keeps PostgreSQL from starting. */
export type FaultPlace = 'store' | 'patroni.yml' | 'postgresql.auto.conf';

/** A setting that keeps PostgreSQL from starting, and what is to become of it. */
export interface SettingFault {
  name: string;
  value: string;
  place: FaultPlace;
  /** Hosts whose PostgreSQL objects. */
  hosts: string[];
  says: string;
  /** What is put in its place; null: the setting is taken away, and PostgreSQL's default counts. */
  instead: Json;
  /** Who says so, as words that follow: `as the inventory says`; undefined: nobody does. */
  by: string | undefined;
}

/** All settings that keep a member's PostgreSQL from starting, as far as they still stand where Patroni takes them from. */
export function settingFaults(run: RecoverRun): SettingFault[] {
  const found = readableData(run.view).flatMap(({ host }): SettingFault[] => {
    const trial = run.view.read(host.name, START_TRIAL);
    if (trial?.asked !== true) return [];
    return trial.settings.flatMap((setting) => {
      const place = placeOf(run, host.name, setting);
      return place === undefined ? [] : [{ ...setting, place, hosts: [host.name], ...insteadOf(run, host.name, place, setting) }];
    });
  });
  const groups = groupBy(found, ({ name, place, value }) => JSON.stringify([name, place, value]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ ...first, hosts: group.flatMap(({ hosts }) => hosts) }];
  });
}

/** Patroni writes postgresql.conf anew before each start, so a value that it no longer has anywhere is past. */
function placeOf(run: RecoverRun, host: string, setting: FailingSetting): FaultPlace | undefined {
  if (setting.file === 'postgresql.auto.conf') return 'postgresql.auto.conf';
  const local = localValue(run, host, setting.name);
  if (local !== undefined) return isSame(local, setting.value) ? 'patroni.yml' : undefined;
  const stored = storedParameter(run, setting.name);
  return stored !== undefined && isSame(stored.value, setting.value) ? 'store' : undefined;
}

function storedParameter({ view }: RecoverRun, name: string): { name: string; value: Json } | undefined {
  const parameters = valueAt(dynamicOf(view) as JsonObject, PARAMETERS);
  if (!isJsonObject(parameters)) return undefined;
  const [found] = Object.entries(parameters).filter(([key]) => key.toLowerCase() === name.toLowerCase());
  return found === undefined ? undefined : { name: found[0], value: found[1] };
}

/** Members with a patroni.yml that Patroni cannot start with, or none. */
export function spoiltFiles({ view }: RecoverRun): string[] {
  return view.hosts('patroni').flatMap(({ name }) => {
    const file = view.read(name, fileHandle(view.platform(name)?.patroni.configFile ?? ''));
    if (file === undefined) return [];
    return file.type === 'file' && isPatroniConfig(file.content.toString('utf8')) ? [] : [name];
  });
}

/** A parameter of the section postgresql of the host's patroni.yml. */
function localValue({ view }: RecoverRun, host: string, name: string): Json | undefined {
  const file = view.read(host, fileHandle(view.platform(host)?.patroni.configFile ?? ''));
  const given = localParameters(file?.type === 'file' ? file.content.toString('utf8') : '');
  return Object.entries(given).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

/** Patroni writes booleans as `on` and `off`. */
function isSame(value: Json, written: string): boolean {
  const text = value === true || value === 'true' ? 'on' : value === false || value === 'false' ? 'off' : String(value);
  return text.toLowerCase() === written.toLowerCase() || String(value).toLowerCase() === written.toLowerCase();
}

/** What the inventory gives for the parameter; else, in the store, what it was there before. */
function insteadOf(
  run: RecoverRun,
  host: string,
  place: FaultPlace,
  { name, value }: FailingSetting,
): Pick<SettingFault, 'instead' | 'by'> {
  const given = givenFor(run, host, name);
  if (given !== null) return { instead: given, by: 'as the inventory says' };
  const former = place === 'store' ? formerValue(run, name, (each) => each !== null && isSame(each, value)) : undefined;
  return { instead: former?.value ?? null, by: former?.words };
}

/** What the inventory gives for the parameter; null: nothing. */
function givenFor(run: RecoverRun, name: string, parameter: string): Json {
  const host = run.inventory.hosts.find((each) => each.name === name);
  if (host === undefined) return null;
  const context = { inventory: run.inventory, host };
  const given = { ...(valueAt(dynamicConfiguration(context), PARAMETERS) as JsonObject | undefined), ...hostParameters(context) };
  return Object.entries(given).find(([key]) => key.toLowerCase() === parameter.toLowerCase())?.[1] ?? null;
}

/** What is wrong in the store, as a patch of the dynamic configuration. */
export function storePatch(run: RecoverRun): JsonObject | undefined {
  const faults = settingFaults(run).filter(({ place }) => place === 'store');
  if (faults.length === 0) return undefined;
  const entries = faults.map(({ name, instead }): [string, Json] => [storedParameter(run, name)?.name ?? name, instead]);
  return { postgresql: { parameters: Object.fromEntries(entries) } };
}

/** `shared_buffers = 500GB becomes 64MB, as the inventory says` */
export function correctionWords({ name, value, instead, by }: SettingFault): string {
  if (instead !== null) return `${name} = ${value} becomes ${String(instead)}, ${by ?? 'as before'}`;
  const why = by === undefined ? 'nobody knows what it was before' : `${by}: it was not given`;
  return `${name} = ${value} is taken away, so PostgreSQL’s default counts (the inventory does not give it; ${why})`;
}

/** PostgreSQL's own sentences: `PostgreSQL on pg1, pg2 and pg3 does not start with shared_buffers = 500GB: "could not map …"`. */
export function faultWords({ name, value, hosts, says }: SettingFault): string {
  return `PostgreSQL on ${enumerate(hosts)} does not start with ${name} = ${value}: "${says}"`;
}

/** A value that the inventory gives cannot be corrected but there; and what no single setting explains has to be looked at. */
export function settingObjections(run: RecoverRun): OperationObjection[] {
  const { view, inventory } = run;
  const own = settingFaults(run).filter(({ value, instead }) => instead !== null && isSame(instead, value));
  if (own.length > 0) {
    return [
      {
        kind: 'refuse',
        message: `the inventory itself gives what PostgreSQL does not start with:\n  ${own.map(faultWords).join('\n  ')}`,
        hint: `nothing was changed; correct ${enumerate(own.map(({ name }) => name))} in ${inventory.file} and run this again`,
      },
    ];
  }
  const unexplained = readableData(view).flatMap(({ host }) => {
    const trial = view.read(host.name, START_TRIAL);
    return trial?.asked === true && trial.objections.length > 0 && trial.settings.length === 0
      ? [`${host.name}: ${trial.objections.map(({ message }) => message).join('; ')}`]
      : [];
  });
  if (unexplained.length === 0) return [];
  return [
    {
      kind: 'refuse',
      message: `PostgreSQL does not start, and no setting of Patroni’s is the reason:\n  ${unexplained.join('\n  ')}`,
      hint: `nothing was changed; correct postgresql.base.conf in the data directory there, which ${dcsOf(inventory).name} does not hold, and run ${pgprov`recover ${inventory}`} again`,
    },
  ];
}

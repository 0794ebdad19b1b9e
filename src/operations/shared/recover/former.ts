import { FORMER_CONFIGS, isJsonObject, valueAt, type Json, type JsonObject } from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { dynamicOf } from '../members.js';
import { savedConfigs } from './copies.js';
import { firstOf, readableData, usedConfig, type RecoverRun } from './seen.js';

/** Where PostgreSQL's parameters stand in a dynamic configuration. */
export const PARAMETERS = ['postgresql', 'parameters'];

/** What a parameter was before. */
export interface FormerValue {
  /** null: it was not given. */
  value: Json;
  /** Who says so, as words that follow the value: `as etcd had it before`. */
  words: string;
}

/** What a parameter of the dynamic configuration was before it got the value that PostgreSQL does not start with; undefined where nobody knows. */
export function formerValue(run: RecoverRun, name: string, isBad: (value: Json) => boolean): FormerValue | undefined {
  const { view, inventory } = run;
  const store = dcsOf(inventory).name;
  const kept = view.hosts('patroni').map((host) => view.read(host.name, FORMER_CONFIGS) ?? []);
  const [longest = []] = kept.sort((a, b) => b.length - a.length);
  const sources: { configs: { config: JsonObject; words: string }[] }[] = [
    { configs: [dynamicOf(view) as JsonObject, ...longest].map((config) => ({ config, words: `as ${store} had it before` })) },
    { configs: savedConfigs(run).map(({ config, words }) => ({ config, words: `as ${words}, has it` })) },
    ...members(run).map((configs) => ({ configs })),
  ];
  for (const { configs } of sources) {
    const values = configs.map(({ config, words }) => ({ value: parameterIn(config, name), words }));
    // What was put in the place of the same value before, and failed as well, is not gone back to.
    const former = values[values.findLastIndex(({ value }) => isBad(value)) + 1];
    if (former !== undefined) return former;
  }
  return undefined;
}

/** What each member's Patroni used last: one that was down meanwhile has what was before. */
function members(run: RecoverRun): { config: JsonObject; words: string }[][] {
  const first = firstOf(run.view);
  const names = [...(first === undefined ? [] : [first]), ...readableData(run.view).map(({ host }) => host.name)];
  return names.flatMap((name) => {
    const config = usedConfig(run.view, name);
    return config === undefined ? [] : [[{ config, words: `as patroni.dynamic.json of ${name} has it` }]];
  });
}

/** A parameter of a dynamic configuration, however its name is written; null: it has none. */
export function parameterIn(config: JsonObject, name: string): Json {
  const parameters = valueAt(config, PARAMETERS);
  if (!isJsonObject(parameters)) return null;
  return Object.entries(parameters).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] ?? null;
}

import { enumerate, SERVER_LIMITS, valueAt, pgprov, type Json, type JsonObject } from '../../index.js';
import { dynamicConfiguration } from '../../../roles/shared/dynamic.js';
import { hostsWith } from '../../../roles/shared/layout.js';
import { patronictl } from '../../../roles/shared/patronictl.js';
import { answerOf, dynamicOf } from './members.js';
import { compareLimits, wantedLimits } from './restart/order.js';
import type { RestartRun } from './restart/options.js';

interface PendingChange {
  name: string;
  /** '' where it is not known, or there was none. */
  from: string;
  to: string;
}

/** What a restart of a member would change: Patroni tells since its version 4; limits of standbys are compared here. */
function pendingChanges({ view }: Pick<RestartRun, 'view'>, host: string): PendingChange[] {
  const answer = answerOf(view, host);
  if (answer?.pendingRestart !== true) return [];
  if (answer.pendingReasons !== undefined) return Object.entries(answer.pendingReasons).map(([name, reason]) => ({ name, ...reason }));
  const wanted = wantedLimits(dynamicOf(view));
  const running = view.read(host, SERVER_LIMITS)?.running ?? {};
  const { below, above } = compareLimits(running, wanted);
  return [...below, ...above].map((name) => ({ name, from: `${running[name] ?? ''}`, to: `${wanted[name]}` }));
}

/** `max_connections 100 → 200`, one for each parameter that waits for a restart of the member, of those that are asked for. */
export function changesOf(run: Pick<RestartRun, 'view'>, host: string, isAskedFor: (name: string) => boolean = () => true): string[] {
  return pendingChanges(run, host)
    .filter(({ name, from, to }) => isAskedFor(name) && from !== to)
    .map(({ name, from, to }) => `${name} ${from || 'none'} → ${to || 'none'}`);
}

/** How what is pending on a member is taken back, in a sentence with the settings and the command; '' where nothing is. */
export function takeBack(run: RestartRun, host: string): string {
  const { view, inventory } = run;
  const changes = pendingChanges(run, host);
  const [member] = hostsWith(inventory, 'patroni');
  if (changes.length === 0 || member === undefined) return '';
  const parameters = ['postgresql', 'parameters'];
  const desired = dynamicConfiguration({ inventory, host: member });
  const stored = dynamicOf(view) as JsonObject;
  const at = (configuration: JsonObject, name: string): Json | undefined => valueAt(configuration, [...parameters, name]);
  const isGiven = ({ name }: PendingChange): boolean => at(desired, name) !== undefined;
  const isInventorys = (change: PendingChange): boolean =>
    isGiven(change) && String(at(desired, change.name)) === String(at(stored, change.name));
  const former = (all: readonly PendingChange[]): string => enumerate(all.map(({ name, from }) => `${name} ${from || 'no value'}`));
  const inInventory = changes.filter(isInventorys);
  const others = changes.filter((change) => !isGiven(change));
  const apply = changes.some(isGiven) ? [`run ${pgprov`apply ${inventory}`}`] : [];
  const words = others.map(({ name, from }) => patronictlWord(`${name}=${from || 'null'}`));
  const scope = answerOf(view, host)?.scope ?? '';
  const edit =
    others.length === 0 ? [] : [`run \`${patronictl(view, host)} edit-config ${scope} ${words.join(' ')} --force\` as root on ${host}`];
  const give = inInventory.length === 0 ? [] : [`give ${former(inInventory)} in the inventory again (postgresql.parameters)`];
  // A restart that was begun is unfinished, and nothing else may change the cluster.
  const giveUp = `run ${pgprov`restart ${inventory} --give-up`}`;
  return `to take the change back: ${[giveUp, ...give, ...apply, ...edit].join(', then ')}; Patroni then starts PostgreSQL on ${host} by itself`;
}

/** An option of patronictl that sets a parameter, as one types it. */
function patronictlWord(setting: string): string {
  return `-p ${/^[\w.=-]+$/u.test(setting) ? setting : `'${setting.replaceAll("'", String.raw`'\''`)}'`}`;
}

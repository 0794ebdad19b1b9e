import { PENDING_VALUES, SERVER_LIMITS, STANDBY_LIMITS, type PendingValue } from '../../../index.js';
import { isSelected, type RestartRun } from '../restart/options.js';
import type { Restartable } from './restart-order.js';
import { answers, isBeingMade, standbysInOrder, unitOn } from './seen.js';

/** Its server has another start than when the operation began. */
export function isRestarted({ view, options }: RestartRun, name: string): boolean {
  const { start = '' } = unitOn(view, name) ?? {};
  return start !== '' && start !== options.began?.[name];
}

/** It ran when the operation began and does not now, so its restart is what brings it back. */
export function isLeftDown(run: RestartRun, name: string): boolean {
  return isSelected(run, name) && (run.options.began?.[name] ?? '') !== '' && !answers(run.view, name);
}

/** What waits for a restart of a server. */
export function pendingOn({ view }: Pick<RestartRun, 'view'>, name: string): readonly PendingValue[] {
  return view.read(name, PENDING_VALUES) ?? [];
}

/** A server as the order of restarts sees it. */
export function restartable(run: RestartRun, name: string): Restartable {
  const { view, options } = run;
  const pending = pendingOn(run, name);
  const running = view.read(name, SERVER_LIMITS)?.running ?? {};
  const next = pending.flatMap(({ name: parameter, to }): [string, number][] =>
    Object.hasOwn(STANDBY_LIMITS, parameter) && /^\d+$/u.test(to) ? [[parameter, Number(to)]] : [],
  );
  const isDue = options.pending === true ? pending.length > 0 : !isRestarted(run, name);
  return {
    name,
    left: isSelected(run, name) && (isLeftDown(run, name) || isDue),
    running,
    next: { ...running, ...Object.fromEntries(next) },
  };
}

/** The standbys that have a server, as the order sees them. */
export function standbysOf(run: RestartRun): Restartable[] {
  return standbysInOrder(run)
    .filter((name) => !isBeingMade(run.view, name))
    .map((name) => restartable(run, name));
}

/** `max_connections 100 → 200`, one for each parameter that waits for a restart. */
export function changes(run: RestartRun, name: string): string[] {
  return pendingOn(run, name).map(({ name: parameter, from, to }) => `${parameter} ${from || 'none'} → ${to || 'none'}`);
}

import { enumerate, pgprov, type OperationObjection } from '../../../index.js';
import { guardStreaming } from '../../../../roles/shared/streaming/guards.js';
import { primaryOf } from '../../../../roles/shared/streaming/seen.js';
import { fileErrors } from '../file-errors.js';
import { selectedOf, type RestartRun } from '../restart/options.js';
import { noOrder } from './restart-order.js';
import { changes, isLeftDown, isRestarted, pendingOn, restartable, standbysOf } from './restart-seen.js';
import { answers, isBeingMade, isHeld, notStreamingWhy, standbysInOrder, unitOn } from './seen.js';

/** Why servers must not be restarted now. */
export function restartObjections(run: RestartRun): OperationObjection[] {
  const { view, inventory } = run;
  const found = guardStreaming(view);
  if (found.length > 0) return found;
  const primary = primaryOf(view)?.name;
  if (primary === undefined) {
    return [
      {
        kind: 'refuse',
        message: 'no server is the primary',
        hint: `nothing was changed; see ${pgprov`status ${inventory}`}`,
        settles: true,
      },
    ];
  }
  return [
    ...selectedOf(run).flatMap((name) => unfit(run, name)),
    ...notReady(run, primary),
    ...selectedOf(run).flatMap((host) => brokenFiles(run, host)),
    ...selectedOf(run).flatMap((name) => stillPending(run, name)),
    ...inNoOrder(run, primary),
  ];
}

/** A server that a restart of its unit would not restart. */
function unfit(run: RestartRun, name: string): OperationObjection[] {
  const { view, inventory } = run;
  const unit = unitOn(view, name);
  if (isBeingMade(view, name)) {
    const message = `${name} has no server yet`;
    return [{ kind: 'preflight', error: 'restart/down', message, hint: `${pgprov`apply ${inventory}`} makes it; nothing was changed` }];
  }
  if (unit?.serves === true && !unit.active) {
    const message = `PostgreSQL on ${name} runs outside of its unit, which a restart of the unit would not end`;
    const hint = `nothing was changed; stop it with pg_ctl there, and start it with ${pgprov`start ${inventory} --host ${name}`}`;
    return [{ kind: 'refuse', message, hint }];
  }
  if (answers(view, name) || isLeftDown(run, name)) return [];
  return [
    {
      kind: 'preflight',
      error: 'restart/down',
      message: `PostgreSQL on ${name} does not run, or takes no connections`,
      hint: `nothing was changed; ${pgprov`start ${inventory} --host ${name}`} starts it, or choose other hosts with --host`,
      settles: true,
    },
  ];
}

/** While one server is down no other one is restarted; one that was stopped on purpose counts as not there. */
function notReady(run: RestartRun, primary: string): OperationObjection[] {
  const { view, inventory } = run;
  const standbys = standbysInOrder(run).filter((name) => !isHeld(view, name) && !isBeingMade(view, name));
  const leftDown = [primary, ...standbys].filter((name) => isLeftDown(run, name));
  // The one that the operation left down comes next, and whoever streams from it waits for it.
  if (leftDown.length === 1) return [];
  const [name] = standbys.filter((each) => notStreamingWhy(view, each) !== undefined);
  if (name === undefined) return [];
  return [
    {
      kind: 'refuse',
      message: `${name} does not stream: ${notStreamingWhy(view, name)}; while one server is down no other one is restarted`,
      hint: `nothing more was changed; the log of PostgreSQL on ${name} says why, and ${pgprov`status ${inventory}`} shows the servers`,
      settles: true,
    },
  ];
}

/** With such a line it would not start again. */
function brokenFiles(run: RestartRun, host: string): OperationObjection[] {
  const { view, inventory } = run;
  if (!restartable(run, host).left) return [];
  const pending = pendingOn(run, host).map(({ name }) => name);
  return fileErrors(view, host, pending).map((error) => ({
    kind: 'refuse',
    host,
    message: `${host}: ${error}: PostgreSQL would not start again`,
    hint: `nothing was restarted there; correct the line. Where pgprov wrote the file, ${pgprov`apply ${inventory}`} writes it again`,
  }));
}

/** A restart has not brought what it was to bring, so another one would not either. */
function stillPending(run: RestartRun, name: string): OperationObjection[] {
  if (!isRestarted(run, name) || pendingOn(run, name).length === 0) return [];
  return [
    {
      kind: 'preflight',
      message: `${name} was restarted, and a restart is still pending there: ${changes(run, name).join(', ')}`,
      hint: `its files were changed meanwhile; ${pgprov`restart ${run.inventory} --give-up`} forgets this restart, and another one takes them up`,
    },
  ];
}

function inNoOrder(run: RestartRun, primary: string): OperationObjection[] {
  const { inventory } = run;
  const found = noOrder(restartable(run, primary), standbysOf(run));
  if (found === undefined) return [];
  const [standbys, limits] = [enumerate(found.standbys), enumerate(found.limits)];
  const refuse = (message: string, hint: string): OperationObjection[] => [
    { kind: 'refuse', message, hint: `nothing was changed; ${hint}` },
  ];
  if (found.why === 'keeps')
    return refuse(
      `${primary} was not restarted for a lower ${limits}, so ${standbys} would not start: a standby has it no lower than its primary`,
      `restart ${primary} as well: ${pgprov`restart ${inventory} --pending`} without --host restarts it first`,
    );
  if (found.why === 'lags')
    return refuse(
      `${primary} is the primary, and its restart raises ${limits}; ${standbys}, which would have less, would stop`,
      `${standbys} must be to have as much: run ${pgprov`apply ${inventory}`}, and ${pgprov`restart ${inventory}`} without --host`,
    );
  return refuse(
    `${limits} is raised and another limit lowered, on ${standbys} as well: a standby must have no less than its primary of either, so neither can be restarted first`,
    `make the two changes one after the other: give one of the former values again (postgresql.parameters), ${pgprov`apply ${inventory} --restart`}, then the other`,
  );
}

import {
  enumerate,
  pgprov,
  replayedLimits,
  serverRestart,
  STANDBY_LIMITS,
  type CheckResult,
  type HostStep,
  type Limits,
  type OperationObjection,
  type StandbyLimit,
} from '../../../index.js';
import { primaryOf } from '../../../../roles/shared/streaming/seen.js';
import { unitServer } from '../../../../roles/shared/streaming/server-unit.js';
import { selectedOf, type RestartOptions, type RestartRun, type RestartStart } from '../restart/options.js';
import { poolObjections } from '../pause-pools.js';
import type { StreamingProcedure } from './procedure.js';
import { restartObjections } from './restart-guards.js';
import { orderOf } from './restart-order.js';
import { changes, isLeftDown, isRestarted, pendingOn, restartable, standbysOf } from './restart-seen.js';
import { chosenServers, downstreamOf, isBeingMade, isHeld, serverNames, serverObservations, unitOn } from './seen.js';
import { standbyProofs } from './standby-proofs.js';
import { streamsGate } from './streams-gate.js';
import { waitingCommits } from './waiting-commits.js';

/** PostgreSQL of servers that stream without Patroni, restarted one at a time. */
export const streamingRestart: StreamingProcedure<RestartOptions> = {
  observations: serverObservations,
  problems,
  guards: (run) => restartObjections(run).slice(0, 1),
  choose: (run) => ({ ...run.options, began: begins(run) }),
  remaining: (run) => ({ steps: steps(run), ...leftOut(run) }),
  nothing: (run) => {
    const where = enumerate(selectedOf(run));
    if (where === '') return 'there is no server to restart: those that were chosen are stopped';
    return run.options.pending === true ? `no restart is pending on ${where}` : `PostgreSQL was restarted on ${where} already`;
  },
  checks: proofs,
  finished: (run) => `PostgreSQL was restarted on ${enumerate(selectedOf(run).filter((name) => isRestarted(run, name)))}`,
};

function problems({ options, inventory, chosenHosts }: RestartStart): OperationObjection[] {
  const { service = 'postgresql', switchover } = options;
  const names = serverNames({ inventory });
  const input = (error: string, message: string, hint: string): OperationObjection[] => [
    { kind: 'input', error: `restart/${error}`, message, hint },
  ];
  if (service !== 'postgresql')
    return input('no-host', `no host of ${inventory.cluster} runs ${service}: its servers stream without Patroni`, 'leave out --service');
  if (switchover === true)
    return input(
      'option',
      '--switchover restarts a leader of Patroni, and these servers stream without it',
      'leave it out: the primary is restarted where it is, after its standbys',
    );
  const withoutPools = poolObjections({ options, inventory });
  if (withoutPools.length > 0 || chosenHosts === undefined || chosenHosts.some((name) => names.includes(name))) return withoutPools;
  return input(
    'host',
    `${enumerate(chosenHosts)} ${chosenHosts.length === 1 ? 'has' : 'have'} no server`,
    `hosts that have are ${enumerate(names)}`,
  );
}

/** The servers that are restarted, and since when they run. One that was stopped on purpose takes up everything when it is started. */
function begins(run: RestartRun): Record<string, string> {
  const chosen = chosenServers(run).filter((name) => !isHeld(run.view, name));
  return Object.fromEntries(chosen.map((name) => [name, unitOn(run.view, name)?.start ?? '']));
}

function leftOut(run: RestartRun): { then?: string } {
  const held = chosenServers(run).filter((name) => isHeld(run.view, name));
  if (held.length === 0) return {};
  return {
    then: `${enumerate(held)} ${held.length === 1 ? 'was' : 'were'} stopped with pgprov and ${held.length === 1 ? 'stays' : 'stay'} so`,
  };
}

function steps(run: RestartRun): HostStep[] {
  const primary = primaryOf(run.view)?.name;
  if (primary === undefined) return [];
  const [leading, standbys] = [restartable(run, primary), standbysOf(run)];
  const { before, primary: restarts, after } = orderOf(leading, standbys);
  // Nobody writes until it is back.
  if (isLeftDown(run, primary)) return [primaryStep(run, primary), ...[...before, ...after].map((name) => standbyStep(run, name, []))];
  const lowered = (name: string): StandbyLimit[] => {
    const { next } = restartable(run, name);
    return (Object.keys(STANDBY_LIMITS) as StandbyLimit[]).filter((limit) => (next[limit] ?? 0) < (leading.running[limit] ?? 0));
  };
  return [
    ...before.map((name) => standbyStep(run, name, [])),
    ...(restarts === undefined ? [] : [primaryStep(run, restarts)]),
    ...after.map((name) => standbyStep(run, name, lowered(name))),
  ];
}

/** `max_connections 100 → 200`, in brackets. */
function reasons(run: RestartRun, name: string): string {
  const all = changes(run, name);
  return all.length === 0 ? '' : ` (${all.join(', ')})`;
}

/** @param replays limits that the standby must have replayed from its primary, because it does not start with less than it knows of */
function standbyStep(run: RestartRun, name: string, replays: readonly StandbyLimit[]): HostStep {
  const primary = primaryOf(run.view)?.name ?? '';
  const { next } = restartable(run, primary);
  const limits: Limits = Object.fromEntries(replays.map((limit) => [limit, next[limit] ?? 0]));
  const words = replays.map((limit) => `${limit} ${next[limit]}`);
  const after = replays.length === 0 ? '' : `, once it has replayed ${enumerate(words)} of ${primary}`;
  return {
    id: `restart-${name}`,
    title: `restart PostgreSQL on ${name}${reasons(run, name)}${after}`,
    effect: [`clients that read from ${name} are cut`, waitingCommits(run, [name])].join('; '),
    on: [name],
    resources: (context) => {
      const { server, data } = unitServer(context);
      return [
        ...(replays.length === 0 ? [] : [replayedLimits({ member: name, binDirectory: server.binDirectory, data, limits })]),
        restarting(run, context, 'standby'),
      ];
    },
    gates: (context) => [streamsGate(context, followers(run, name))],
  };
}

function primaryStep(run: RestartRun, name: string): HostStep {
  return {
    id: `restart-${name}`,
    title: `restart PostgreSQL on ${name}, the primary${reasons(run, name)}`,
    effect: `every connection to ${name} is cut, and writes fail until it is up again`,
    on: [name],
    measuresWriteGap: true,
    resources: (context) => [restarting(run, context, 'primary')],
    gates: (context) => [streamsGate(context, followers(run, name))],
  };
}

/** Who has to stream from a server after its restart. */
function followers(run: RestartRun, name: string): string[] {
  return downstreamOf(run, name).filter((other) => !isHeld(run.view, other) && !isBeingMade(run.view, other) && !isLeftDown(run, other));
}

function restarting(
  run: RestartRun,
  context: Parameters<typeof unitServer>[0],
  as: 'primary' | 'standby',
): ReturnType<typeof serverRestart> {
  const { name: host } = context.host;
  const former = pendingOn(run, host).map(({ name, from }) => `${name} ${from || 'no value'}`);
  const takeBack =
    former.length === 0
      ? ''
      : `to take the change back: run ${pgprov`restart ${run.inventory} --give-up`}, then give ${enumerate(former)} in the inventory again (postgresql.parameters), then run ${pgprov`apply ${run.inventory}`}, which starts it`;
  return serverRestart({ ...unitServer(context), host, as, before: unitOn(run.view, host)?.start ?? '', takeBack });
}

function proofs(run: RestartRun): CheckResult[] {
  const restarted = selectedOf(run).map((host): CheckResult => {
    const all = changes(run, host);
    const pending = all.length === 0 ? 'no restart is pending' : `a restart is pending: ${all.join(', ')}`;
    if (run.options.pending === true) return { host, title: 'no restart is pending', ok: all.length === 0, detail: pending };
    const ok = isRestarted(run, host);
    return { host, title: 'PostgreSQL was restarted', ok, detail: ok ? pending : 'it runs since before' };
  });
  return [...restarted, ...standbyProofs(run)];
}

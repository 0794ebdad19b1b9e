import {
  enumerate,
  PATRONI_TAKEN,
  replayedLimits,
  SERVER_LIMITS,
  untakenSettings,
  pgprov,
  type CheckResult,
  type HostStep,
  type JsonObject,
  type Limits,
  type OperationObjection,
  type RoleContext,
  type StandbyLimit,
} from '../../../index.js';
import { dataDirectoryOf, hostsWith, localServer } from '../../../../roles/shared/layout.js';
import { answerOf, dynamicOf, leaderOf, membersBut, streamsFrom } from '../members.js';
import { followStep, handOverStep } from '../hand-over.js';
import { restartedMember } from '../restarted-member.js';
import { candidateOf, isByHandOver, noHeir } from '../leader-restart.js';
import { leaderGate, standbyGate } from '../member-gate.js';
import { busyObjection, maintenanceObjection, scheduledRestartObjection } from '../quiet-cluster.js';
import { compareLimits, isLeft, leftBehind, turnsOf, wantedLimits, type Restartable, type Turn } from './order.js';
import { isSelected, selectedOf, type Restarting, type RestartRun } from './options.js';
import { noLeader, notReady } from '../ready-members.js';
import { changesOf, takeBack } from '../pending-changes.js';

/** PostgreSQL of the members, restarted by Patroni. */
export const postgresqlRestarting: Restarting = {
  hosts: ({ inventory }) => hostsWith(inventory, 'patroni'),
  startOf: ({ view }, host) => view.read(host, SERVER_LIMITS)?.started,
};

/** A member as the order of restarts sees it. */
export function restartable(run: RestartRun, name: string): Restartable {
  const { view, options } = run;
  const seen = view.read(name, SERVER_LIMITS);
  const answer = answerOf(view, name);
  const { below, above } = compareLimits(seen?.running ?? {}, wantedLimits(dynamicOf(view)));
  const limits: readonly string[] = [...below, ...above];
  const reasons = answer?.pendingReasons;
  const pending = answer?.pendingRestart === true;
  const isOther = reasons === undefined ? limits.length === 0 : Object.keys(reasons).some((parameter) => !limits.includes(parameter));
  return {
    name,
    selected: isSelected(run, name),
    restarted: seen?.started !== undefined && options.began?.[name] !== undefined && options.began[name] !== seen.started,
    down: seen?.started === undefined,
    pending,
    below: pending ? below : [],
    above: pending ? above : [],
    other: pending && isOther,
  };
}

/** The members besides the leader, in the inventory's order. */
function standbysOf(run: RestartRun, leader: string): Restartable[] {
  return hostsWith(run.inventory, 'patroni').flatMap(({ name }) => (name === leader ? [] : [restartable(run, name)]));
}

/** Why PostgreSQL must not be restarted now. */
export function postgresqlObjections(run: RestartRun): OperationObjection[] {
  const { view, done, options } = run;
  const leader = leaderOf(view);
  const paused = maintenanceObjection(run);
  if (leader === undefined) return paused.length > 0 ? paused : noLeader(run);
  const disturbed = [...paused, ...busyObjection(run), ...scheduledRestartObjection(run, leader)];
  // After a switchover there is a step of its own that waits.
  const isFollowing = done.has('hand-over') && !done.has('follow');
  const objections = [...disturbed, ...(isFollowing ? [] : [...notReady(run, leader), ...notTaken(run)])];
  if (objections.length > 0) return objections.slice(0, 1);
  const [leading, standbys] = [restartable(run, leader), standbysOf(run, leader)];
  if (isFollowing) return [];
  return [
    ...[leading, ...standbys].flatMap((member) => stillPending(run, member)),
    ...behindLeader(run, leading, standbys),
    ...noHeir(run, leader, turnsOf(leading, standbys, options.pending === true)),
    ...(options.pending === true ? keepsForLeader(run, leading, standbys) : []),
  ].slice(0, 1);
}

/** A member whose Patroni does not use the dynamic configuration yet has not said either what is pending. */
function notTaken({ view, inventory }: RestartRun): OperationObjection[] {
  const stored = dynamicOf(view) as JsonObject;
  return hostsWith(inventory, 'patroni').flatMap(({ name }): OperationObjection[] => {
    const missing = untakenSettings(view.read(name, PATRONI_TAKEN), stored).map((path) => path.join('.'));
    if (missing.length === 0) return [];
    return [
      {
        kind: 'refuse',
        message: `Patroni on ${name} does not use ${enumerate(missing)} of the dynamic configuration yet, so nobody knows what is pending there`,
        hint: `the journal of Patroni on ${name} says why, if it stays so`,
        settles: true,
      },
    ];
  });
}

/** A restart has not brought what it was to bring, so another one would not either. */
function stillPending(run: RestartRun, member: Restartable): OperationObjection[] {
  if (!member.selected || !member.restarted || !(member.other || member.below.length > 0)) return [];
  const { name } = member;
  return [
    {
      kind: 'preflight',
      message: `${name} was restarted, and a restart is still pending there: ${changesOf(run, name).join(', ') || 'Patroni does not say for what'}`,
      hint: `the journal of Patroni on ${name} says why; ${pgprov`restart ${run.inventory} --give-up`} forgets this restart`,
      settles: true,
    },
  ];
}

/** What the leader raises, standbys that are left out would not have. */
function behindLeader({ options, inventory }: RestartRun, leader: Restartable, standbys: readonly Restartable[]): OperationObjection[] {
  const behind = leftBehind(leader, standbys, options.pending === true);
  if (behind.length === 0) return [];
  const limits = [...new Set(behind.flatMap(({ below }) => below))];
  const all = enumerate(behind.map(({ name }) => name));
  return [
    {
      kind: 'refuse',
      message: `${leader.name} leads, and its restart raises ${enumerate(limits)}; ${all}, which would have less, would stop`,
      hint: `restart ${all} as well: leave out --host, or run ${pgprov`restart ${inventory} --host ${behind.map(({ name }) => name).join(',')}`} first`,
    },
  ];
}

/**
 * The same where Patroni's units are restarted, `names` of them: standbys that would have less than a leader which restarts, whoever leads then.
 */
export function leftToRaise(run: RestartRun, leader: string, names: readonly string[]): OperationObjection[] {
  const all = [restartable(run, leader), ...standbysOf(run, leader)];
  const selected = all.map((member) => ({ ...member, selected: names.includes(member.name), other: true, pending: true }));
  const [leading, ...standbys] = selected as [Restartable, ...Restartable[]];
  return behindLeader(run, leading, standbys);
}

/** Standbys that would be restarted for nothing. */
function keepsForLeader({ inventory }: RestartRun, leader: Restartable, standbys: readonly Restartable[]): OperationObjection[] {
  if (leader.selected || leader.above.length === 0) return [];
  const inVain = standbys.filter(
    ({ selected, pending, below, above, other }) => selected && pending && !other && below.length === 0 && above.length > 0,
  );
  if (inVain.length === 0) return [];
  const all = enumerate(inVain.map(({ name }) => name));
  return [
    {
      kind: 'refuse',
      message: `${leader.name} was not restarted for a lower ${enumerate(leader.above)}, so ${all} would keep the present one: a standby has it no lower than its leader`,
      hint: `restart ${leader.name} as well: ${pgprov`restart ${inventory} --pending`} without --host restarts it first`,
    },
  ];
}

/** What is left to do, in order. */
export function postgresqlSteps(run: RestartRun): HostStep[] {
  const { view, done, options } = run;
  const leader = leaderOf(view);
  if (leader === undefined) return [];
  if (done.has('hand-over') && !done.has('follow')) return [followStep(leader, membersBut(run.inventory, leader))];
  const standbys = standbysOf(run, leader);
  return turnsOf(restartable(run, leader), standbys, options.pending === true).flatMap((turn): HostStep[] => {
    if (turn.as === 'standby') return [standbyStep(run, leader, turn)];
    const candidate = turn.as === 'leader' && isByHandOver(run) ? candidateOf(run, leader) : undefined;
    return candidate === undefined
      ? [inPlaceStep(run, turn)]
      : [
          handOverStep(leader, candidate, {
            title: `, which restarts PostgreSQL on ${leader}${reasons(run, leader)}`,
            effect: `; ${candidate} leads from then on`,
          }),
          followStep(candidate, membersBut(run.inventory, candidate)),
        ];
  });
}

/** ` (max_connections 100 → 200)` */
function reasons(run: RestartRun, name: string, isAskedFor?: (parameter: string) => boolean): string {
  const all = changesOf(run, name, isAskedFor);
  return all.length === 0 ? '' : ` (${all.join(', ')})`;
}

function standbyStep(run: RestartRun, leader: string, { name, again, replays }: Turn): HostStep {
  const { above } = restartable(run, name);
  const wanted = wantedLimits(dynamicOf(run.view));
  const keeps = again || replays.length > 0 ? [] : above;
  const has = (limits: readonly string[], parameter: string): boolean => limits.includes(parameter);
  const brings = (parameter: string): boolean => (again ? has(replays, parameter) : !has(keeps, parameter));
  const values = (limits: readonly StandbyLimit[]): string => enumerate(limits.map((limit) => `${limit} ${wanted[limit]}`));
  const after = replays.length === 0 ? '' : `, once it has replayed ${values(replays)} of its leader`;
  const limits: Limits = Object.fromEntries(replays.map((limit) => [limit, wanted[limit]]));
  return {
    id: again ? `restart-${name}-again` : `restart-${name}`,
    title: `restart PostgreSQL on ${name}${again ? ' again' : ''}${reasons(run, name, brings)}${after}`,
    effect: `clients that read from ${name} are cut; writes continue${keeps.length === 0 ? '' : `; it keeps ${enumerate(keeps)} until ${leader} has less`}`,
    on: [name],
    resources: (context) => [
      ...(replays.length === 0 ? [] : [replayedLimits({ member: name, ...filesOf(context), limits })]),
      restartResource(run, context, true),
    ],
    gates: (context) => [standbyGate(context)],
  };
}

function inPlaceStep(run: RestartRun, { name, as }: Turn): HostStep {
  const others = hostsWith(run.inventory, 'patroni').flatMap((host) => (host.name === name ? [] : [host.name]));
  const { above } = restartable(run, name);
  const why =
    as === 'leader-in-place' && others.length > 0
      ? `; a standby keeps the larger ${enumerate(above)} until its leader has restarted with less, so there is no switchover`
      : '';
  return {
    id: `restart-${name}`,
    title: `restart PostgreSQL on ${name}, the leader, in place${reasons(run, name)}`,
    effect: `every connection to ${name} is cut, and writes fail until it is up again${why}`,
    on: [name],
    measuresWriteGap: true,
    resources: (context) => [restartResource(run, context, false)],
    gates: (context) => [leaderGate(context, others)],
  };
}

function filesOf({ host, platform }: RoleContext): { binDirectory: string; data: string } {
  return { binDirectory: localServer(host, platform).binDirectory, data: dataDirectoryOf(host, platform) };
}

function restartResource(run: RestartRun, context: RoleContext, onlyAsReplica: boolean): ReturnType<typeof restartedMember> {
  return restartedMember(run.view, context, { onlyAsReplica, takeBack: takeBack(run, context.host.name) });
}

/** That every member was restarted that had to be, and that all stream. */
export function postgresqlChecks(run: RestartRun): CheckResult[] {
  const { view, options } = run;
  const leader = leaderOf(view);
  const isPendingOnly = options.pending === true;
  const restarted = selectedOf(run).map((host): CheckResult => {
    const member = restartable(run, host);
    const changes = changesOf(run, host);
    const pending = member.pending
      ? `a restart is pending${changes.length === 0 ? '' : `: ${changes.join(', ')}`}`
      : 'no restart is pending';
    return isPendingOnly
      ? { host, title: 'no restart is pending', ok: !isLeft(member, true), detail: pending }
      : { host, title: 'PostgreSQL was restarted', ok: member.restarted, detail: member.restarted ? pending : 'it runs since before' };
  });
  const others = hostsWith(run.inventory, 'patroni').filter(({ name }) => name !== leader);
  return [
    { title: 'the cluster has a leader', ok: leader !== undefined, detail: leader ?? 'nobody leads' },
    ...restarted,
    ...others.map(({ name }): CheckResult => {
      const ok = leader !== undefined && streamsFrom(run.view, leader, name);
      return {
        host: name,
        title: 'it streams from the leader',
        ok,
        detail: ok ? `as ${leader} sees it` : 'the leader has no connection from it',
      };
    }),
  ];
}

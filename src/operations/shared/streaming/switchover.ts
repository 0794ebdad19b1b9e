import {
  enumerate,
  primaryHeld,
  primaryReleased,
  standbyCaughtUp,
  SERVER_REPLICATION,
  serverLimits,
  serverStarted,
  synchronousEnded,
  takeover,
  type CheckResult,
  type HostStep,
  type OperationObjection,
  type OperationRun,
  type OperationStart,
  type OperationStep,
  type Resource,
} from '../../../index.js';
import { unitServer } from '../../../../roles/shared/streaming/server-unit.js';
import { dataDirectoryOf, localServer } from '../../../../roles/shared/layout.js';
import { guardOneDatabase } from '../../../../roles/shared/streaming/guards.js';
import { seenServers } from '../../../../roles/shared/streaming/seen.js';
import { otherLeaderText } from '../../../../roles/shared/streaming/told.js';
import { synchronousOptions } from '../../../../roles/shared/streaming/synchronous.js';
import { poolObjections, type PausesPools } from '../pause-pools.js';
import type { ScheduledOptions } from '../scheduled-switchover.js';
import type { StreamingProcedure } from './procedure.js';
import { serverNames, serverOn } from './seen.js';
import { notFollowingWhy, notTurningWhy, openPrimary, othersThan, unknownServer } from './servers-seen.js';
import { streamsGate } from './streams-gate.js';
import {
  cannotFollow,
  cannotTakeOver,
  hasAll,
  heldAt,
  midwayObjections,
  nobodyLeads,
  noneCanTakeOver,
  primaryObjections,
  runsAsStandby,
  unfitWhy,
  type HandOver,
} from './switchover-guards.js';
import { dropSlotsStep, notSynchronousText, othersStep, promoteStep, slotsStep, synchronousStep } from './take-over.js';

interface Options extends ScheduledOptions, PausesPools {
  cancel?: boolean;
  /** Chosen: standbys that did not stream then, and are not waited for. */
  without?: readonly string[];
}

type Run = OperationRun<Options>;

/**
 * The primary is held and stopped, and a standby that has all of its WAL is promoted. Where that does not come about, the primary starts again as it
 * was.
 */
export const streamingSwitchover: StreamingProcedure<Options> = {
  observations: ({ host, platform }) => {
    const server = localServer(host, platform);
    return [takeover(server), serverLimits(server, dataDirectoryOf(host, platform))];
  },
  problems,
  guards,
  choose,
  remaining: (run) => ({ steps: [...handOver(run), ...afterwards(run)], ...left(run) }),
  back,
  question: ({ inventory: { cluster }, options: { leader, to } }) =>
    `${cluster} holds data. Stop ${leader}, and have ${to} be the primary in its place?`,
  nothing: ({ options: { to } }) => `${to} is the primary already, and all others stream from it`,
  checks: proofs,
  finished,
  broken: async (run) => broken(run),
};

function problems({ inventory, options }: OperationStart<Options>): OperationObjection[] {
  const { to, at, cancel } = options;
  if (at !== undefined || cancel === true)
    return [
      {
        kind: 'input',
        error: 'switchover/options',
        message: `${at === undefined ? '--cancel' : '--at'} is for clusters of Patroni, which carries out what is scheduled; these servers stream without it`,
        hint: 'leave it out: the switchover then begins at once',
      },
    ];
  return [...poolObjections({ inventory, options }), ...unknownServer(inventory, to)].slice(0, 1);
}

function choose(run: Run): Options {
  const { view, inventory, options, done } = run;
  const leader = openPrimary(view);
  if (leader === undefined) return options;
  const others = othersThan(inventory, leader);
  const lag = (name: string): number =>
    view.read(leader, SERVER_REPLICATION)?.sends.find((sent) => sent.name === name)?.replayLagBytes ?? 0;
  const able = others.filter((to) => unfitWhy({ view, inventory, from: leader, to, done }) === undefined);
  const to = options.to ?? able.sort((a, b) => lag(a) - lag(b))[0] ?? '';
  const without = leader === to ? [] : others.filter((name) => name !== to && notTurningWhy(view, leader, name) !== undefined);
  return { ...options, leader, to, without };
}

/** Who hands over to whom. */
function handOverOf({ view, inventory, options: { leader = '', to = '' }, done }: Run): HandOver {
  return { view, inventory, from: leader, to, done };
}

function guards(run: Run): OperationObjection[] {
  const { view, inventory, options } = run;
  const { leader: from, to = '' } = options;
  const primary = openPrimary(view);
  if (from === undefined) return nobodyLeads(view, inventory);
  if (primary === to && primary !== undefined) return [];
  if (primary !== undefined && primary !== from)
    return [
      {
        kind: 'refuse',
        message: `${primary} is the primary meanwhile, and ${from} was to hand over to ${to}`,
        hint: 'give it up, and look at the cluster',
      },
    ];
  if (primary === undefined) {
    const two = guardOneDatabase(view).map(({ decisive: _decisive, ...objection }): OperationObjection => objection);
    return two.length > 0 ? two : midwayObjections(handOverOf(run));
  }
  // Killed after it was held, and before it was stopped.
  const common = serverOn(view, from)?.signal === true ? [] : primaryObjections(view);
  if (common.length > 0) return common.slice(0, 1);
  const stays = cannotFollow(handOverOf(run));
  if (stays.length > 0) return stays;
  return to === '' ? noneCanTakeOver(handOverOf(run)) : cannotTakeOver(handOverOf(run));
}

/** Up to the promotion. */
function handOver(run: Run): OperationStep[] {
  const { view, options } = run;
  const { leader: from = '', to = '' } = options;
  const primary = openPrimary(view);
  if (primary === to) return [];
  const held = heldAt(view, from);
  const stop: HostStep = {
    id: 'hold',
    title: `stop ${from}, and hold it from starting as a primary again (standby.signal)`,
    effect: `every connection to ${from} is cut, and writes fail until ${to} takes them${logicalText(run)}`,
    on: [from],
    measuresWriteGap: { until: 'promote' },
    resources: (context) => [primaryHeld(unitServer(context)) as Resource],
  };
  const compare: HostStep = {
    id: 'catch-up',
    title: `write a checkpoint on ${to}, and compare pg_controldata: its REDO location must be that with which ${from} stopped`,
    effect: `where ${to} lacks anything it is not promoted, and ${from} starts again as the primary`,
    on: [to],
    resources: (context) => {
      const { data: path, server } = unitServer(context);
      return [standbyCaughtUp({ path, server, from, checkpoint: held ?? '' }) as Resource];
    },
  };
  const isHeld = held !== undefined || runsAsStandby(view, from);
  const after = held === undefined ? undefined : { from, checkpoint: held };
  return [
    ...slotsStep(run, to),
    ...(isHeld ? [] : [stop]),
    ...(isHeld && hasAll(view, from, to) ? [] : [compare]),
    promoteStep(to, after, { title: `promote ${to}` }),
  ];
}

/** Slots that are lost with the role. */
function logicalText({ view, options: { leader = '', to = '' } }: Run): string {
  const logical = (view.read(leader, SERVER_REPLICATION)?.slots ?? []).filter(({ type, temporary }) => type === 'logical' && !temporary);
  if (logical.length === 0) return '';
  const names = enumerate(logical.map(({ name }) => name));
  return `; the logical ${logical.length === 1 ? 'slot' : 'slots'} ${names} of ${leader} are not on ${to}`;
}

/** What is left when the standby is the primary. */
function afterwards(run: Run): OperationStep[] {
  const { view, inventory, done, options } = run;
  const { leader: from = '', to = '', without = [] } = options;
  const others = othersThan(inventory, from, to).filter((name) => !without.includes(name));
  const isOver = openPrimary(view) === to;
  const follows = isOver && notFollowingWhy(view, to, from) === undefined;
  const follow: HostStep = {
    id: 'follow',
    title: `start ${from} as a standby of ${to}`,
    on: [from],
    resources: (context) => [serverStarted(unitServer(context)) as Resource, synchronousEnded(synchronousOptions(context)) as Resource],
    gates: (context) => [streamsGate(context, [])],
  };
  return [
    ...(follows || done.has('follow') ? [] : [follow]),
    ...othersStep(run, to, others),
    ...dropSlotsStep(run, 'tidy', from, !isOver),
    ...synchronousStep(run, to, [from, ...others]),
  ];
}

/** The former primary starts again, and what was made for the other one goes. */
function back(run: Run): readonly HostStep[] {
  const { view, options, resumed } = run;
  const { leader: from = '', to = '' } = options;
  const target = serverOn(view, to);
  // One that has all may have been promoted by an earlier run, and be about to take writes.
  const mayLead = target?.says?.standby === false || (resumed === true && (target?.says === undefined || hasAll(view, from, to)));
  const primary = openPrimary(view);
  if (mayLead || (primary !== undefined && primary !== from)) return [];
  const isHeld = serverOn(view, from)?.signal === true && !runsAsStandby(view, from);
  const release: HostStep = {
    id: 'back',
    title: `start ${from} again as the primary`,
    on: [from],
    resources: (context) => [primaryReleased(unitServer(context)) as Resource],
  };
  return [
    ...(isHeld ? [release] : []),
    ...(target?.says?.standby === true && (isHeld || primary === from) ? dropSlotsStep(run, 'back-slots', to) : []),
  ];
}

/** What is said of standbys that are not waited for. */
function left({ view, options: { leader = '', to = '', without = [] } }: Run): { then?: string } {
  if (openPrimary(view) === to || without.length === 0) return {};
  const each = without.map((name) => `${name} ${notTurningWhy(view, leader, name) ?? 'streams again'}`);
  return { then: `nothing waits for ${enumerate(without)}: ${each.join('; ')}` };
}

function proofs(run: Run): CheckResult[] {
  const { view, inventory, options } = run;
  const { to = '', without = [] } = options;
  const primary = openPrimary(view);
  const timeline = serverOn(view, to)?.says?.timeline;
  const detail = primary === undefined ? 'no server takes writes' : `${primary}, timeline ${timeline ?? '?'}`;
  const leads: CheckResult = { title: 'the chosen server is the primary', ok: primary === to, detail };
  const others = serverNames({ inventory }).filter((name) => name !== to);
  return [
    leads,
    ...others.map((host): CheckResult => {
      const why = notFollowingWhy(view, to, host);
      if (without.includes(host)) return { host, title: 'it was not waited for', ok: true, detail: `it ${why ?? 'streams now'}` };
      const own = serverOn(view, host)?.says?.timeline;
      return {
        host,
        title: 'it streams on the new timeline',
        settles: true,
        ok: why === undefined,
        detail: why === undefined ? `timeline ${own}` : `it ${why}`,
      };
    }),
  ];
}

function finished(run: Run): string {
  const { view, options } = run;
  const { to = '', leader = '', without = [] } = options;
  const still = without.flatMap((name) => {
    const why = notFollowingWhy(view, to, name);
    return why === undefined ? [] : [`${name} ${why}`];
  });
  const told = [
    `${to} is the primary, and ${leader} its standby`,
    ...(still.length === 0 ? [] : [`Not every standby streams: ${still.join('; ')}`]),
    ...notSynchronousText(run, to),
    ...otherLeaderText(view),
  ];
  return told.join('. ');
}

/** What is, where it ended early. */
function broken(run: Run): string | undefined {
  const { view, options } = run;
  const { leader: from = '', to = '' } = options;
  const primary = openPrimary(view);
  if (primary === to) return `${to} is the primary; the same command finishes what is left`;
  if (primary !== undefined)
    return serverOn(view, primary)?.signal === true ? undefined : `${primary} is the primary, as before, and takes writes`;
  // Several take writes, which the guards say.
  if (seenServers(view).some(({ says }) => says?.standby === false)) return undefined;
  if (!view.surveyed(from))
    return `${from} cannot be reached, and may be stopped: it does not start as a primary, and ${to} was not seen to be one`;
  return `${from} is stopped and does not start as a primary (standby.signal), and nobody takes writes: the same command goes on`;
}

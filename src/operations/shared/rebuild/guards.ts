import { formatBytes, pgprov, type OperationObjection } from '../../../index.js';
import { answerOf, leaderOf, listedBy } from '../members.js';
import { untilLed, untilUp } from '../passing.js';
import { busyObjection, maintenanceObjection, scheduledRestartObjection } from '../quiet-cluster.js';
import { walAhead } from '../wal-ahead.js';

import { copyOn, dataPath, identifierOf, isFromBackup, isOld, isStreaming, isSynchronous, type RebuildRun } from './seen.js';
import { sourceObjections } from './source.js';

/** What more than the leader's data has to fit: the WAL that is written while it is copied. */
const MARGIN = { share: 0.05, least: 67_108_864 };

/** Why a rebuild must not begin, or continue. */
export function rebuildObjections(run: RebuildRun): OperationObjection[] {
  const { view, inventory, options } = run;
  const { member: host = '' } = options;
  const refuse = (message: string, hint: string): OperationObjection[] => [{ kind: 'refuse', message, hint }];
  const status = `see ${pgprov`status ${inventory}`}`;
  const leader = leaderOf(view);
  if (view.platform(host) === undefined)
    return refuse(`${host} does not answer, so its data cannot be seen to`, 'run this again when it does');
  if (leader === undefined)
    return untilLed(view, refuse('the cluster has no leader whose data could be copied, so what the members have is not touched', status));
  if (leader === host)
    return refuse(
      `${host} leads the cluster, and the leader’s data is what the others are built from`,
      `nothing was changed; if it is to be rebuilt, hand the lead over first: ${pgprov`switchover ${inventory}`}`,
    );
  if (answerOf(view, host)?.role === 'leader')
    return refuse(`${leader} leads the cluster, and ${host} says that it does too`, `nothing was changed; find out why: ${status}`);
  const paused = maintenanceObjection(run);
  if (paused.length > 0) return paused;
  if (!isOld(run)) return [];
  return [
    ...busyObjection(run),
    ...scheduledRestartObjection(run, leader),
    ...silent(run),
    ...ahead(run, leader),
    ...standby(run, leader),
    ...synchronous(run, leader),
    ...(isFromBackup(run) ? sourceObjections(run, leader) : []),
    ...room(run, leader),
  ].slice(0, 1);
}

function silent(run: RebuildRun): OperationObjection[] {
  const { view, options } = run;
  const { member: host = '', discard } = options;
  if (discard !== true || isFromBackup(run) || answerOf(view, host) !== undefined) return [];
  const message = `Patroni on ${host} does not answer, so it cannot remove the data there`;
  const hint = 'nothing was changed; leave out --discard, which needs room for a copy beside it';
  return untilUp(view, [host], [{ kind: 'refuse', message, hint }]);
}

/** Commits that nobody else has are not given up unasked, and never removed. */
function ahead(run: RebuildRun, leader: string): OperationObjection[] {
  const { view, options } = run;
  const { member: host = '', discard, giveUpCommits } = options;
  if (isForeign(run, leader)) {
    if (discard !== true) return [];
    return [
      {
        kind: 'refuse',
        message: `the data on ${host} is of another cluster (${identifierOf(run, host)}), and may be the only copy of it`,
        hint: 'leave out --discard, so that it is kept',
      },
    ];
  }
  const found = walAhead(view, leader, host);
  if (found.kind === 'nothing') return [];
  if (found.kind === 'unknown') {
    if (discard !== true) return [];
    const message = `it cannot be told ${found.why}, so the data on ${host} may have commits that nobody else has`;
    return [{ kind: 'refuse', message, hint: 'leave out --discard, so that it is kept' }];
  }
  if (giveUpCommits === true && discard !== true) return [];
  return [
    {
      kind: 'refuse',
      message: `${host} may have the only copy of some commits: ${found.why}`,
      hint:
        discard === true
          ? 'nothing was changed; data with such commits is never removed: make room on its disk, and leave out --discard'
          : `nothing was changed; find out which of the two is to go on. With --give-up-commits ${host} is rebuilt, and its data kept beside: there they can be read later, by a server of its own`,
    },
  ];
}

function isForeign(run: RebuildRun, leader: string): boolean {
  const [own, leads] = [identifierOf(run, run.options.member ?? ''), answerOf(run.view, leader)?.systemIdentifier];
  return own !== undefined && leads !== undefined && own !== leads;
}

/** While the only standby is copied anew the leader alone has the data; one that does not stream protects nothing. */
function standby(run: RebuildRun, leader: string): OperationObjection[] {
  const { view, options } = run;
  const { member: host = '', withoutStandby } = options;
  if (withoutStandby === true || !isStreaming(view, leader, host) || othersStreaming(run, leader).length > 0) return [];
  return [
    {
      kind: 'refuse',
      message: `${host} is the only standby that streams: until it is rebuilt, ${leader} alone has the data`,
      hint: 'nothing was changed; bring another standby back first, or say with --without-standby that it may be so',
    },
  ];
}

function othersStreaming({ view, options: { member: host = '' } }: RebuildRun, leader: string): string[] {
  const listed = answerOf(view, leader)?.cluster ?? [];
  return listed.map(({ name }) => name).filter((name) => name !== leader && name !== host && isStreaming(view, leader, name));
}

/** Patroni makes another standby that streams the synchronous one; where there is none, commits wait, or are asynchronous. */
function synchronous(run: RebuildRun, leader: string): OperationObjection[] {
  const { view, options } = run;
  const { member: host = '' } = options;
  if (!isSynchronous(run, leader) || othersStreaming(run, leader).some((name) => listedBy(view, leader, name)?.tags?.['nosync'] !== true))
    return [];
  return [
    {
      kind: 'refuse',
      message: `${host} is the only standby that can be synchronous, and without one no commit is on two members`,
      hint: 'nothing was changed; bring another standby back first, or take synchronous_mode back meanwhile',
    },
  ];
}

function room(run: RebuildRun, leader: string): OperationObjection[] {
  const { view, options } = run;
  const { member: host = '', discard, set = '', size: restored = 0 } = options;
  const own = copyOn(view, host);
  const [what, bytes] = isFromBackup(run) ? [`backup ${set}`, restored] : [`a copy of what ${leader} has`, copyOn(view, leader).bytes];
  const needed = bytes + Math.max(bytes * MARGIN.share, MARGIN.least);
  const path = dataPath(run);
  const size = `${formatBytes(Math.ceil(needed))} is needed for ${what}`;
  const instead = isFromBackup(run) ? 'have the backup restored over it' : 'have Patroni remove it';
  if (discard === true) {
    if (own.free + own.bytes >= needed) return [];
    const message = `there is no room on ${host}: ${size}, and ${formatBytes(own.free + own.bytes)} is free even without its data in ${path}`;
    return [{ kind: 'refuse', message, hint: 'nothing was changed; make room there' }];
  }
  if (own.fixed !== undefined)
    return [
      {
        kind: 'refuse',
        message: `${path} ${own.fixed}, so the data on ${host} cannot be put aside`,
        hint: `nothing was changed; keep a copy elsewhere if it may be needed, then ${instead} with --discard`,
      },
    ];
  if (own.free >= needed) return [];
  return [
    {
      kind: 'refuse',
      message: `there is no room on ${host} for its data and a new copy: ${size}, and ${formatBytes(own.free)} is free beside ${path}`,
      hint: `nothing was changed; make room there, or ${isFromBackup(run) ? instead : 'have Patroni remove its data first'} with --discard`,
    },
  ];
}

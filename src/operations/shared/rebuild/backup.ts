import {
  backupRestored,
  consistentGate,
  DATA_DIRECTORY,
  formatBytes,
  isConsistent,
  localServer,
  memberProgress,
  restoredGate,
  standbyConsistent,
  type BackupRestoredOptions,
  type OperationStep,
  type Resource,
  type RoleContext,
  type StandbyConsistentOptions,
} from '../../../index.js';
import { PGBACKREST_COMMANDS } from '../../../../roles/shared/backup/pgbackrest.js';
import { stanzaOf } from '../../../../roles/shared/backup/stanza.js';
import { dataDirectoryOf } from '../../../../roles/shared/layout.js';
import { memberGate } from '../../../../roles/shared/patroni/start.js';
import { dataLabel } from '../../../../roles/shared/selinux.js';
import { leaderOf } from '../members.js';
import { patroniStarts } from '../patroni-starts.js';
import { runningOf, stopped } from '../stopped.js';
import { slotStep } from './slot.js';
import { copyOn, isBrokenOff, isOld, isRestored, placeOn, type RebuildRun } from './seen.js';

/** Seconds in which a member that gets no further is waited for: it replays what was archived since the backup. */
const STANDS_STILL = 900;

/** Something is in the data directory that pgBackRest cannot go on with, and that is not for it to write over. */
export function isStray(run: RebuildRun): boolean {
  const { view, options } = run;
  const { member: host = '', was = '' } = options;
  if (isOld(run) || isRestored(run) || placeOn(run)?.restoring === true || isUp(run)) return false;
  const data = view.read(host, DATA_DIRECTORY);
  // It says itself what it has begun.
  if (data?.kind === 'foreign') return !data.entries.includes('backup.manifest');
  return data?.kind === 'cluster' && data.control !== 'missing' && copyOn(view, host).identity !== was;
}

/** Patroni runs there, with what it has found or copies itself. */
function isUp({ view, options: { member = '' } }: RebuildRun): boolean {
  return runningOf(view, member)?.patroni === true;
}

/** What brings the backup to the member, and has it replayed and followed by what the leader writes. */
export function backupSteps(run: RebuildRun): OperationStep[] {
  const { member: host = '' } = run.options;
  const leader = leaderOf(run.view) ?? '';
  const start: OperationStep[] = run.done.has('start')
    ? []
    : [
        ...slotStep(run),
        {
          id: 'start',
          title: `start Patroni on ${host}, which replays what was archived since, and then streams from ${leader}`,
          on: [host],
          resources: (context) => [...dataLabel(context.host, context.platform), patroniStarts(context)],
          gates: (context) => [
            memberGate(context, { title: `${host} streams`, timeout: STANDS_STILL, progress: memberProgress(pathOf(context)) }),
          ],
        },
      ];
  if (isUp(run) && !isOld(run) && !isBrokenOff(run)) return start;
  return [...restoreStep(run), ...consistentStep(run), ...start];
}

function restoreStep(run: RebuildRun): OperationStep[] {
  const { view, options } = run;
  const { member: host = '', set = '', repository = 1, size = 0 } = options;
  if (isRestored(run)) return [];
  const isOver = options.discard === true && isOld(run);
  const comes = `up to ${formatBytes(size)} of data come from repository ${repository}`;
  return [
    {
      id: 'restore',
      title: isOver ? `stop Patroni on ${host}, and restore backup ${set} over its data` : `restore backup ${set} to ${host}`,
      effect: isOver
        ? `${host} serves no reads until it streams again; of its ${formatBytes(copyOn(view, host).bytes)} of data what the backup has not is gone for good; ${comes}`
        : comes,
      ...(isOver ? { pointOfNoReturn: true as const } : {}),
      on: [host],
      // A host that boots meanwhile does not start Patroni on half a backup.
      resources: (context) => [stopped(context, true) as Resource, backupRestored(restoring(run, context))],
      gates: (context) => [restoredGate(restoring(run, context), size)],
    },
  ];
}

function restoring({ options, inventory }: RebuildRun, context: RoleContext): BackupRestoredOptions {
  const { platform, host } = context;
  const { user: owner, group, unit } = platform.patroni;
  const { id = '', set = '', repository = 1, was = '', discard } = options;
  return {
    id,
    path: pathOf(context),
    ownership: { owner, group, mode: '0700' },
    server: localServer(host, platform),
    stanza: stanzaOf(inventory),
    words: [`--repo=${repository}`, `--set=${set}`],
    keep: discard === true ? '' : was,
    unit,
  };
}

function pathOf({ host, platform }: RoleContext): string {
  return dataDirectoryOf(host, platform);
}

/** A backup is consistent once the WAL is replayed that was written while it was taken. */
function consistentStep(run: RebuildRun): OperationStep[] {
  const { view, inventory, options } = run;
  const { member: host = '', set = '' } = options;
  const data = view.read(host, DATA_DIRECTORY);
  if (isRestored(run) && data?.kind === 'cluster' && isConsistent(data.clusterState)) return [];
  const replayed = (context: RoleContext): StandbyConsistentOptions => ({
    path: pathOf(context),
    server: localServer(context.host, context.platform),
    unit: context.platform.patroni.unit,
    restoreCommand: PGBACKREST_COMMANDS.restore(stanzaOf(inventory)),
  });
  return [
    {
      id: 'replay',
      title: `replay WAL to the end of backup ${set}, by a server on ${host} that no client reaches`,
      on: [host],
      resources: (context) => [standbyConsistent(replayed(context))],
      gates: (context) => [consistentGate(replayed(context))],
    },
  ];
}

import {
  dataAside,
  dataCopy,
  deadSlots,
  defineOperation,
  directory,
  enumerate,
  formatBytes,
  localServer,
  memberProgress,
  patroniReinitialize,
  topologyOf,
  type OperationObjection,
  type OperationStart,
  type OperationStep,
  type RoleContext,
  type Resource,
} from '../index.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { accountsOf, dataDirectoryOf, hostsWith, restApiUrl } from '../../roles/shared/layout.js';
import { memberGate } from '../../roles/shared/patroni/start.js';
import { dataLabel } from '../../roles/shared/selinux.js';
import { backupRoles, noBackups } from './shared/backup/asked.js';
import { holding, holdStep, scheduleStep, scheduling } from './shared/backup/timers.js';
import { leaderOf, unknownMember } from './shared/members.js';
import { patroniStarts } from './shared/patroni-starts.js';
import { backupSteps, isStray } from './shared/rebuild/backup.js';
import { rebuildObjections } from './shared/rebuild/guards.js';
import { proofs, slotsInUse } from './shared/rebuild/proofs.js';
import { slotStep } from './shared/rebuild/slot.js';
import { chosenSource, sourceObservations } from './shared/rebuild/source.js';
import {
  copyOn,
  isBack,
  isBrokenOff,
  isBuilding,
  isFromBackup,
  isOld,
  isParted,
  isRestored,
  isSynchronous,
  type RebuildOptions,
  type RebuildRun as Run,
} from './shared/rebuild/seen.js';
import { withStreaming } from './shared/streaming/procedure.js';
import { streamingRebuild } from './shared/streaming/rebuild.js';
import { streamingGate } from './shared/streaming-gate.js';

/** Seconds in which a copy that does not grow is waited for: a checkpoint comes first, and the replay of the WAL after it. */
const STANDS_STILL = 900;

const underPatroni = defineOperation<RebuildOptions>({
  name: 'rebuild',
  description: 'copy the leader’s data, or a backup, to a standby anew, or have a former primary follow; what it had is kept beside it',
  options: {
    from: {
      type: 'string',
      value: 'source',
      enum: ['leader', 'backup'],
      default: 'leader',
      description: 'what is copied: the leader’s data, or the newest backup, which spares the leader',
    },
    discard: {
      type: 'boolean',
      description: 'where there is no room for both: have Patroni remove its data first, or a backup restored over it',
    },
    withoutStandby: { type: 'boolean', description: 'also where the leader alone has the data meanwhile' },
    giveUpCommits: {
      type: 'boolean',
      description: 'also where it has commits that the leader has not; they stay in the data that is kept',
    },
    copy: { type: 'boolean', description: 'without Patroni: copy the primary also where pg_rewind could bring the data there to it' },
  },
  roles: ({ inventory, options: { from } }) => [dcsOf(inventory).role, 'patroni', ...(from === 'backup' ? backupRoles(inventory) : [])],
  choosesHosts: true,
  requiresConverged: false,
  unreachable: 'go-on',
  observations: (context, { options }) => [
    ...(topologyOf(context.host) === 'patroni'
      ? [
          dataCopy(dataDirectoryOf(context.host, context.platform)),
          slotsInUse(context),
          deadSlots(localServer(context.host, context.platform)),
        ]
      : []),
    ...(options.from === 'backup' ? sourceObservations(context, options) : []),
  ],
  problems: (start) => whichMember(start),
  choose: (run) => {
    const { view, options, chosenHosts } = run;
    const member = chosenHosts?.[0] ?? '';
    const was = isBuilding(view, member) ? '' : copyOn(view, member).identity;
    return { ...options, member, was, ...(isFromBackup(run) ? chosenSource(run, member, leaderOf(view) ?? '') : {}) };
  },
  guards: (run) => rebuildObjections(run),
  remaining: (run) => ({ steps: isFromBackup(run) ? fromBackup(run) : fromLeader(run) }),
  question: (run) => {
    const { member = '', set = '' } = run.options;
    return `Rebuild ${member} of ${run.inventory.cluster} from ${isFromBackup(run) ? `backup ${set}` : (leaderOf(run.view) ?? '')}?`;
  },
  nothing: outcome,
  checks: (run) => proofs(run),
  finished: outcome,
});

export default withStreaming(underPatroni, streamingRebuild);

/** Where the data is that it had, also after a rebuild that was cut off when nothing was left to do. */
function outcome(run: Run): string {
  const { view, options } = run;
  const { member: host, was = '', set } = options;
  const { aside } = copyOn(view, host);
  const kept = aside[was];
  const where = kept === undefined ? '' : `; what it had before is in ${kept} there, remove it when nobody needs it`;
  const others = Object.values(aside).filter((path) => path !== kept);
  const more = others.length === 0 ? '' : `; put aside earlier, or broken off: ${enumerate(others)}`;
  const how = isFromBackup(run) && isRestored(run) ? `that was restored from backup ${set}` : 'that was copied anew';
  return `${host} streams from ${leaderOf(view)} with data ${how}${where}${more}`;
}

/** One, and that which an unfinished rebuild was begun with. */
function whichMember({ inventory, options: { member, from, copy }, chosenHosts }: OperationStart<RebuildOptions>): OperationObjection[] {
  const [only, ...more] = chosenHosts ?? [];
  const members = hostsWith(inventory, 'patroni').map(({ name }) => name);
  const object = (message: string, hint: string): OperationObjection[] => [{ kind: 'input', error: 'rebuild/host', message, hint }];
  if (member !== undefined) return [];
  const hint = `give it with --host: ${enumerate(members)}`;
  if (only === undefined) return object('which member is to be rebuilt?', hint);
  if (more.length > 0) return object('one member is rebuilt at a time, so that the others keep the data', hint);
  if (copy === true) return object('--copy is for servers that stream without Patroni', 'leave it out: the leader’s data is copied anyhow');
  return [...unknownMember(inventory, only), ...(from === 'backup' ? noBackups(inventory) : [])];
}

/** By Patroni. */
function fromLeader(run: Run): OperationStep[] {
  const copy = copying(run);
  return [...removal(run), ...(copy.length === 0 ? [] : slotStep(run)), ...copy, ...following(run)];
}

/** From the repository, while no backup expires another one. */
function fromBackup(run: Run): OperationStep[] {
  const steps = [...removal(run), ...(isBack(run, leaderOf(run.view) ?? '') ? [] : backupSteps(run)), ...following(run)];
  if (steps.length === 0) return scheduleStep(holding(run));
  return [...holdStep(run), ...steps, ...scheduleStep([...new Set([...holding(run), ...scheduling(run)])])];
}

/** The data out of its place; with `discard` Patroni removes it, or pgBackRest restores over it. */
function removal(run: Run): OperationStep[] {
  const { view, options } = run;
  const { member: host = '', discard, was = '' } = options;
  const leader = leaderOf(view) ?? '';
  const old = isOld(run);
  // Patroni is at it already, and removes it; a backup is restored over it.
  const isRemoved = discard === true && (isFromBackup(run) ? old : isBuilding(view, host));
  const parted = isParted(run, leader);
  const isUseless = isFromBackup(run) ? isStray(run) : isBrokenOff(run);
  if (isRemoved || (!old && !parted && !isUseless)) return [];
  const effect = [`${host} serves no reads until it streams again`, ...waiting(run, leader)].join('; ');
  if (old && discard === true) {
    return [
      {
        id: 'discard',
        title: `have Patroni remove the data of ${host}`,
        effect: `${effect}; ${formatBytes(copyOn(view, host).bytes)} of data is gone for good`,
        pointOfNoReturn: true,
        on: [host],
        resources: (context) => {
          const { restApi } = accountsOf(context);
          const { url, path } = placeOf(context);
          return [patroniReinitialize({ url, path, identity: was, user: restApi.name, password: restApi.password })];
        },
      },
    ];
  }
  const identity = copyOn(view, host).identity;
  return [
    {
      id: old ? 'put-aside' : 'put-broken-copy-aside',
      title: old
        ? `stop Patroni on ${host} and put its data aside`
        : `put a copy on ${host} aside that ${parted ? `has WAL of its own and cannot stream from ${leader}` : 'was broken off'}`,
      effect,
      on: [host],
      resources: (context) => {
        const { user: owner, group, unit } = context.platform.patroni;
        const { url, path } = placeOf(context);
        const { binDirectory } = localServer(context.host, context.platform);
        return [dataAside({ path, ownership: { owner, group, mode: '0700' }, unit, url, binDirectory, identity })];
      },
    },
  ];
}

function placeOf({ host, platform }: RoleContext): { url: string; path: string } {
  return { url: restApiUrl(host), path: dataDirectoryOf(host, platform) };
}

/** What a client of the leader notices. */
function waiting(run: Run, leader: string): string[] {
  return isSynchronous(run, leader) ? ['commits wait for some seconds, until Patroni has another synchronous standby'] : [];
}

function copying(run: Run): OperationStep[] {
  const { view, options, done } = run;
  const { member: host = '' } = options;
  const leader = leaderOf(view) ?? '';
  if (done.has('copy') || isBack(run, leader)) return [];
  const size = copyOn(view, leader).bytes;
  return [
    {
      id: 'copy',
      title: `have Patroni copy the data of ${leader} to ${host}`,
      effect: `${leader} writes a checkpoint and sends ${formatBytes(size)}`,
      on: [host],
      resources: (context) => starting(context),
      gates: (context) => [
        memberGate(context, { title: `${host} streams`, timeout: STANDS_STILL, progress: memberProgress(placeOf(context).path, size) }),
      ],
    },
  ];
}

/** Patroni runs, and has a directory to copy to. */
function starting(context: RoleContext): Resource[] {
  const { host, platform } = context;
  const { user: owner, group } = platform.patroni;
  return [
    directory({ path: dataDirectoryOf(host, platform), owner, group, mode: '0700', orMode: '0750' }),
    ...dataLabel(host, platform),
    patroniStarts(context),
  ];
}

/** The leader's Patroni lists it as streaming a loop after it does. */
function following(run: Run): OperationStep[] {
  const { view, options, done } = run;
  const { member: host = '' } = options;
  const leader = leaderOf(view) ?? '';
  if (done.has('follow') || isBack(run, leader)) return [];
  return [
    {
      id: 'follow',
      title: `wait until ${leader} lists ${host} as streaming`,
      on: [leader],
      gates: (context) => [streamingGate(context, [host])],
    },
  ];
}

import {
  answerText,
  dataAside,
  dataCopy,
  defineOperation,
  directory,
  enumerate,
  findRows,
  formatBytes,
  handle,
  localServer,
  memberProgress,
  patroniReinitialize,
  printAnswer,
  sqlQuestion,
  valueAt,
  type CheckResult,
  type JsonObject,
  type Observation,
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
import { answerOf, dynamicOf, leaderOf, listedBy, timelineOf, unknownMember } from './shared/members.js';
import { patroniStarts } from './shared/patroni-starts.js';
import { streamingGate } from './shared/streaming-gate.js';

import { rebuildObjections } from './shared/rebuild/guards.js';
import {
  isSynchronous,
  copyOn,
  isBuilding,
  isOld,
  isBrokenOff,
  isParted,
  isStreaming,
  identifierOf,
  type RebuildOptions,
  type RebuildRun as Run,
} from './shared/rebuild/seen.js';

/** Seconds in which a copy that does not grow is waited for: a checkpoint comes first, and the replay of the WAL after it. */
const STANDS_STILL = 900;

/** States of a member whose PostgreSQL serves. */
const WORKING = new Set(['running', 'streaming']);

/** Members by their names whose replication slot their leader has in use; undefined while the server is down. */
const SLOTS = handle<readonly string[] | undefined>('slots-in-use');

const SLOTS_QUERY =
  'SELECT r.application_name FROM pg_stat_replication r JOIN pg_replication_slots s ON s.active_pid = r.pid WHERE s.active ORDER BY 1';

export default defineOperation<RebuildOptions>({
  name: 'rebuild',
  description: 'copy the leader’s data to a standby anew; what it had is kept beside it',
  options: {
    discard: { type: 'boolean', description: 'have Patroni remove its data first, where there is no room for both' },
    withoutStandby: { type: 'boolean', description: 'also where the leader alone has the data meanwhile' },
    giveUpCommits: {
      type: 'boolean',
      description: 'also where it has commits that the leader has not; they stay in the data that is kept',
    },
  },
  roles: ({ inventory }) => [dcsOf(inventory).role, 'patroni'],
  choosesHosts: true,
  requiresConverged: false,
  unreachable: 'go-on',
  observations: (context) => [dataCopy(dataDirectoryOf(context.host, context.platform)), slotsInUse(context)],
  problems: (start) => whichMember(start),
  choose: ({ view, options, chosenHosts }) => {
    const member = chosenHosts?.[0] ?? '';
    return { ...options, member, was: isBuilding(view, member) ? '' : copyOn(view, member).identity };
  },
  guards: (run) => rebuildObjections(run),
  remaining: (run) => ({ steps: [...removal(run), ...building(run), ...following(run)] }),
  question: (run) => `Rebuild ${run.options.member ?? ''} of ${run.inventory.cluster} from ${leaderOf(run.view) ?? ''}?`,
  nothing: outcome,
  checks: (run) => proofs(run),
  finished: outcome,
});

/** Where the data is that it had, also after a rebuild that was cut off when nothing was left to do. */
function outcome({ view, options: { member: host, was = '' } }: Run): string {
  const { aside } = copyOn(view, host);
  const kept = aside[was];
  const where = kept === undefined ? '' : `; what it had before is in ${kept} there, remove it when nobody needs it`;
  const others = Object.values(aside).filter((path) => path !== kept);
  const more = others.length === 0 ? '' : `; put aside earlier, or broken off: ${enumerate(others)}`;
  return `${host} streams from ${leaderOf(view)} with data that was copied anew${where}${more}`;
}

/** One, and that which an unfinished rebuild was begun with. */
function whichMember({ inventory, options: { member }, chosenHosts }: OperationStart<RebuildOptions>): OperationObjection[] {
  const [only, ...more] = chosenHosts ?? [];
  const members = hostsWith(inventory, 'patroni').map(({ name }) => name);
  const object = (message: string, hint: string): OperationObjection[] => [{ kind: 'input', error: 'rebuild/host', message, hint }];
  if (member !== undefined) return [];
  const hint = `give it with --host: ${enumerate(members)}`;
  if (only === undefined) return object('which member is to be rebuilt?', hint);
  if (more.length > 0) return object('one member is rebuilt at a time, so that the others keep the data', hint);
  return unknownMember(inventory, only);
}

function slotsInUse({ host, platform }: RoleContext): Observation<readonly string[] | undefined> {
  const question = sqlQuestion(localServer(host, platform), SLOTS_QUERY);
  return {
    ...SLOTS,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => findRows(answerText(answer), SLOTS_QUERY),
  };
}

/** The data out of its place; with `discard` Patroni removes it. */
function removal(run: Run): OperationStep[] {
  const { view, options } = run;
  const { member: host = '', discard, was = '' } = options;
  const leader = leaderOf(view) ?? '';
  const old = isOld(run);
  // Patroni is at it already, and removes it.
  const isRemoved = discard === true && isBuilding(view, host);
  const parted = isParted(run, leader);
  if (isRemoved || (!old && !parted && !isBrokenOff(run))) return [];
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

function building(run: Run): OperationStep[] {
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

/** A copy is there that is not the old one, and streams: by what the member says and by what its leader has listed. */
function isBack(run: Run, leader: string): boolean {
  const { view, options } = run;
  const { member: host = '' } = options;
  if (isOld(run) || isBrokenOff(run) || isBuilding(view, host) || copyOn(view, host).identity === '') return false;
  return WORKING.has(answerOf(view, host)?.state ?? '') && isStreaming(view, leader, host);
}

function proofs(run: Run): CheckResult[] {
  const { view, options } = run;
  const { member: host = '', was = '' } = options;
  const leader = leaderOf(view) ?? '';
  const listed = listedBy(view, leader, host);
  const [own, theirs] = [identifierOf(run, host), answerOf(view, leader)?.systemIdentifier];
  const kept = copyOn(view, host).aside[was];
  const slots = view.read(leader, SLOTS) ?? [];
  const usesSlots = valueAt(dynamicOf(view) as JsonObject, ['postgresql', 'use_slots']) !== false;
  return [
    {
      host,
      title: 'its data is a new copy',
      ok: copyOn(view, host).identity !== was,
      detail: was === '' ? 'there was none before' : kept === undefined ? 'the old one is not kept' : `the old one is in ${kept}`,
    },
    {
      host,
      title: 'it streams on the leader’s timeline',
      settles: true,
      ok: isBack(run, leader),
      detail: `${listed?.state ?? 'not listed'}, timeline ${listed?.timeline ?? '?'}; ${leader} is on ${timelineOf(view, leader) ?? '?'}`,
    },
    {
      host,
      title: 'it is a copy of the same database',
      ok: own !== undefined && own === theirs,
      detail: `system identifier ${own ?? '?'}`,
    },
    ...(usesSlots
      ? [{ host, title: `its replication slot on ${leader} is in use`, ok: slots.includes(host), detail: slots.join(', ') || 'none is' }]
      : []),
  ];
}

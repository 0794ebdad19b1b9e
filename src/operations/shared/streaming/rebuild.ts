import {
  dataCopy,
  enumerate,
  formatBytes,
  pgprov,
  rewindSource,
  serverAside,
  standbyRestored,
  standbyRewound,
  STANDBY_COPY,
  tablespaces,
  copiedGate,
  topologyOf,
  unknownName,
  type CheckResult,
  type HostStep,
  type Observation,
  type OperationObjection,
  type OperationStart,
  type OperationStep,
  type RoleContext,
} from '../../../index.js';
import { passwordLines } from '../../../../roles/shared/accounts.js';
import { stanzaOf } from '../../../../roles/shared/backup/stanza.js';
import { dataDirectoryOf } from '../../../../roles/shared/layout.js';
import { partedFrom } from '../../../../roles/shared/streaming/parted.js';
import { primaryConninfo, rewindConninfo, slotOf } from '../../../../roles/shared/streaming/servers.js';
import { slotsOfPrimary } from '../../../../roles/shared/streaming/stages.js';
import { unitServer } from '../../../../roles/shared/streaming/server-unit.js';
import { standaloneCluster } from '../../../../roles/shared/standalone.js';
import { variables } from '../../../../roles/shared/variables.js';
import { noBackups, backupRoles } from '../backup/asked.js';
import { holding, holdStep, scheduleStep, scheduling } from '../backup/timers.js';
import { copyOn, isFromBackup, isOld, type RebuildOptions, type RebuildRun } from '../rebuild/seen.js';
import { chosenSource, sourceObservations } from '../rebuild/source.js';
import type { StreamingProcedure } from './procedure.js';
import { rebuildObjections, sourceOf, tablespacesOn } from './rebuild-guards.js';
import {
  downstreamOf,
  isBeingMade,
  isHeld,
  notStreamingWhy,
  serverNames,
  serverObservations,
  serverOn,
  standbysInOrder,
  unitOn,
} from './seen.js';
import { upstreamNamed } from './servers-seen.js';
import { streamsGate } from './streams-gate.js';
import { waitingCommits } from './waiting-commits.js';

/** Where the inventory may give the password with which standbys log in. */
const PASSWORD = 'replication.password';

/** A standby made anew, or a standby made of a former primary, where no Patroni does it. */
export const streamingRebuild: StreamingProcedure<RebuildOptions> = {
  more: ({ inventory, options: { from } }) => (from === 'backup' ? backupRoles(inventory) : []),
  observations: (context, { options }) => [
    ...(topologyOf(context.host) === 'streaming'
      ? [...serverObservations(context), ...dataObservations(dataDirectoryOf(context.host, context.platform))]
      : []),
    ...(options.from === 'backup' ? sourceObservations(context, options) : []),
  ],
  problems,
  choose: (run) => {
    const member = run.chosenHosts?.[0] ?? '';
    const chosen = { ...run.options, member, was: copyOn(run.view, member).identity };
    if (isFromBackup(run)) {
      const source = sourceOf({ ...run, options: chosen });
      const own = serverOn(run.view, member)?.data.systemIdentifier;
      const hasSame = own !== undefined && own === source?.data.systemIdentifier && !isBeingMade(run.view, member);
      return { ...chosen, rewinds: false, hasSame, ...chosenSource(run, member, source?.name ?? '') };
    }
    return { ...chosen, rewinds: canRewind({ ...run, options: chosen }) };
  },
  guards: rebuildObjections,
  remaining: (run) => ({ steps: isFromBackup(run) ? heldSteps(run) : steps(run) }),
  question: (run) => {
    const from = isFromBackup(run) ? ` from backup ${run.options.set}` : '';
    return `Rebuild ${run.options.member} of ${run.inventory.cluster}${from} as a standby of ${sourceOf(run)?.name ?? ''}?`;
  },
  nothing: outcome,
  checks: proofs,
  finished: outcome,
};

function dataObservations(path: string): Observation[] {
  return [dataCopy(path, { movesTablespaces: true }), tablespaces(path)];
}

function problems(start: OperationStart<RebuildOptions>): OperationObjection[] {
  const { inventory, options, chosenHosts } = start;
  const { member, from, discard, copy } = options;
  const [only, ...more] = chosenHosts ?? [];
  const names = serverNames({ inventory });
  const object = (message: string, hint: string): OperationObjection[] => [{ kind: 'input', error: 'rebuild/host', message, hint }];
  if (member !== undefined) return unknownPassword(start, member);
  const hint = `give it with --host: ${enumerate(names)}`;
  if (only === undefined) return object('which server is to be rebuilt?', hint);
  if (more.length > 0) return object('one server is rebuilt at a time, so that the others keep the data', hint);
  if (copy === true && from === 'backup') return object('--copy is for a copy of the primary', 'leave out --copy, or --from backup');
  if (discard === true)
    return object('without Patroni the data that a server had is always kept beside it', 'leave out --discard, and make room for both');
  if (names.includes(only)) return [...(from === 'backup' ? noBackups(inventory) : []), ...unknownPassword(start, only)];
  return [{ kind: 'input', error: 'rebuild/host', ...unknownName('server', only, names) }];
}

/** With a password that was made just now nobody lets the standby in, which shows only when its data has been put aside. */
function unknownPassword({ inventory, kept }: OperationStart<RebuildOptions>, name: string): OperationObjection[] {
  const host = inventory.hosts.find((each) => each.name === name);
  if (host === undefined || variables(host, 'replication').password !== undefined || kept.passwords.includes(PASSWORD)) return [];
  const file = `.pgprov/${inventory.cluster}/passwords.yml`;
  return [
    {
      kind: 'refuse',
      message: `this machine does not know the password with which standbys log in: neither the inventory nor ${file} has ${PASSWORD}`,
      hint: `nothing was changed; bring ${file} back from a backup or from the machine that has it, or give a new ${PASSWORD} in the inventory and ${pgprov`apply ${inventory}`} it`,
    },
  ];
}

/** The state that the control file of a standby has until it is stopped. */
const CRASHED_STANDBY = 'in archive recovery';

/** Whether pg_rewind is worth a try: the data is whole, of the same database, and has parted from the primary. */
function canRewind(run: RebuildRun): boolean {
  const { view, options } = run;
  const { member = '', copy } = options;
  const [server, source] = [serverOn(view, member), sourceOf(run)];
  if (copy === true || server === undefined || source === undefined || isBeingMade(view, member)) return false;
  const { data, says, signal } = server;
  if (data.systemIdentifier !== source.data.systemIdentifier || data.control !== 'valid' || data.copy !== 'none') return false;
  // A standby that crashed cannot recover alone, which pg_rewind needs; a former primary that was given its standby.signal after it can.
  if (says === undefined && signal && (data.clusterState ?? CRASHED_STANDBY) === CRASHED_STANDBY) return false;
  return partedFrom(view, source, member).kind !== 'nothing';
}

/** The data that it had, aside; undefined: there was none, or it is in its place yet. */
function asideOf({ view, options: { member, was = '' } }: RebuildRun): string | undefined {
  return copyOn(view, member).aside[was];
}

/** From the repository, while no backup expires another one. */
function heldSteps(run: RebuildRun): OperationStep[] {
  const all = steps(run);
  if (all.length === 0) return scheduleStep(holding(run));
  return [...holdStep(run), ...all, ...scheduleStep([...new Set([...holding(run), ...scheduling(run)])])];
}

function steps(run: RebuildRun): OperationStep[] {
  const { view, options, done } = run;
  const { member: host = '', rewinds = false } = options;
  const source = sourceOf(run);
  if (source === undefined) return [];
  const copied = !isOld(run) && view.read(host, STANDBY_COPY)?.copied === true;
  const rewind = rewinds && !copied ? rewindSteps(run, source.name) : [];
  const restore = isFromBackup(run) && !copied ? [restoreStep(run)] : [];
  const made = !isOld(run) && !isBeingMade(view, host) && unitOn(view, host)?.held !== true && serverOn(view, host)?.says !== undefined;
  return [
    ...(isOld(run) ? [asideStep(run, source.name)] : []),
    ...rewind,
    ...restore,
    ...(made || done.has('make-standby') ? [] : [makeStep(run, source.name)]),
    ...(done.has('follow') || (made && notStreamingWhy(view, host) === undefined) ? [] : [followStep(host)]),
  ];
}

function asideStep(run: RebuildRun, source: string): HostStep {
  const { view, options } = run;
  const { member: host = '', was = '', rewinds = false } = options;
  const server = serverOn(view, host);
  const what = server?.says?.standby === false ? `, which runs as a second primary beside ${source},` : '';
  return {
    id: 'put-aside',
    title: `stop PostgreSQL on ${host}${what} and put its data aside`,
    effect: [
      server?.says?.standby === false ? `clients that write to ${host} are cut` : `${host} serves no reads until it streams again`,
      waitingCommits(run, [host]),
      ...cascadedText(run),
    ].join('; '),
    on: [host],
    resources: (context) => {
      const { user: owner, group } = layoutOf(context);
      return [
        serverAside({
          ...unitServer(context),
          ownership: { owner, group, mode: '0700' },
          identity: was,
          mode: rewinds ? 'immediate' : 'fast',
        }),
      ];
    },
  };
}

/** What becomes of standbys that stream from a standby: what is copied has no WAL from before the copy, which they may need next. */
function cascadedText(run: RebuildRun): string[] {
  const { member: host = '' } = run.options;
  const fed = downstreamOf(run, host).filter((name) => upstreamNamed(run.inventory, name) === host);
  if (fed.length === 0) return [];
  const [stream, get, are] = fed.length === 1 ? ['streams', 'gets', 'is'] : ['stream', 'get', 'are'];
  return [
    `${enumerate(fed)}, which ${stream} from it, ${get} no WAL meanwhile, and ${are} to be rebuilt next where the copy has no longer what ${fed.length === 1 ? 'it needs' : 'they need'}`,
  ];
}

function layoutOf({ host, platform }: RoleContext): { user: string; group: string } {
  return platform.postgresql(variables(host, 'postgresql').version);
}

function rewindSteps(run: RebuildRun, source: string): HostStep[] {
  const { options, inventory, done } = run;
  const { member: host = '' } = options;
  const from = inventory.hosts.find(({ name }) => name === source);
  const aside = asideOf(run);
  if (from === undefined) return [];
  const allow: HostStep = {
    id: 'allow-rewind',
    title: `let ${host} rewind to ${source}, and have its slot there`,
    on: [source],
    resources: (context) => [
      rewindSource(unitServer(context).server, variables(context.host, 'replication').username),
      slotsOfPrimary(context),
    ],
  };
  return [
    ...(done.has('allow-rewind') ? [] : [allow]),
    {
      id: 'rewind',
      title: `rewind a copy of its data on ${host} to ${source} with pg_rewind, or copy ${source} where that cannot be`,
      effect: `what ${host} has and ${source} has not stays in the data aside alone`,
      on: [host],
      resources: (context) => {
        const { server, data } = unitServer(context);
        const { configDirectory } = standaloneCluster(context);
        return [
          passwordLines(context),
          standbyRewound({
            path: data,
            server,
            group: layoutOf(context).group,
            conninfo: primaryConninfo(context),
            slot: slotOf(context.host),
            from: aside ?? '',
            source: rewindConninfo(context, from),
            configFile: configDirectory === data ? undefined : `${configDirectory}/postgresql.conf`,
          }),
        ];
      },
      gates: (context) => [copiedGate(unitServer(context).data, [])],
    },
  ];
}

/** Beside what it had, of which pgBackRest keeps in a copy what is the same in the backup. */
function restoreStep(run: RebuildRun): HostStep {
  const { options, inventory } = run;
  const { member: host = '', set = '', repository = 1, size = 0, hasSame = false } = options;
  return {
    id: 'restore',
    title: `restore backup ${set} to ${host}`,
    effect: `up to ${formatBytes(size)} of data come from repository ${repository}${hasSame ? ', but for what its data aside has as the backup has it' : ''}`,
    on: [host],
    resources: (context) => [
      standbyRestored({
        path: unitServer(context).data,
        server: unitServer(context).server,
        group: layoutOf(context).group,
        stanza: stanzaOf(inventory),
        words: [`--repo=${repository}`, `--set=${set}`],
        from: hasSame ? asideOf(run) : undefined,
      }),
    ],
    gates: (context) => [copiedGate(unitServer(context).data, [], 'the backup is restored')],
  };
}

function makeStep(run: RebuildRun, source: string): OperationStep {
  const { view, options } = run;
  const { member: host = '', rewinds = false } = options;
  const copied = !isOld(run) && view.read(host, STANDBY_COPY)?.copied === true;
  const copies = !rewinds && !copied && !isFromBackup(run);
  return {
    id: 'make-standby',
    title: copies ? `copy the data of ${source} to ${host}, and start it as a standby` : `start PostgreSQL on ${host} as a standby`,
    ...(copies ? { effect: `${source} writes a checkpoint and sends ${formatBytes(copyOn(view, source).bytes)}` } : {}),
    changes: [host],
    converge: { roles: ['postgresql', 'replication'], answersFor: [host] },
  };
}

function followStep(host: string): HostStep {
  return { id: 'follow', title: `wait until ${host} streams`, on: [host], gates: (context) => [streamsGate(context, [])] };
}

function proofs(run: RebuildRun): CheckResult[] {
  const { view, options } = run;
  const { member: host = '', was = '' } = options;
  const why = isOld(run) ? 'its former data is in its place' : notStreamingWhy(view, host);
  const aside = asideOf(run);
  return [
    {
      host,
      title: 'the standby streams',
      ok: why === undefined,
      detail: why ?? `timeline ${serverOn(view, host)?.says?.timeline}`,
      settles: true,
    },
    ...(was === '' ? [] : [{ host, title: 'the data that it had is kept', ok: aside !== undefined, detail: aside ?? 'it is not there' }]),
  ];
}

/** Where the data is that it had, also after a rebuild that was cut off when nothing was left to do. */
function outcome(run: RebuildRun): string {
  const { view, options } = run;
  const { member: host = '' } = options;
  const kept = asideOf(run);
  const others = Object.values(copyOn(view, host).aside).filter((path) => path !== kept);
  const moved = tablespacesOn(view, host).all.length === 0 ? '' : ', and its tablespaces beside theirs';
  const where = kept === undefined ? '' : `; what it had before is in ${kept} there${moved}, remove it when nobody needs it`;
  const more = others.length === 0 ? '' : `; put aside earlier: ${enumerate(others)}`;
  const how = isFromBackup(run) ? `, with data that was restored from backup ${options.set}` : '';
  return `${host} streams as a standby of ${sourceOf(run)?.name ?? 'the primary'}${how}${where}${more}${leftBehind(run)}`;
}

/** Standbys that do not stream, as those that followed a former primary: they are no part of this rebuild. */
function leftBehind(run: RebuildRun): string {
  const { view, inventory, options } = run;
  const left = standbysInOrder(run).filter(
    (name) => name !== options.member && !isHeld(view, name) && !isBeingMade(view, name) && notStreamingWhy(view, name) !== undefined,
  );
  if (left.length === 0) return '';
  return `. ${enumerate(left)} ${left.length === 1 ? 'does' : 'do'} not stream: ${pgprov`doctor ${inventory}`} says why, and what to do`;
}

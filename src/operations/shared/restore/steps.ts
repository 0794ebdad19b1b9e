import {
  backupInfo,
  backupRestored,
  dataAside,
  dataDirectoryOf,
  enumerate,
  formatBytes,
  localServer,
  pgprov,
  PRIVATE_SOCKET,
  privateServerRuns,
  recoveredGate,
  restoredGate,
  SOURCE_OPTION,
  timelinesTaken,
  topologyOf,
  walArchived,
  type BackupRestoredOptions,
  type OperationStep,
  type Resource,
  type RoleContext,
} from '../../../index.js';
import { pgbackrestUser } from '../../../../roles/shared/backup/pgbackrest.js';
import { configuredServer } from '../../../../roles/shared/backup/serve.js';
import { restApiUrl } from '../../../../roles/shared/layout.js';
import { standaloneCluster } from '../../../../roles/shared/standalone.js';
import { variables } from '../../../../roles/shared/variables.js';
import { holdStep } from '../backup/timers.js';
import { answerOf } from '../members.js';
import {
  endedCleanly,
  hasFormer,
  isApproved,
  isRecovered,
  isRestored,
  isServing,
  isUntouched,
  members,
  placeOf,
  unreached,
  type RestoreRun,
} from './seen.js';
import { isOtherDatabase } from './guards.js';
import { hasPatroni, lateWhy, mayStart, servedIdentifier, serverStopped, serviceWords, unitOf, writerOf } from '../servers.js';
import { aimOptions, aimWords } from './target.js';
import { backedUp } from './words.js';
import { stanzaOf } from '../../../../roles/shared/backup/stanza.js';
import { wholeStep } from './whole.js';

/** What leads to a recovered database that nobody but PostgreSQL's user sees. */
export function preparingSteps(run: RestoreRun): OperationStep[] {
  return [
    ...reachStep(run),
    ...wholeStep(run),
    ...archiveStep(run),
    ...holdStep(run),
    ...stopSteps(run),
    ...asideStep(run),
    ...restoreStep(run),
    ...lookStep(run),
  ];
}

/** On new hosts `apply` stops before it sets pgBackRest up, because the backups are of another database than the empty one there. */
function reachStep(run: RestoreRun): OperationStep[] {
  const { inventory, done } = run;
  const hosts = unreached(run);
  if (hosts.length === 0 || done.has('reach')) return [];
  return [
    {
      id: 'reach',
      title: `set up pgBackRest on ${enumerate(hosts)}, which ${hosts.length === 1 ? 'does' : 'do'} not reach the backups`,
      on: hosts,
      resources: (context) => configuredServer(context).flatMap(({ resources }) => resources),
      asks: (context) => [backupInfo({ stanza: stanzaOf(inventory), server: pgbackrestUser(context) })],
    },
  ];
}

/** What the leader has written is in the repository, so that a target up to now can be reached. */
function archiveStep(run: RestoreRun): OperationStep[] {
  const { view, done, options, source } = run;
  const leader = writerOf(view);
  // Another cluster's hosts are left alone.
  if (source !== undefined || leader === undefined || done.has('archive') || !isUntouched(run) || isOtherDatabase(run)) return [];
  if (servedIdentifier(view, leader) !== options.identifier) return [];
  return [
    {
      id: 'archive',
      title: `have ${leader} archive the WAL that it has written`,
      on: [leader],
      gates: ({ host, platform }) => [
        walArchived({ server: localServer(host, platform), unit: unitOf({ host, platform }), host: host.name }),
      ],
    },
  ];
}

/** Who takes writes last, so that nobody takes over; none starts at a boot. */
export function stopSteps(run: RestoreRun): OperationStep[] {
  const { view, inventory } = run;
  const what = serviceWords(inventory);
  const up = members(run).filter((host) => isServing(run, host) || mayStart(view, host));
  const writer = writerOf(view) ?? up.find((host) => answerOf(view, host)?.role === 'leader');
  const standbys = up.filter((host) => host !== writer);
  const behind = standbys.filter((host) => writer !== undefined && lateWhy(view, writer, host) !== undefined);
  const leads = members(run).length === 1 ? '' : hasPatroni(inventory) ? ', the leader' : ', the primary';
  const step = (id: string, hosts: readonly string[], title: string, effect: string): OperationStep[] =>
    hosts.length === 0 ? [] : [{ id, title, effect, on: hosts, resources: (context) => [serverStopped(context, true)] }];
  return [
    ...step(
      'stop-standbys',
      standbys,
      `stop ${what} on ${enumerate(standbys)}`,
      `connections to ${standbys.length === 1 ? 'it' : 'them'} are cut${behind.length === 0 ? '' : `; ${enumerate(behind)} does not stream`}`,
    ),
    ...step(
      'stop-leader',
      writer !== undefined && up.includes(writer) ? [writer] : [],
      `stop ${what} on ${writer ?? ''}${leads}`,
      `the database is down until the restored one is ${run.source === undefined ? 'approved' : 'in its place'}`,
    ),
  ];
}

function asideStep(run: RestoreRun): OperationStep[] {
  const { options } = run;
  const hosts = members(run).filter((host) => hasFormer(run, host));
  if (hosts.length === 0) return [];
  return [
    {
      id: 'aside',
      title: `put the data of ${enumerate(hosts)} aside`,
      effect: 'it is renamed and kept, and comes back with --undo until clients are let in to the restored data',
      on: hosts,
      resources: (context) => [formerAside(context, options.was?.[context.host.name] ?? '')],
    },
  ];
}

/** A member's data out of its place, by its `DataCopy.identity`. */
export function formerAside({ host, platform }: RoleContext, identity: string): Resource {
  const { binDirectory } = localServer(host, platform);
  const path = dataDirectoryOf(host, platform);
  const url = topologyOf(host) === 'patroni' ? { url: restApiUrl(host) } : {};
  const unit = unitOf({ host, platform });
  return dataAside({ path, ownership: ownershipOf({ host, platform }), unit, ...url, binDirectory, identity }) as Resource;
}

/** Whose a data directory is, and who may read it. */
export function ownershipOf({ host, platform }: Pick<RoleContext, 'host' | 'platform'>): BackupRestoredOptions['ownership'] {
  const { user: owner, group } =
    topologyOf(host) === 'patroni' ? platform.patroni : platform.postgresql(variables(host, 'postgresql').version);
  return { owner, group, mode: '0700' };
}

/** What pgBackRest is to do on the restoring member. */
function restoring(run: RestoreRun, { host, platform }: RoleContext): BackupRestoredOptions {
  const { options, source } = run;
  const { id = '', set = '', repository = 1, onto = 1, setTimeline, was = {} } = options;
  return {
    id,
    path: dataDirectoryOf(host, platform),
    ownership: ownershipOf({ host, platform }),
    server: localServer(host, platform),
    stanza: stanzaOf(backedUp(run)),
    words: [`--repo=${repository}`, `--set=${set}`],
    recovery: aimOptions(options, onto, setTimeline),
    ...(source === undefined ? {} : { through: [SOURCE_OPTION] }),
    keep: was[host.name] ?? '',
    unit: unitOf({ host, platform }),
  };
}

function restoreStep(run: RestoreRun): OperationStep[] {
  const { member = '', set = '', repository = 1, size = 0 } = run.options;
  if (isRestored(run)) return [];
  return [
    {
      id: 'restore',
      title: `restore backup ${set} to ${member}`,
      effect: `${formatBytes(size)} of data come from repository ${repository}`,
      on: [member],
      resources: (context) => [backupRestored(restoring(run, context))],
      gates: (context) => [restoredGate(restoring(run, context), size)],
    },
  ];
}

/** Recovery on a server of its own, which is there until it is approved; one that was cut off is started again, so that it ends cleanly. */
function lookStep(run: RestoreRun): OperationStep[] {
  const { options } = run;
  const { member = '', onto = 0, newest = 0, repository = 1 } = options;
  const { server } = placeOf(run);
  const isOver = isApproved(run) && (endedCleanly(run) || server === 'ending');
  if (isRecovered(run) && (server === 'open' || isOver)) return [];
  return [
    {
      id: 'look',
      title: `recover it to ${aimWords(options)} on timeline ${onto}, on ${member} alone`,
      effect: `it can be looked at in ${PRIVATE_SOCKET}; no client gets in, and nothing is archived`,
      on: [member],
      resources: (context) => {
        const server = serverOf(context);
        if (run.source === undefined) return [privateServerRuns(server)];
        return [
          ...timelinesTaken({ ...server, first: onto + 1, last: newest }),
          privateServerRuns({ ...server, settings: { ...server.settings, ...smaller(context) } }),
        ];
      },
      gates: (context) => [
        recoveredGate(serverOf(context), {
          notReached: `nothing as late as that is archived on timeline ${onto}: give this command with --undo, and then anew with an earlier moment, with --latest, or with another --timeline`,
          damaged: `WAL on the way there is damaged in repository ${repository}: give this command with --undo, and then anew with a moment before it, or with a backup after it (--backup); ${pgprov`backup verify ${backedUp(run)}`} says how much is damaged`,
        }),
      ],
    },
  ];
}

/** Another cluster's hosts may have more memory than these; its configuration is in its data, and is this one's own only later. */
function smaller({ host }: RoleContext): Record<string, string> {
  const { shared_buffers = '128MB' } = variables(host, 'postgresql').parameters;
  return { shared_buffers: String(shared_buffers), huge_pages: 'try' };
}

/** How the restored data is run on a member. */
export function serverOf(context: RoleContext): Parameters<typeof privateServerRuns>[0] {
  const { host, platform } = context;
  const path = dataDirectoryOf(host, platform);
  const configuration = topologyOf(host) === 'patroni' ? path : standaloneCluster(context).configDirectory;
  return {
    path,
    server: localServer(host, platform),
    unit: unitOf(context),
    // Debian's tools keep it elsewhere, with the name of a file that tells them of a server that is not private.
    ...(configuration === path ? {} : { settings: { config_file: `${configuration}/postgresql.conf`, external_pid_file: '' } }),
  };
}

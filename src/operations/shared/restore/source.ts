import {
  BACKUP_ARCHIVE,
  backupArchive,
  BACKUP_INFO,
  backupInfo,
  backupManifests,
  filesPerLog,
  handle,
  localServer,
  pgprov,
  probingOptions,
  segmentOf,
  sourceAccess,
  throughAccess,
  topologyOf,
  type ArchivedWal,
  type BackupInfo,
  type BackupInfoOptions,
  type BackupManifests,
  type Observation,
  type OperationRun,
  type OperationStart,
  type RoleContext,
} from '../../../index.js';
import { repositoriesOf } from '../../../../roles/shared/backup/repositories.js';
import { accessTo } from '../../../../roles/shared/backup/source.js';
import { stanzaOf } from '../../../../roles/shared/backup/stanza.js';
import { backupAdvice } from '../../../../roles/shared/backup/trouble.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { archiveOf, perLogOf } from '../backup/archive.js';
import { serverRole } from '../servers.js';

/** What pgBackRest says of another cluster's backups, on the member that restores them. */
export const SOURCE_INFO = handle<BackupInfo>(`${BACKUP_INFO.id}:source`);

/** The WAL that there is. */
export const SOURCE_ARCHIVE = handle<readonly ArchivedWal[]>(`${BACKUP_ARCHIVE.id}:source`);

type Chosen = { set?: string; backup?: string };
type Start = Pick<OperationStart<Chosen>, 'chosenHosts' | 'options' | 'source'>;

/** What the manifests say of the backups that a restore may begin with. */
export function asksManifests(
  asked: BackupInfoOptions,
  repositories: readonly number[],
  { set, backup }: Chosen,
): Observation<BackupManifests> {
  const label = set ?? backup;
  return backupManifests(asked, { repositories, ...(label === undefined ? {} : { label }) });
}

/**
 * The member that restores another cluster's backups: only it gets what lets it read them. Of servers that stream without Patroni it is the primary
 * from then on, so it is the one that the inventory has as that.
 */
export function restoringMember({ inventory, chosenHosts }: Pick<OperationStart<object>, 'inventory' | 'chosenHosts'>): string {
  const servers = hostsWith(inventory, serverRole(inventory));
  const leader = servers.find((host) => topologyOf(host) === 'streaming' && host.name === inventory.leader);
  return chosenHosts?.[0] ?? (leader ?? servers[0])?.name ?? '';
}

/** What is asked of another cluster's backups. */
export function sourceObservations(context: RoleContext, { chosenHosts, options: chosen, source }: Start): Observation[] {
  const { host, inventory, platform } = context;
  if (source === undefined || host.name !== restoringMember({ inventory, chosenHosts })) return [];
  const access = accessTo(source, context);
  const repositories = repositoriesOf(source.inventory).map(({ number }) => number);
  const options = { stanza: stanzaOf(source.inventory), server: localServer(host, platform), more: probingOptions(access) };
  return [
    sourceAccess(),
    { ...throughAccess(access, backupInfo(options)), ...SOURCE_INFO, when: 'start' },
    { ...throughAccess(access, backupArchive(options, repositories)), ...SOURCE_ARCHIVE },
    throughAccess(access, asksManifests(options, repositories, chosen)),
  ];
}

/** What to do where another cluster's backups cannot be read. */
export function readingAdvice(problem: string, { inventory, source }: Pick<OperationStart<object>, 'inventory' | 'source'>): string {
  if (/not installed/u.test(problem))
    return `install the package pgbackrest there, or give the members of ${inventory.cluster} the role backup and run ${pgprov`apply ${inventory}`}`;
  if (/unable to find hostname .* in certificate/u.test(problem))
    return 'pgBackRest finds addresses in certificates from 2.46 on; see docs/clone.md';
  if (/certificate/u.test(problem)) return backupAdvice(problem, source?.inventory ?? inventory);
  if (/HostConnectError|unable to connect|Connection (?:refused|timed out)|No route/u.test(problem))
    return 'the port of pgBackRest’s server on that repository host must be open to this member, see docs/clone.md';
  return backupAdvice(problem, source?.inventory ?? inventory);
}

type Restored = Pick<OperationRun<object>, 'view' | 'inventory' | 'source'>;

/** The WAL that a repository has of the cluster whose backups are restored; undefined: no host could list it. */
export function archiveFor({ view, source, inventory }: Restored, number: number): ArchivedWal | undefined {
  if (source === undefined) return archiveOf(view, number);
  return inventory.hosts.flatMap(({ name }) => view.read(name, SOURCE_ARCHIVE) ?? []).find(({ repository }) => repository === number);
}

/** How many of its WAL files have the same middle part in their names; of another cluster only their names tell. */
export function perLogFor({ view, source }: Restored, archive: ArchivedWal): number {
  return source === undefined ? perLogOf(view, archive) : filesPerLog(segmentOf(undefined, archive.runs));
}

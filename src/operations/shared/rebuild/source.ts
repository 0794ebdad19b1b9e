import {
  backupArchive,
  backupInfo,
  backupManifests,
  backupTimers,
  BACKUP_INFO,
  BACKUP_MANIFESTS,
  DATA_DIRECTORY,
  dataDirectoryOf,
  filesPerLog,
  localServer,
  pgprov,
  readWalFile,
  restorePlace,
  walKept,
  WAL_KEPT,
  type Backup,
  type BackupInfo,
  type Observation,
  type OperationObjection,
  type RoleContext,
  type View,
} from '../../../index.js';
import { pgbackrestUser } from '../../../../roles/shared/backup/pgbackrest.js';
import { backupHosts, writtenBy } from '../../../../roles/shared/backup/repositories.js';
import { stanzaOf } from '../../../../roles/shared/backup/stanza.js';
import { backupAdvice, briefly } from '../../../../roles/shared/backup/trouble.js';
import { archiveOf, gapsIn, gapWords, perLogOf, type ArchiveGap } from '../backup/archive.js';
import { infoOn } from '../backup/places.js';
import { timelineOf } from '../members.js';
import { backupsOnto, newestTimeline, stanzaIdentifier } from '../restore/target.js';
import { hasPatroni, servedIdentifier, servedTimeline, serverRole } from '../servers.js';
import { memberRuns } from '../stopped.js';
import type { RebuildOptions, RebuildRun } from './seen.js';

/** What is asked besides where the copy comes from a repository. */
export function sourceObservations(context: RoleContext, { set }: Pick<RebuildOptions, 'set'>): Observation[] {
  const { host, inventory, platform } = context;
  const asked = { stanza: stanzaOf(inventory), server: pgbackrestUser(context) };
  const path = host.roles.includes(serverRole(inventory)) ? dataDirectoryOf(host, platform) : undefined;
  const written = writtenBy(inventory, host).map(({ number }) => number);
  const isBackupHost = backupHosts(inventory).some(({ name }) => name === host.name);
  return [
    ...memberRuns(context),
    ...(path === undefined ? [] : [restorePlace(path, localServer(host, platform)), walKept(path)]),
    ...(host.roles.some((role) => role === 'backup' || role === 'backup-repository')
      ? [{ ...backupInfo(asked), when: 'start' as const }]
      : []),
    ...(isBackupHost
      ? [
          backupTimers(),
          backupArchive(asked, written),
          backupManifests(asked, { repositories: written, ...(set === undefined ? {} : { label: set }) }),
        ]
      : []),
  ];
}

/** The timeline of the one that is followed. */
function timelineAt(view: View, leader: string): number {
  return (hasPatroni(view.inventory) ? timelineOf(view, leader) : servedTimeline(view, leader)) ?? 0;
}

/** What is decided before the first step: the newest backup from which the member can follow its leader. */
export function chosenSource(run: RebuildRun, member: string, leader: string): Pick<RebuildOptions, 'id' | 'set' | 'repository' | 'size'> {
  const { view } = run;
  const info = view.read(member, BACKUP_INFO);
  const data = view.read(leader, DATA_DIRECTORY);
  const history = data?.kind === 'cluster' ? data.history : undefined;
  const all = info === undefined ? [] : backupsOnto(info, timelineAt(view, leader), history);
  const set = all.findLast(({ error }) => !error);
  return {
    id: `rebuild-${new Date().toISOString().replaceAll(/[-:]|\.\d+/gu, '')}`,
    ...(set === undefined ? {} : { set: set.label, repository: set.repository, size: set.size }),
  };
}

/** Why no backup can become the member's data. */
export function sourceObjections(run: RebuildRun, leader: string): OperationObjection[] {
  const { view, inventory, options } = run;
  const { member = '' } = options;
  const one = hasPatroni(inventory) ? 'leader' : 'primary';
  const instead = `nothing was changed; leave out --from backup, so that the ${one}’s data is copied`;
  const refuse = (message: string, hint = instead): OperationObjection[] => [{ kind: 'refuse', message, hint }];
  const info = view.read(member, BACKUP_INFO);
  if (info === undefined || info.problem !== undefined) {
    const why = info?.problem === undefined ? '' : `: ${briefly(info.problem)}`;
    return refuse(`${member} cannot read the backups${why}`, `nothing was changed; ${backupAdvice(info?.problem ?? '', inventory)}`);
  }
  const [own, its] = [servedIdentifier(view, leader), stanzaIdentifier(info)];
  if (its !== undefined && own !== its)
    return refuse(`the backups are of another database (system identifier ${its}) than ${leader} has (${own ?? 'not known'})`);
  if (info.backups.length === 0) {
    const [failed] = info.repositories.filter(({ status }) => status === 'failed');
    if (failed === undefined) return refuse('there is no backup to restore');
    return refuse(
      `${member} cannot read the backups: ${briefly(failed.message)}`,
      `${instead}; or ${backupAdvice(failed.message, inventory)}`,
    );
  }
  if (inventory.hosts.some(({ name }) => infoOn(view, name)?.running !== undefined))
    return refuse(
      'a backup is being made, and what it expires at its end may be what a restore needs',
      'nothing was changed; run this again when it is done',
    );
  const [timeline, newest] = [timelineAt(view, leader), newestTimeline(info)];
  if (newest > timeline)
    return refuse(`the repositories have WAL of timeline ${newest}, which ${leader} never was on: it is on timeline ${timeline}`);
  const set = info.backups.find(({ label }) => label === options.set);
  if (set === undefined) {
    const last = info.backups.at(-1);
    return refuse(
      `no backup leads to timeline ${timeline}, on which ${leader} is: the newest, ${last?.label}, is of timeline ${last?.timeline ?? 'not known'}, which was left before it ended`,
    );
  }
  if (inventory.hosts.some(({ name }) => view.read(name, BACKUP_MANIFESTS)?.unreadable.includes(set.label) === true))
    return refuse(
      `backup ${set.label}, the newest, cannot be restored: its manifest is not there, or is damaged`,
      `${instead}; ${pgprov`backup ${inventory} --type full`} takes another one`,
    );
  return lacking(run, leader, info, set).flatMap((words) => refuse(words));
}

/** WAL is missing between the backup and what the leader still has. */
function lacking({ view }: RebuildRun, leader: string, info: BackupInfo, set: Backup): string[] {
  const archive = archiveOf(view, set.repository);
  const kept = view.read(leader, WAL_KEPT);
  const perLog = kept === undefined ? perLogOf(view, archive) : filesPerLog(kept.segmentBytes);
  const first = readWalFile(set.walStart ?? '', perLog)?.first ?? 0;
  const oldest = kept?.oldest ?? 0;
  const missing = archive === undefined ? [] : gapsIn(archive, info, perLog);
  const between = missing.filter((gap) => gap.last >= first && gap.first < oldest);
  const last = info.archives.findLast(({ repository }) => repository === set.repository)?.max;
  const end = last === undefined ? undefined : readWalFile(last, perLog)?.last;
  const after: ArchiveGap[] = end !== undefined && end + 1 < oldest ? [{ first: end + 1, last: oldest - 1 }] : [];
  const words = [...between, ...after].map((gap) => gapWords(gap, perLog));
  return words.length === 0
    ? []
    : [
        `repository ${set.repository} lacks the WAL files ${words.join(' and ')} (of any timeline) after backup ${set.label}, and ${leader} has no WAL any more from before ${gapWords({ first: oldest, last: oldest }, perLog)}`,
      ];
}

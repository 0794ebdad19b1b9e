import {
  BACKUP_INFO,
  enumerate,
  lsnBytes,
  pgprov,
  WAL_WRITTEN,
  type Backup,
  type BackupInfo,
  type OperationObjection,
} from '../../../index.js';
import { backupAdvice, briefly } from '../../../../roles/shared/backup/trouble.js';
import { gapsIn, gapWords } from '../backup/archive.js';
import { utcText } from '../moment.js';
import { servedTimeline, writerOf } from '../servers.js';
import { allMembers, infoOf, unreached, type RestoreRun } from './seen.js';
import { archiveFor, perLogFor, readingAdvice } from './source.js';
import { aimWords, backupsOnto, formerBackups, gapsTo, readTime } from './target.js';
import { backedUp, takeBack } from './words.js';

function refuse(message: string, hint: string): OperationObjection[] {
  return [{ kind: 'refuse', message, hint }];
}

/** Whether the backups can be read, and stay as they are. */
export function unreadBackups(run: RestoreRun): OperationObjection[] {
  const { view, options, inventory, done } = run;
  const info = infoOf(run);
  if (info === undefined) return refuse(`no host of ${inventory.cluster} that could be reached reaches the backups`, 'bring one back');
  if (info.problem !== undefined) return unreadable(run, info.problem);
  if (info.backups.length === 0) {
    const [failed] = info.repositories.filter(({ status }) => status === 'failed');
    if (failed !== undefined) return unreadable(run, failed.message);
    return refuse('there is no backup to restore', `nothing was changed; ${pgprov`backups ${backedUp(run)}`} shows what there is`);
  }
  const { member = '' } = options;
  if (done.has('reach') && unreached(run).includes(member)) {
    const own = view.read(member, BACKUP_INFO);
    return refuse(
      `${member} cannot read the backups${own?.problem === undefined ? '' : `: ${briefly(own.problem)}`}`,
      'put that right, or restore on another member (--host)',
    );
  }
  if (info.running !== undefined) {
    return [
      {
        kind: 'refuse',
        message: 'a backup is being made, and what it expires at its end may be what a restore needs',
        hint: `nothing was changed; run this again when it is done (${pgprov`backups ${inventory}`})`,
        settles: true,
      },
    ];
  }
  return [];
}

function unreadable(run: RestoreRun, problem: string): OperationObjection[] {
  const { source, options, inventory } = run;
  const who =
    source === undefined ? 'the backups cannot be read' : `${options.member} cannot read the backups of ${source.inventory.cluster}`;
  const advice = source === undefined ? backupAdvice(problem, inventory) : readingAdvice(problem, run);
  return refuse(`${who}: ${briefly(problem)}`, `nothing was changed; ${advice}`);
}

/** Whether what there is reaches to where the restore is to end. */
export function unreachableTarget(run: RestoreRun): OperationObjection[] {
  const { options } = run;
  const info = infoOf(run);
  if (info === undefined) return [];
  const { time, backup, set, onto = 0 } = options;
  const look = `nothing was changed; ${pgprov`backups ${backedUp(run)}`} shows what can be restored to`;
  const now = presentTime(run, info);
  if (time !== undefined && (readTime(time)?.seconds ?? 0) > now) {
    return refuse(
      `${aimWords(options)} is in the future: it is ${utcText(new Date(now * 1000).toISOString())} there`,
      'nothing was changed; --latest restores to the last commit that is archived',
    );
  }
  if (set !== undefined && !info.backups.some(({ label }) => label === set)) {
    return refuse(
      `backup ${set}, which is restored, is not there any more: a later one has expired it`,
      `${takeBack(run)} takes back what was begun; then begin anew, which takes another backup`,
    );
  }
  if (set !== undefined) return [...noTimeline(run, info, set), ...beyondWal(run), ...gaps(run, info, set)].slice(0, 1);
  const former = formerBackups(info);
  const asked = former.find((one) => one.backup.label === backup);
  if (asked !== undefined)
    return refuse(
      `backup ${backup} is of another database than the present one${asked.version === '' ? '' : `, of PostgreSQL ${asked.version}`}: the stanza has had another since`,
      'nothing was changed; docs/backups.md says how its data is brought back beside the cluster',
    );
  if (backup !== undefined) {
    if (!info.backups.some(({ label }) => label === backup)) return refuse(`there is no backup ${backup}`, look);
    return refuse(`backup ${backup} does not lead to ${aimWords(options)} on timeline ${onto}`, look);
  }
  const [oldest] = backupsOnto(info, onto);
  const others = former.length === 0 ? '' : `; ${former.length} earlier ones are of another database, which the stanza had before`;
  return refuse(
    oldest === undefined
      ? `no backup leads to timeline ${onto}${others}`
      : `no backup ended before ${aimWords(options)}: the oldest that leads to timeline ${onto}, ${oldest.label}, ended at ${endOf(oldest)}${others}`,
    look,
  );
}

/** PostgreSQL follows a timeline other than the backup's by its history alone, and says only at the end that there is none. */
function noTimeline(run: RestoreRun, info: BackupInfo, label: string): OperationObjection[] {
  const { onto = 0, newest = 0, timeline } = run.options;
  const set = info.backups.find((backup) => backup.label === label);
  const shows = `nothing was changed; ${pgprov`history ${backedUp(run)}`} shows the timelines that there were`;
  if (timeline !== undefined && onto > newest) return refuse(`there is no timeline ${onto}: the newest is ${newest}`, shows);
  const archive = set === undefined || set.timeline === onto ? undefined : archiveFor(run, set.repository);
  if (archive?.histories === undefined) return [];
  const current = info.archives.findLast(({ repository }) => repository === archive.repository)?.id;
  const isOnto = (each: { database: string; timeline: number }): boolean => each.database === current && each.timeline === onto;
  // The history of one that the leader has just begun comes with the WAL that it is asked to archive.
  if (archive.histories.some(isOnto) || (timeline === undefined && !archive.runs.some(isOnto))) return [];
  return refuse(
    `repository ${archive.repository} has no history of timeline ${onto}, so PostgreSQL cannot follow it from backup ${label}`,
    `${shows}; without --timeline ${onto}, or from a backup of it (--backup), it is not needed`,
  );
}

/** What nobody has written yet; on another timeline than the present one others may have come further. */
function beyondWal({ view, options, source }: RestoreRun): OperationObjection[] {
  const { lsn, xid, onto } = options;
  const leader = source === undefined ? writerOf(view) : undefined;
  const written = leader === undefined ? undefined : view.read(leader, WAL_WRITTEN);
  if (leader === undefined || written === undefined || servedTimeline(view, leader) !== onto) return [];
  const { location, nextTransaction, runningTransactions } = written;
  const latest = 'nothing was changed; --latest restores to the last commit that is archived';
  if (lsn !== undefined && lsnBytes(lsn) > lsnBytes(location)) {
    return refuse(`WAL location ${lsn} is in the future: ${leader} has written to ${location}`, latest);
  }
  if (xid === undefined) return [];
  if (Number(xid) >= nextTransaction) {
    return refuse(`transaction ${xid} is in the future: the last one that has ended on ${leader} is ${nextTransaction - 1}`, latest);
  }
  if (!runningTransactions.includes(Number(xid))) return [];
  return refuse(`transaction ${xid} has not ended yet: it runs on ${leader}`, 'nothing was changed; run this again when it is committed');
}

/** Commits have the times of the members' clocks, which may be apart from that of a repository host. */
function presentTime(run: RestoreRun, info: BackupInfo): number {
  const clocks = run.source === undefined ? allMembers(run).flatMap((name) => run.view.read(name, BACKUP_INFO)?.now ?? []) : [];
  return clocks.length === 0 ? info.now : Math.max(...clocks);
}

/** All WAL has to be there that is replayed. */
function gaps(run: RestoreRun, info: BackupInfo, label: string): OperationObjection[] {
  const { options } = run;
  const set = info.backups.find((backup) => backup.label === label);
  const archive = set === undefined ? undefined : archiveFor(run, set.repository);
  if (set === undefined || archive === undefined) return [];
  const perLog = perLogFor(run, archive);
  const missing = gapsTo(options, set, info.backups, gapsIn(archive, info, perLog), perLog);
  if (missing.length === 0) return [];
  const words = missing.map((gap) => gapWords(gap, perLog));
  return refuse(
    `${aimWords(options)} cannot be reached from backup ${label}: repository ${set.repository} lacks the WAL files ${enumerate(words)} (of any timeline)`,
    `nothing was changed; restore to an earlier moment, or from a later backup (--backup); ${pgprov`backups ${backedUp(run)}`} lists them`,
  );
}

function endOf({ stop, lsnStop }: Backup): string {
  return `${utcText(new Date(stop * 1000).toISOString())}${lsnStop === undefined ? '' : ` (${lsnStop})`}`;
}

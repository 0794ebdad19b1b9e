import { lsnBytes, readWalFile, type Backup, type BackupInfo, type TimelineHistory } from '../../../index.js';
import type { ArchiveGap } from '../backup/archive.js';

/** Where a restore is to end, as it is given; exactly one of the first six, and a backup beside any of them. */
export interface RestoreAim {
  time?: string;
  lsn?: string;
  xid?: string;
  name?: string;
  latest?: boolean;
  backup?: string;
  timeline?: number;
}

/** What a time looks like: with its offset, or in UTC; fractions of a second count. */
export const TIME_PATTERN = '\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d(?::\\d\\d(?:\\.\\d{1,6})?)? ?(?:Z|UTC|[+-]\\d\\d(?::?\\d\\d)?)?';

/** A moment to the microsecond. */
export interface Moment {
  /** As PostgreSQL reads it: `2026-11-29 05:00:00.123456+00`. */
  text: string;
  /** Seconds since 1970. */
  seconds: number;
}

/** Reads a time; undefined for one that there is not, such as the 30th of February. */
export function readTime(given: string): Moment | undefined {
  const parts =
    /^(?<day>\d{4}-\d\d-\d\d)[T ](?<clock>\d\d:\d\d)(?::(?<seconds>\d\d)(?<fraction>\.\d{1,6})?)? ?(?<zone>Z|UTC|[+-]\d\d(?::?\d\d)?)?$/u.exec(
      given.trim(),
    )?.groups;
  if (parts === undefined) return undefined;
  const { day = '', clock = '', seconds = '00', fraction = '', zone = 'Z' } = parts;
  const local = new Date(`${day}T${clock}:${seconds}Z`);
  // A day that there is not becomes one of the next month.
  if (Number.isNaN(local.getTime()) || local.toISOString().slice(0, 10) !== day) return undefined;
  const offset = /^(?<sign>[+-])(?<hours>\d\d):?(?<minutes>\d\d)?$/u.exec(zone)?.groups;
  const { sign = '+', hours = '00', minutes = '00' } = offset ?? {};
  const minutesAhead = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
  const whole = new Date(local.getTime() - minutesAhead * 60_000);
  if (Number.isNaN(whole.getTime())) return undefined;
  return {
    text: `${whole.toISOString().slice(0, 19).replace('T', ' ')}${fraction}+00`,
    seconds: whole.getTime() / 1000 + Number(fraction === '' ? 0 : fraction),
  };
}

/** Where it ends, in words that follow "to". */
export function aimWords({ time, lsn, xid, name, backup, latest }: RestoreAim): string {
  if (time !== undefined) return `${readTime(time)?.text.replace(/\+00$/u, ' UTC') ?? time}`;
  if (lsn !== undefined) return `WAL location ${lsn}`;
  if (xid !== undefined) return `transaction ${xid}`;
  if (name !== undefined) return `the restore point ${JSON.stringify(name)}`;
  if (backup !== undefined && latest !== true) return `the end of backup ${backup}`;
  return 'the last commit that is archived';
}

/**
 * pgBackRest's options for it. The backup's own timeline is followed as `current`, because PostgreSQL looks for the history of any other one, and
 * that of a timeline on which archiving began was never archived.
 */
export function aimOptions(aim: RestoreAim, timeline: number, backupTimeline: number | undefined): string[] {
  const { time, lsn, xid, name, latest, backup } = aim;
  const onto = `--target-timeline=${timeline === backupTimeline ? 'current' : timeline}`;
  const at = (type: string, target: string): string[] => [`--type=${type}`, `--target=${target}`, '--target-action=promote', onto];
  if (time !== undefined) return at('time', readTime(time)?.text ?? time);
  if (lsn !== undefined) return at('lsn', lsn);
  if (xid !== undefined) return at('xid', xid);
  if (name !== undefined) return at('name', name);
  // pgBackRest takes no timeline for the end of a backup, and PostgreSQL would follow the latest one, which may have left before that.
  if (latest !== true && backup !== undefined)
    return ['--type=immediate', '--target-action=promote', '--recovery-option=recovery_target_timeline=current'];
  return ['--type=default', onto];
}

/** The database of the stanza that backups are made of now: before a major upgrade it was another one. */
export function currentDatabase({ archives, backups }: BackupInfo): number {
  return Math.max(0, ...archives.map(({ database }) => database), ...backups.map(({ database }) => database));
}

/** Backups of what the stanza was of before, by whose archives their major versions are known: `15-1`. */
export function formerBackups(info: BackupInfo): { backup: Backup; version: string }[] {
  const current = currentDatabase(info);
  return info.backups
    .filter(({ database }) => database !== current)
    .map((backup) => ({ backup, version: info.archives.find(({ database }) => database === backup.database)?.id.split('-')[0] ?? '' }));
}

/** Its system identifier; undefined where no repository tells. */
export function stanzaIdentifier({ repositories }: BackupInfo): string | undefined {
  return repositories.map(({ systemIdentifiers }) => systemIdentifiers.at(-1)).find((identifier) => identifier !== undefined);
}

/** The newest timeline that a repository has WAL of, or a backup. */
export function newestTimeline(info: BackupInfo): number {
  const database = currentDatabase(info);
  const archived = info.archives.flatMap(({ database: of, max }) => (of === database && max !== undefined ? [timelineOf(max)] : []));
  const backedUp = info.backups.flatMap(({ database: of, timeline }) => (of === database && timeline !== undefined ? [timeline] : []));
  return Math.max(0, ...archived, ...backedUp);
}

function timelineOf(segment: string): number {
  return Number.parseInt(segment.slice(0, 8), 16);
}

/** The backups that can be restored onto a timeline, the oldest first. */
export function backupsOnto(info: BackupInfo, timeline: number, history?: TimelineHistory): Backup[] {
  const database = currentDatabase(info);
  return info.backups.filter((backup) => backup.database === database && isOnWay(backup, timeline, history));
}

/** Whether the way from a backup to a timeline leaves none before the backup's end, as far as the history tells. */
function isOnWay({ timeline: own = 0, lsnStop }: Backup, timeline: number, history?: TimelineHistory): boolean {
  if (own >= timeline || history === undefined || history.timeline < timeline) return own <= timeline;
  const end = history.forks.find((fork) => Number(fork.split(' ')[0]) === own)?.split(' ')[1];
  return end !== undefined && lsnStop !== undefined && lsnBytes(lsnStop) <= lsnBytes(end);
}

/** The backup that a restore begins with: the newest that ended before the target; undefined: there is none. */
export function backupFor(aim: RestoreAim, candidates: readonly Backup[]): Backup | undefined {
  const { time, lsn, backup } = aim;
  const before = candidates.filter((each) => {
    if (time !== undefined) return each.stop < (readTime(time)?.seconds ?? 0);
    return lsn === undefined || (each.lsnStop !== undefined && lsnBytes(each.lsnStop) <= lsnBytes(lsn));
  });
  return backup === undefined ? before.findLast(({ error }) => !error) : before.find(({ label }) => label === backup);
}

/**
 * What is missing of the WAL from a backup to where the restore is to end, of what its repository lacks.
 * @param perLog how many WAL files have the same middle part in their names
 */
export function gapsTo(
  aim: RestoreAim,
  set: Backup,
  backups: readonly Backup[],
  gaps: readonly ArchiveGap[],
  perLog: number,
): ArchiveGap[] {
  const first = readWalFile(set.walStart ?? '', perLog)?.first ?? 0;
  const last = lastNeeded(aim, set, backups, perLog) ?? Infinity;
  return gaps.filter((gap) => gap.last >= first && gap.first <= last);
}

/** The last WAL file that may be needed, by its position; undefined: all there are. */
function lastNeeded(aim: RestoreAim, set: Backup, backups: readonly Backup[], perLog: number): number | undefined {
  const { time, lsn, xid, name, latest, backup } = aim;
  const positionOf = (file = ''): number | undefined => readWalFile(file, perLog)?.first;
  if (lsn !== undefined) return Math.floor((Number(lsnBytes(lsn)) * perLog) / 2 ** 32);
  // A backup that began after a time begins with WAL that was written after it.
  if (time !== undefined) return positionOf(backups.find(({ start }) => start > (readTime(time)?.seconds ?? 0))?.walStart);
  return backup !== undefined && xid === undefined && name === undefined && latest !== true ? positionOf(set.walStop) : undefined;
}

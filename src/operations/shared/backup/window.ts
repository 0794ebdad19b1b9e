import {
  hasRange,
  joinRanges,
  missingRanges,
  readWalFile,
  walFile,
  type ArchivedWal,
  type Backup,
  type BackupInfo,
  type RestoreWindow,
  type StoredBackup,
  type WalGap,
  type WalRange,
} from '../../../index.js';

/** What can be restored from a repository. */
export interface Restorable {
  backups: StoredBackup[];
  window?: RestoreWindow;
  gaps?: WalGap[];
}

/**
 * Reads what can be restored from a repository: which backups are whole, and what WAL is there since.
 * @param archive undefined: it could not be listed, so that gaps are not known
 * @param perLog how many WAL files have the same middle part in their names
 */
export function restorable(info: BackupInfo, number: number, archive: ArchivedWal | undefined, perLog: number): Restorable {
  const current = info.archives.findLast(({ repository }) => repository === number);
  const own = info.backups.filter(({ repository }) => repository === number);
  const ranges = archive === undefined || current === undefined ? undefined : rangesOf(archive, current.id, perLog);
  const isWhole = (backup: Backup): boolean => {
    const needed = backup.database === current?.database ? neededBy(backup, perLog) : undefined;
    return needed === undefined || ranges === undefined || hasRange(ranges, needed);
  };
  const backups = own.map((backup) => stored(backup, !isWhole(backup)));
  const usable = own.filter((backup) => backup.database === current?.database && isWhole(backup));
  const [oldest] = usable;
  if (oldest?.walStart === undefined || current?.max === undefined) return { backups };
  const from = neededBy(oldest, perLog)?.first ?? 0;
  const gaps = ranges === undefined ? undefined : missingRanges(ranges, from).map((gap) => gapOf(gap, usable, perLog));
  return {
    backups,
    window: {
      from: time(oldest.stop),
      ...(archive?.last === undefined ? {} : { to: time(archive.last) }),
      walFirst: oldest.walStart,
      walLast: current.max,
      timeline: Number.parseInt(current.max.slice(0, 8), 16),
    },
    ...(gaps === undefined ? {} : { gaps }),
  };
}

function rangesOf({ runs }: ArchivedWal, id: string, perLog: number): WalRange[] {
  return joinRanges(
    runs
      .filter(({ database }) => database === id)
      .map(({ timeline, log, first, final }) => ({ timeline, first: log * perLog + first, last: log * perLog + final })),
  );
}

/** The WAL without which a backup is none. */
function neededBy({ walStart = '', walStop = '' }: Backup, perLog: number): WalRange | undefined {
  const [first, last] = [readWalFile(walStart, perLog), readWalFile(walStop, perLog)];
  return first === undefined || last === undefined ? undefined : { timeline: last.timeline, first: first.first, last: last.last };
}

function gapOf({ timeline, first, last }: WalRange, backups: readonly Backup[], perLog: number): WalGap {
  const ends = (backup: Backup): number => neededBy(backup, perLog)?.last ?? 0;
  const before = backups.findLast((backup) => ends(backup) < first);
  const after = backups.find((backup) => (neededBy(backup, perLog)?.first ?? 0) > last);
  return {
    timeline,
    walFirst: walFile(timeline, first, perLog),
    walLast: walFile(timeline, last, perLog),
    files: last - first + 1,
    ...(before === undefined ? {} : { before: before.label }),
    ...(after === undefined ? {} : { after: after.label }),
  };
}

function stored(backup: Backup, incomplete: boolean): StoredBackup {
  const { label, type, start, stop, size, delta, stored: bytes, timeline, walStart, walStop, needs, error } = backup;
  return {
    label,
    type,
    started: time(start),
    ended: time(stop),
    size,
    copied: delta,
    stored: bytes,
    ...(timeline === undefined ? {} : { timeline }),
    ...(walStart === undefined ? {} : { walFirst: walStart }),
    ...(walStop === undefined ? {} : { walLast: walStop }),
    needs,
    damaged: error,
    incomplete,
  };
}

function time(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

import {
  ARCHIVING,
  BACKUP_ARCHIVE,
  DATA_DIRECTORY,
  filesPerLog,
  joinRanges,
  missingRanges,
  segmentOf,
  walFile,
  type ArchivedWal,
  type BackupInfo,
  type View,
} from '../../../index.js';

/** WAL files that a repository lacks between others that it has, whatever their timelines, by their positions. */
export interface ArchiveGap {
  first: number;
  last: number;
}

/** What a repository has of WAL, as the first host tells that could list it; undefined: none could. */
export function archiveOf(view: View, number: number): ArchivedWal | undefined {
  return view.inventory.hosts.flatMap(({ name }) => view.read(name, BACKUP_ARCHIVE) ?? []).find(({ repository }) => repository === number);
}

/** How many WAL files have the same middle part in their names, by the size that a server tells, a data directory has, or their names have. */
export function perLogOf(view: View, archive: ArchivedWal | undefined): number {
  const names = view.inventory.hosts.map(({ name }) => name);
  const served = names.map((name) => view.read(name, ARCHIVING)?.segment);
  const stored = names.map((name) => {
    const data = view.read(name, DATA_DIRECTORY);
    return data?.kind === 'cluster' ? data.segment : undefined;
  });
  return filesPerLog(
    segmentOf(
      [...served, ...stored].find((segment) => segment !== undefined),
      archive?.runs ?? [],
    ),
  );
}

/** What is missing in the WAL of the database that a repository has WAL of now. */
export function gapsIn({ repository, runs }: ArchivedWal, { archives }: BackupInfo, perLog: number): ArchiveGap[] {
  const current = archives.findLast((archive) => archive.repository === repository)?.id;
  const joined = joinRanges(
    runs
      .filter(({ database }) => database === current)
      .map(({ log, first, final }) => ({ timeline: 0, first: log * perLog + first, last: log * perLog + final })),
  );
  return missingRanges(joined, 0).map(({ first, last }) => ({ first, last }));
}

/** The WAL files of a gap, by the parts of their names that come after the timeline. */
export function gapWords({ first, last }: ArchiveGap, perLog: number): string {
  const [from, to] = [first, last].map((position) => walFile(0, position, perLog).slice(8));
  return first === last ? `${from}` : `${from} to ${to}`;
}

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ENDING, MANIFEST, readEntries, snapshotsDirectory } from './snapshot-file.js';

/** What a snapshot says of itself. */
export interface SnapshotManifest {
  cluster: string;
  /** When it was taken, ISO 8601. */
  at: string;
  by: string;
  /** The operation that it was taken in. */
  operation: string;
  form: string;
  /** Bytes by the files' paths in it. */
  files: Readonly<Record<string, number>>;
  missing: readonly { host?: string; name?: string; why: string }[];
}

/** A snapshot beside the inventory. */
export interface SavedSnapshot {
  file: string;
  bytes: number;
  manifest: SnapshotManifest;
  /** Contents of the files that were asked for, by their paths in it. */
  files: ReadonlyMap<string, Buffer>;
}

/** The snapshots of a cluster. */
export interface SavedSnapshots {
  /** The newest first. */
  snapshots: readonly SavedSnapshot[];
  /** Files that cannot be read as one, with the reason. */
  unreadable: readonly { file: string; why: string }[];
}

/**
 * Reads the snapshots in a cluster's store; none where there is no such directory.
 * @param wanted the paths of the files in them whose contents are wanted
 * @param isWanted whether a snapshot is read, by its file; default: all are
 */
export async function readSnapshots(
  store: string,
  wanted: readonly string[] = [],
  isWanted: (file: string) => boolean = () => true,
): Promise<SavedSnapshots> {
  const snapshots: SavedSnapshot[] = [];
  const unreadable: { file: string; why: string }[] = [];
  for (const file of filesOrTrouble(store, unreadable).filter(isWanted)) {
    try {
      snapshots.push(await readOne(file, wanted));
    } catch (error) {
      unreadable.push({ file, why: (error as Error).message });
    }
  }
  snapshots.sort((a, b) => (a.manifest.at > b.manifest.at ? -1 : 1));
  return { snapshots, unreadable };
}

/** What was asked for of a snapshot. */
export interface SnapshotContents {
  file: string;
  /** When it was taken, ISO 8601. */
  at: string;
  /** Contents by the files' paths in it. */
  files: ReadonlyMap<string, Buffer>;
}

/**
 * What the snapshots of a cluster have of these files, the newest snapshot first.
 * @param read what was read before; it is not read again, because a snapshot is never written over
 */
export async function snapshotContents(
  store: string,
  wanted: readonly string[],
  read: readonly SnapshotContents[] = [],
): Promise<SnapshotContents[]> {
  const kept = read.filter(({ file }) => existsSync(file));
  const { snapshots } = await readSnapshots(store, wanted, (file) => kept.every((each) => each.file !== file));
  return [...kept, ...snapshots.map(({ file, manifest: { at }, files }) => ({ file, at, files }))].sort((a, b) => (a.at > b.at ? -1 : 1));
}

/** A directory that may not be read has no snapshots for those who ask; that it may not be written either is said where one is taken. */
function filesOrTrouble(store: string, unreadable: { file: string; why: string }[]): string[] {
  try {
    return snapshotFiles(store);
  } catch (error) {
    unreadable.push({ file: snapshotsDirectory(store), why: (error as Error).message });
    return [];
  }
}

/** The files that are named as snapshots are, the oldest first. */
export function snapshotFiles(store: string): string[] {
  const directory = snapshotsDirectory(store);
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith(ENDING))
      .sort()
      .map((name) => join(directory, name));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

async function readOne(file: string, wanted: readonly string[]): Promise<SavedSnapshot> {
  const files = await readEntries(file, (name) => name === MANIFEST || wanted.includes(name));
  const manifest = readManifest(files.get(MANIFEST)?.toString('utf8'));
  const { at = '', files: sizes, missing } = manifest;
  const isWhole = Number.isFinite(Date.parse(at)) && typeof sizes === 'object' && sizes !== null && Array.isArray(missing);
  if (!isWhole) throw new RangeError(`it has no ${MANIFEST} of a snapshot`);
  return { file, bytes: statSync(file).size, manifest: manifest as SnapshotManifest, files };
}

/** What a manifest says, as far as it says anything; a file that is none says nothing. */
export function readManifest(text = ''): Partial<SnapshotManifest> {
  try {
    const manifest = JSON.parse(text) as unknown;
    return typeof manifest === 'object' && manifest !== null ? manifest : {};
  } catch {
    return {};
  }
}

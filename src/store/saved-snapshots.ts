import { existsSync, readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { unpackTar } from 'modern-tar';
import { ENDING, MANIFEST, snapshotsDirectory } from './snapshot-file.js';

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
  const archive = await promisify(gunzip)(await readFile(file));
  const entries = await unpackTar(archive, { strict: true, filter: ({ name }) => name === MANIFEST || wanted.includes(name) });
  const files = new Map(entries.map(({ header, data }) => [header.name, Buffer.from(data ?? [])]));
  const manifest = JSON.parse(files.get(MANIFEST)?.toString('utf8') ?? 'null') as SnapshotManifest | null;
  if (typeof manifest?.at !== 'string' || typeof manifest.files !== 'object') throw new RangeError(`it has no ${MANIFEST}`);
  return { file, bytes: statSync(file).size, manifest, files };
}

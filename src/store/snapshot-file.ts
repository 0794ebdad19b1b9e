import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, linkSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { packTar, unpackTar } from 'modern-tar';
import { InputError } from '../lib/errors.js';
import { systemReason } from '../lib/system-reason.js';

/** Snapshots that pgprov took of its own accord are removed, the oldest first, when there are more. */
export const KEPT = 20;

/** What a snapshot's name ends with. */
export const ENDING = '.tar.gz';

/** `20261129T030405Z-before-rebuild.tar.gz`: taken of pgprov's own accord. */
const AUTOMATIC = /^\d{8}T\d{6}Z-before-.*\.tar\.gz$/u;

/** Whether pgprov took a snapshot of its own accord, ahead of a step without a way back. */
export function isAutomatic(file: string): boolean {
  return AUTOMATIC.test(basename(file));
}

/** The manifest's place in a snapshot. */
export const MANIFEST = 'manifest.json';

/** Where a cluster's snapshots are, in its store. */
export function snapshotsDirectory(store: string): string {
  return join(store, 'snapshots');
}

/** Where a snapshot goes. */
export type SnapshotPlace =
  /** A file that is not there yet. */
  | { to: string }
  /** The cluster's store; `before`: what it was taken ahead of, of pgprov's own accord. */
  | { store: string; before?: string };

/**
 * Writes a snapshot that only its owner may read, whole or not at all; gives its file, and older ones that were removed for it.
 * @param files contents by their paths in the snapshot
 * @throws InputError where `to` is there already, or cannot be written
 */
export async function writeSnapshot(
  place: SnapshotPlace,
  at: Date,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<{ file: string; bytes: number; removed: readonly string[] }> {
  const archive = await packTar(
    [...files].map(([name, content]) => ({ header: { name, size: content.length, mode: 0o600, mtime: at }, body: content })),
  );
  const bytes = await promisify(gzip)(archive);
  if ('to' in place)
    return { file: writeNew([place.to], bytes, 'make room there, or name another file with --to'), bytes: bytes.length, removed: [] };
  const directory = snapshotsDirectory(place.store);
  const time = at.toISOString().replaceAll(/[-:]|\.\d+/gu, '');
  const name = place.before === undefined ? time : `${time}-before-${place.before.replaceAll(/[^a-z0-9]+/gu, '-')}`;
  const names = [name, ...Array.from({ length: 9 }, (_, index) => `${name}-${index + 2}`)];
  const file = writeNew(
    names.map((each) => join(directory, `${each}${ENDING}`)),
    bytes,
    'pgprov needs a place beside the inventory where it may write: make room there, or have the directory belong to you; then give the same command again',
    () => makePrivate(directory),
  );
  return { file, bytes: bytes.length, removed: place.before === undefined ? [] : prune(directory) };
}

/** Writes the first of these files that is not there yet, and never over one. */
function writeNew(candidates: readonly string[], bytes: Uint8Array, hint: string, prepare: () => void = () => undefined): string {
  const draft = `${candidates[0]}.${randomBytes(6).toString('hex')}`;
  let begun = false;
  try {
    prepare();
    const handle = openSync(draft, 'wx', 0o600);
    begun = true;
    try {
      writeFileSync(handle, bytes);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    const file = candidates.find((candidate) => isMade(draft, candidate));
    if (file !== undefined) return file;
  } catch (cause) {
    throw new InputError({
      kind: 'snapshot/file',
      message: `the snapshot cannot be written to ${candidates[0]}: ${systemReason(cause)}`,
      hint,
      cause,
    });
  } finally {
    if (begun) rmSync(draft, { force: true });
  }
  throw new InputError({
    kind: 'snapshot/file',
    message: `${candidates[0]} is there already, and a snapshot never overwrites a file`,
    hint: 'name another file with --to',
  });
}

function makePrivate(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
}

function isMade(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Leaves the newest of those that were taken of pgprov's own accord; gives those that it has removed. */
function prune(directory: string): string[] {
  const automatic = readdirSync(directory).filter(isAutomatic).sort();
  const old = automatic.slice(0, -KEPT).map((name) => join(directory, name));
  for (const file of old) rmSync(file, { force: true });
  return old;
}

/**
 * The files of a snapshot that are wanted, by their paths in it.
 * @throws Error where it cannot be read
 */
export async function readEntries(snapshot: string, isWanted: (name: string) => boolean): Promise<Map<string, Buffer>> {
  // A pipe would be waited for without an end.
  if (!statSync(snapshot).isFile()) throw new RangeError('it is no file');
  const archive = await promisify(gunzip)(await readFile(snapshot));
  const entries = await unpackTar(archive, { strict: true, filter: ({ name }) => isWanted(name) });
  return new Map(entries.map(({ header, data }) => [header.name, Buffer.from(data ?? [])]));
}

/**
 * Reads a file of a snapshot; undefined where the snapshot does not have it.
 * @throws InputError where there is no snapshot that can be read
 */
export async function readFromSnapshot(snapshot: string, name: string): Promise<string | undefined> {
  try {
    return (await readEntries(snapshot, (each) => each === name)).get(name)?.toString('utf8');
  } catch (cause) {
    throw new InputError({
      kind: 'snapshot/unreadable',
      message: `${snapshot} cannot be read as a snapshot: ${(cause as Error).message}`,
      hint: 'give a file that a snapshot of pgprov was written to',
      cause,
    });
  }
}

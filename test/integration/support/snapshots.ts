import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A snapshot as tar shows it. */
export interface OpenedSnapshot {
  file: string;
  /** Names in it, sorted. */
  names: readonly string[];
  manifest: {
    form: string;
    operation: string;
    missing: readonly { host?: string; name?: string; why: string }[];
    files: Record<string, number>;
  };
  /** Permissions of the file and of its directory. */
  modes: readonly string[];
  bytes(name: string): Buffer;
  text(name: string): string;
}

/** Opens a snapshot with tar, past pgprov. */
export function openSnapshot(file: string): OpenedSnapshot {
  const run = (...words: string[]): Buffer => execFileSync('tar', words, { maxBuffer: 256 * 1024 * 1024 });
  const bytes = (name: string): Buffer => run('-xzOf', file, name);
  const text = (name: string): string => bytes(name).toString('utf8');
  return {
    file,
    names: run('-tzf', file).toString('utf8').trim().split('\n').sort(),
    manifest: JSON.parse(text('manifest.json')) as OpenedSnapshot['manifest'],
    modes: [file, dirname(file)].map((path) => (statSync(path).mode & 0o777).toString(8)),
    bytes,
    text,
  };
}

/** The snapshots of the cluster of an inventory, oldest first. */
export function snapshotsOf(inventory: string): string[] {
  const directory = join(dirname(inventory), '.pgprov', 'demo', 'snapshots');
  return readdirSync(directory)
    .sort()
    .map((name) => join(directory, basename(name)));
}

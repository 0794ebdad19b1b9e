import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { JOURNAL_SCHEMA, type RunHead, type RunIntent } from './journal-format.js';
import { thisProcess } from './process.js';

/** Journals of older runs are removed when a new one begins. */
const KEPT = 100;

const FILE = /^(\d{8}T\d{6}Z-[0-9a-f]{4})\.jsonl$/u;

/** Where the journals of a cluster's runs lie, in its store. */
export function runsDirectory(store: string): string {
  return join(store, 'runs');
}

/** Ids of the runs that have a journal, oldest first; none when there is no directory. */
export function runIds(store: string): string[] {
  try {
    return readdirSync(runsDirectory(store))
      .flatMap((name) => FILE.exec(name)?.[1] ?? [])
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** A run's journal, by its id. */
export function journalFile(store: string, id: string): string {
  return join(runsDirectory(store), `${id}.jsonl`);
}

/**
 * Writes one run's journal, a line at a time and at once, so that a process that is killed loses nothing it has
 * written. The run matters more: whatever goes wrong here is reported once, and never thrown.
 */
export class Journal {
  readonly id: string;
  readonly #trouble: (reason: string) => void;
  #told = false;
  #handle: number | undefined;
  /** Part of a line may have been written, as when the disk was full. */
  #torn = false;

  /** The caller holds the cluster's lock, so nobody else writes here. */
  constructor(
    store: string,
    intent: RunIntent & { pgprov: string },
    trouble: (reason: string) => void,
    now: () => Date = () => new Date(),
  ) {
    this.#trouble = trouble;
    const at = now();
    this.id = newId(at);
    this.#attempt(() => {
      mkdirSync(runsDirectory(store), { recursive: true, mode: 0o700 });
      chmodSync(runsDirectory(store), 0o700);
      prune(store);
      this.#handle = openSync(journalFile(store, this.id), 'ax', 0o600);
    });
    const { pgprov, ...rest } = intent;
    const head: RunHead = {
      type: 'journal',
      schema: JOURNAL_SCHEMA,
      at: at.toISOString(),
      id: this.id,
      pgprov,
      user: userInfo().username,
      process: thisProcess(),
      ...rest,
    };
    this.write(JSON.stringify(head));
  }

  /** True when it can be read back, at least in part. */
  get kept(): boolean {
    return this.#handle !== undefined && !this.#told;
  }

  /** Adds a line, which must hold no secret and no line feed. */
  write(line: string): void {
    const handle = this.#handle;
    if (handle === undefined) return;
    this.#attempt(() => {
      const bytes = Buffer.from(`${this.#torn ? '\n' : ''}${line}\n`);
      this.#torn = true;
      const written = writeSync(handle, bytes);
      this.#torn = written < bytes.length;
      if (this.#torn) throw new Error('the disk took only part of a line');
    });
  }

  /** Puts everything on disk and lets go of the file. */
  close(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle === undefined) return;
    this.#attempt(() => fsyncSync(handle));
    this.#attempt(() => closeSync(handle));
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (this.#told) return;
      this.#told = true;
      this.#trouble((error as Error).message);
    }
  }
}

/** The time to a millisecond, so that ids sort as their runs came, and a little chance: `20261121T071500Z-3f2a`. */
function newId(at: Date): string {
  const second = at.toISOString().replaceAll(/[-:]|\.\d+/gu, '');
  const millisecond = at.getUTCMilliseconds().toString(16).padStart(3, '0');
  return `${second}-${millisecond}${randomBytes(1).toString('hex').slice(0, 1)}`;
}

/** Leaves room for one more. */
function prune(store: string): void {
  for (const id of runIds(store).slice(0, -(KEPT - 1))) rmSync(journalFile(store, id), { force: true });
}

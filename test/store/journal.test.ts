import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { describe, expect, it, vi } from 'vitest';
import { PgprovError } from '../../src/lib/errors.js';
import type { RunIntent } from '../../src/store/journal-format.js';
import { Journal, journalFile, runIds } from '../../src/store/journal.js';
import { isRunning, thisProcess } from '../../src/store/process.js';
import { findRun, lastRun, readRuns } from '../../src/store/run-record.js';
import { freshDirectory } from '../support/directory.js';

/** How many bytes the disk still takes. */
const disk = vi.hoisted(() => ({ room: Infinity }));

vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  const writeSync = (handle: number, bytes: Buffer): number => {
    if (disk.room <= 0) throw new Error('ENOSPC: no space left on device');
    const written = real.writeSync(handle, bytes.subarray(0, disk.room));
    disk.room -= written;
    return written;
  };
  return { ...real, writeSync };
});

const INTENT: RunIntent & { pgprov: string } = {
  command: 'apply',
  cluster: 'demo',
  aim: { host: ['pg1'] },
  set: ['postgresql.port=5433'],
  inventory: { file: '/srv/inventory.yml', sha256: 'ab' },
  pgprov: '0.1.0',
};

const never = (reason: string): void => {
  throw new Error(reason);
};

const connected = (host: string): string => JSON.stringify({ type: 'connected', at: '2026-11-21T07:15:01.000Z', host, ms: 1 });

describe('Journal', () => {
  const store = freshDirectory();
  const begin = (at = '2026-11-21T07:15:00.842Z', trouble = never): Journal => new Journal(store.path, INTENT, trouble, () => new Date(at));

  it('has an id of its time in milliseconds and a random part', () => {
    expect(begin().id).toMatch(/^20261121T071500Z-34a[0-9a-f]$/u);
  });

  it('sorts ids in the order of their runs', () => {
    const times = ['2026-11-21T07:15:00.009Z', '2026-11-21T07:15:00.010Z', '2026-11-21T07:15:00.999Z', '2026-11-21T07:15:01.000Z'];
    const ids = times.map((at) => begin(at).id);
    expect(runIds(store.path)).toEqual(ids);
    expect(readRuns(store.path).map(({ id }) => id)).toEqual([...ids].reverse());
  });

  it('is readable by its owner only', () => {
    mkdirSync(store.at('runs'), { mode: 0o755 });
    const { id } = begin();
    expect(statSync(store.at('runs')).mode & 0o7777).toBe(0o700);
    expect(statSync(journalFile(store.path, id)).mode & 0o7777).toBe(0o600);
  });

  it('begins with what the run is about to do', () => {
    const { id } = begin();
    expect(JSON.parse(readFileSync(journalFile(store.path, id), 'utf8'))).toMatchObject({
      type: 'journal',
      schema: 1,
      at: '2026-11-21T07:15:00.842Z',
      id,
      process: { pid: process.pid, machine: hostname() },
      ...INTENT,
    });
  });

  it('writes every line to its file at once', () => {
    const journal = begin();
    journal.write(connected('pg1'));
    expect(lastRun(store.path)?.events).toMatchObject([{ type: 'connected', host: 'pg1' }]);
    journal.close();
    journal.write(connected('pg2'));
    expect(lastRun(store.path)?.events).toHaveLength(1);
  });

  it('is read without a torn last line, and without lines that no version knows', () => {
    const journal = begin();
    journal.write(connected('pg1'));
    appendFileSync(journalFile(store.path, journal.id), '[1]\nnonsense\n\n{"type":"connected","at":"2026-11-21T0');
    expect(lastRun(store.path)).toMatchObject({
      head: { id: journal.id },
      events: [{ host: 'pg1' }],
      lines: [expect.any(String), connected('pg1')],
    });
  });

  it('returns errors as errors', () => {
    const journal = begin();
    journal.write(
      '{"type":"failed","at":"2026-11-21T07:15:01.000Z","error":{"kind":"ssh/refused","message":"no","hint":"look","host":"pg2","exitCode":3}}',
    );
    const [event] = lastRun(store.path)?.events ?? [];
    const error = event?.type === 'failed' ? event.error : undefined;
    expect(error).toBeInstanceOf(PgprovError);
    expect(error).toMatchObject({ kind: 'ssh/refused', message: 'no', hint: 'look', host: 'pg2', exitCode: 3 });
  });

  it('keeps the last hundred journals, and foreign files', () => {
    mkdirSync(store.at('runs'));
    for (let day = 100; day < 205; day++) writeFileSync(store.at('runs', `20250101T000000Z-0${day}.jsonl`), '');
    writeFileSync(store.at('runs', 'notes.txt'), '');
    const { id } = begin();
    const ids = runIds(store.path);
    expect(ids).toHaveLength(100);
    expect([ids[0], ids.at(-1)]).toEqual(['20250101T000000Z-0106', id]);
    expect(existsSync(store.at('runs', 'notes.txt'))).toBe(true);
  });

  it('reports once that it cannot be written, and lets the run continue', () => {
    writeFileSync(store.at('runs'), 'in the way');
    const told: string[] = [];
    const journal = begin(undefined, (reason) => told.push(reason));
    journal.write(connected('pg1'));
    journal.write(connected('pg2'));
    journal.close();
    expect(told).toEqual([expect.stringContaining('EEXIST')]);
  });

  it('reports once that the disk is full, and writes again when there is room', () => {
    const told: string[] = [];
    const journal = begin(undefined, (reason) => told.push(reason));
    disk.room = 20;
    for (const host of ['pg1', 'pg2', 'pg3']) journal.write(connected(host));
    disk.room = Infinity;
    journal.write(connected('pg4'));
    journal.close();
    expect(told).toEqual(['the disk took only part of a line']);
    expect(lastRun(store.path)).toMatchObject({ head: { id: journal.id }, events: [{ host: 'pg4' }] });
  });
});

describe('findRun', () => {
  const store = freshDirectory();
  const IDS = ['20261119T071500Z-0001', '20261120T071500Z-0001', '20261120T071500Z-0002'];
  const fill = (): void => {
    mkdirSync(store.at('runs'));
    for (const id of IDS) writeFileSync(journalFile(store.path, id), '');
  };

  it.each([
    { wanted: 'last', id: IDS[2] },
    { wanted: '20261119', id: IDS[0] },
    { wanted: '20261120T071500Z-0001', id: IDS[1] },
  ])('$wanted', ({ wanted, id }) => {
    fill();
    expect(findRun(store.path, wanted, 'inventory.yml')).toMatchObject({ id, head: undefined, events: [], lines: [] });
  });

  it.each([
    {
      wanted: '2025',
      message: 'there is no run "2025"',
      hint: `the newest are ${IDS[2]}, ${IDS[1]}, ${IDS[0]}; \`pgprov runs inventory.yml\` lists all`,
    },
    {
      wanted: '20261120',
      message: 'more than one run begins with "20261120"',
      hint: `the newest are ${IDS[2]}, ${IDS[1]}; \`pgprov runs inventory.yml\` lists all`,
    },
  ])('lists the runs for $wanted', ({ wanted, message, hint }) => {
    fill();
    expect(() => findRun(store.path, wanted, 'inventory.yml')).toThrow(expect.objectContaining({ message, hint, exitCode: 2 }) as Error);
  });

  it('says that there is no run at all', () => {
    expect(() => findRun(store.path, 'last', 'inventory.yml')).toThrow(
      expect.objectContaining({ hint: 'no run of this cluster was recorded yet; `pgprov apply inventory.yml` records one' }) as Error,
    );
    expect(readRuns(store.path)).toEqual([]);
    expect(lastRun(store.path)).toBeUndefined();
  });
});

describe('isRunning', () => {
  it.each([
    { title: 'this process', identity: thisProcess(), runs: true },
    { title: 'one that is gone', identity: { pid: spawnSync('true').pid, machine: hostname() }, runs: false },
    { title: 'a later one with the same number', identity: { ...thisProcess(), ticks: '1' }, runs: false },
    { title: 'one of another machine', identity: { pid: process.pid, machine: 'elsewhere' }, runs: undefined },
  ])('$title: $runs', ({ identity, runs }) => {
    expect(isRunning(identity)).toBe(runs);
  });
});

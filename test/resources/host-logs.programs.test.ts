import { spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { journalOf, logFilesOf, readJournalEntry, readZone } from '../../src/resources/host-logs.js';
import { StreamReader, streamScript } from '../../src/shell/stream.js';
import type { Script } from '../../src/shell/quote.js';
import { freshDirectory } from '../support/directory.js';
import { feed, HOST_SHELLS, inEveryShell, type Shell } from '../support/shells.js';

const work = freshDirectory();
const ALL = { since: 0, lines: 100, follow: false };

/** The lines that a script prints, without those of time zones. */
async function linesOf(shell: Shell, script: Script): Promise<string[]> {
  const { text, nonce } = streamScript(script);
  const lines: string[] = [];
  const reader = new StreamReader(nonce, (line) => lines.push(line.toString('utf8')));
  reader.push((await feed(shell, text)).out);
  expect(reader.complete).toBe(true);
  return lines.filter((line) => readZone(line) === undefined);
}

/** A script that runs until its input ends, with the lines that it has printed so far. */
function following(shell: Shell, script: Script): { lines: string[]; end(): Promise<void>; children(): string[] } {
  const { text, nonce } = streamScript(script);
  const child = spawn(shell, [], { stdio: ['pipe', 'pipe', 'ignore'] });
  const lines: string[] = [];
  const reader = new StreamReader(nonce, (line) => {
    if (readZone(line.toString('utf8')) === undefined) lines.push(line.toString('utf8'));
  });
  child.stdout.on('data', (chunk: Buffer) => reader.push(chunk));
  child.stdin.write(text);
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const children = (): string[] => descendants(String(child.pid));
  return {
    lines,
    children,
    end: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

function descendants(pid: string): string[] {
  try {
    const below = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return below === '' ? [] : below.split(' ').flatMap((child) => [child, ...descendants(child)]);
  } catch {
    return [];
  }
}

function isAlive(pid: string): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

function logDirectory(name: string, notes: string): { data: string; log: string } {
  const [data, log] = [work.at(name), work.at(name, 'log')];
  mkdirSync(log, { recursive: true });
  writeFileSync(`${data}/current_logfiles`, notes);
  return { data, log };
}

describe('the journal of units', () => {
  it('is requested by units and time, and has one entry per line', () => {
    expect(journalOf(['patroni', 'postgresql@17-main'], { since: 1_700_000_000.7, lines: 50, follow: false }).text).toMatchInlineSnapshot(
      `"journalctl --quiet --no-pager --all '--output=json' '--output-fields=MESSAGE,UNIT,_SYSTEMD_UNIT,_COMM' '--since=@1700000000' '--lines=50' '--unit=patroni.service' '--unit=postgresql@17-main.service' 2>/dev/null"`,
    );
  });

  it.each([
    ['a text', { MESSAGE: 'no action', _SYSTEMD_UNIT: 'patroni.service', _COMM: 'patroni' }, ['patroni', 'patroni', 'no action']],
    ['what systemd says of a unit', { MESSAGE: 'Stopped', UNIT: 'etcd.service', _SYSTEMD_UNIT: 'init.scope' }, ['etcd', '', 'Stopped']],
    ['bytes', { MESSAGE: [104, 105, 255], _SYSTEMD_UNIT: 'patroni.service' }, ['patroni', '', 'hi\ufffd']],
    ['a field with two values', { MESSAGE: 'x', _SYSTEMD_UNIT: ['etcd.service', 'other'] }, ['etcd', '', 'x']],
  ])('has %s', (_what, fields, [unit, program, text]) => {
    expect(readJournalEntry(JSON.stringify({ __REALTIME_TIMESTAMP: '1700000000000001', ...fields }))).toEqual({
      at: 1_700_000_000_000_001,
      unit,
      program,
      text,
    });
  });

  it.each(['-- No entries --', '{"MESSAGE":"torn', '{}'])('does not have %s', (line) => expect(readJournalEntry(line)).toBeUndefined());
});

describe("PostgreSQL's own log files", () => {
  it('come with the time zones of the host, of which the last is in force', async () => {
    const { out } = await feed('dash', streamScript(logFilesOf({ data: work.at('none') }, ALL)).text, { env: { TZ: 'Asia/Kolkata' } });
    const zones = out
      .toString('utf8')
      .split('\n')
      .flatMap((line) => readZone(line) ?? []);
    expect(zones.at(-1)).toEqual({ name: 'IST', minutes: 330 });
  });

  inEveryShell(HOST_SHELLS, (shell) => {
    it('are those of the collector, text rather than CSV, the oldest first', async () => {
      const { data, log } = logDirectory('collector', 'csvlog log/b.csv\nstderr log/b with blank.log\n');
      for (const [name, at] of [
        ['a.log', 1_000_000_100],
        ['b with blank.log', 1_000_000_200],
        ['old.log', 1000],
        ['b.csv', 1_000_000_200],
      ] as const) {
        writeFileSync(`${log}/${name}`, `1 of ${name}\n2 of ${name}\n`);
        utimesSync(`${log}/${name}`, at, at);
      }
      const range = { ...ALL, since: 1_000_000_000 };
      expect(await linesOf(shell, logFilesOf({ data }, range))).toEqual([
        '1 of a.log',
        '2 of a.log',
        '1 of b with blank.log',
        '2 of b with blank.log',
      ]);
      expect(await linesOf(shell, logFilesOf({ data }, { ...range, lines: 3 }))).toEqual([
        '2 of a.log',
        '1 of b with blank.log',
        '2 of b with blank.log',
      ]);
    });

    it('are the one that the platform’s tools name when there is no collector, and none when there is no file', async () => {
      writeFileSync(work.at('postgresql-17-main.log'), 'mine\n');
      writeFileSync(work.at('postgresql-17-other.log'), "another's\n");
      const place = { data: work.at('none'), file: work.at('postgresql-17-main.log') };
      expect(await linesOf(shell, logFilesOf(place, ALL))).toEqual(['mine']);
      expect(await linesOf(shell, logFilesOf({ ...place, file: work.at('gone') }, ALL))).toEqual([]);
      expect(await linesOf(shell, logFilesOf({ data: work.at('none') }, ALL))).toEqual([]);
    });

    it('are followed into the next file, and leave no process behind when the input ends', async () => {
      const { data, log } = logDirectory('followed', 'stderr log/a.log\n');
      writeFileSync(`${log}/earlier.log`, 'earlier\n');
      utimesSync(`${log}/earlier.log`, 1_000_000_000, 1_000_000_000);
      writeFileSync(`${log}/a.log`, 'first\n');
      const { lines, end, children } = following(shell, logFilesOf({ data }, { ...ALL, follow: true }));
      await expect.poll(() => lines, { timeout: 20_000 }).toEqual(['earlier', 'first']);
      appendFileSync(`${log}/a.log`, 'second\n');
      await expect.poll(() => lines.at(-1), { timeout: 20_000 }).toBe('second');
      writeFileSync(`${log}/b.log`, 'third\n');
      writeFileSync(`${data}/new`, 'stderr log/b.log\n');
      renameSync(`${data}/new`, `${data}/current_logfiles`);
      await expect.poll(() => lines, { timeout: 20_000 }).toEqual(['earlier', 'first', 'second', 'third']);
      const started = children();
      expect(started.length).toBeGreaterThan(2);
      await end();
      // What only sleeps ends with its sleep.
      await expect
        .poll(() => started.filter((pid) => isAlive(pid) && !readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('sleep')), {
          timeout: 20_000,
        })
        .toEqual([]);
    });
  });
});

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { userInfo } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { COMMITTED, writeProbe } from '../../src/resources/write-probe.js';
import { frameScript, FrameParser } from '../../src/shell/frame.js';
import { patience } from '../support/patience.js';
import { asPostgres, postgresBinaries, startServer, type RunningServer } from '../support/postgres.js';
import { inEveryShell, isThere } from '../support/shells.js';

const binaries = postgresBinaries();
const ready = binaries !== undefined && userInfo().uid === 0 && isThere('runuser');

describe.skipIf(!ready)(ready ? 'the write probe' : 'the write probe (skipped: no PostgreSQL on this machine, or not root)', () => {
  let server: RunningServer;
  const running: ChildProcess[] = [];

  beforeAll(() => {
    server = startServer(binaries as string);
  });
  afterEach(async () => {
    for (const child of running.splice(0)) child.stdin?.destroy();
    server.query('ALTER SYSTEM RESET synchronous_standby_names');
    server.query('SELECT pg_reload_conf()');
    await expect.poll(sessions, { timeout: patience(10_000) }).toEqual([]);
  });
  afterAll(() => server?.stop());

  const ctl = (...words: string[]): void => {
    const { program, words: all } = asPostgres(join(binaries as string, 'pg_ctl'), '-D', server.data, '-w', ...words);
    execFileSync(program, all, { stdio: 'ignore', cwd: '/' });
  };
  const sessions = (): string[] => server.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'pgprov write probe'");

  inEveryShell(['dash', 'bash'], (shell) => {
    /** Starts it as a connection does, with its input open. */
    const start = (): { child: ChildProcess; commits: () => number; ended: Promise<number | null> } => {
      const home = dirname(server.data);
      const probe = writeProbe({ binDirectory: binaries as string, socketDirectory: home, port: 5432, user: 'postgres', home });
      const { text, nonce } = frameScript([], { afterwards: probe });
      let commits = 0;
      const parser = new FrameParser(nonce, { note: (said) => (commits += said === COMMITTED ? 1 : 0) });
      const child = spawn(shell, [], { stdio: ['pipe', 'pipe', 'ignore'], cwd: '/' });
      running.push(child);
      child.stdout?.on('data', (chunk: Buffer) => parser.push(chunk));
      child.stdin?.write(text);
      return { child, commits: () => commits, ended: new Promise((resolve) => child.on('close', resolve)) };
    };
    const more = (commits: () => number, than = commits()): Promise<void> =>
      expect.poll(commits, { timeout: patience(10_000), interval: 20 }).toBeGreaterThan(than + 2);
    /** How many there are when what was said before has been read, too. */
    const settled = async (commits: () => number): Promise<number> => {
      let last: number;
      do {
        last = commits();
        await setTimeout(200);
      } while (commits() !== last);
      return last;
    };
    const nothingLeft = (): Promise<void> => expect.poll(sessions, { timeout: patience(10_000) }).toEqual([]);

    it('makes commits that need a flush and leave no trace, until its input ends', async () => {
      const before = server.query('SELECT pg_current_wal_flush_lsn()');
      const { child, commits, ended } = start();
      await more(commits);
      expect(sessions()).toHaveLength(1);
      expect(server.query('SELECT pg_current_wal_flush_lsn()')).not.toEqual(before);
      child.stdin?.end();
      expect(await ended).toBe(0);
      await nothingLeft();
    });

    it('ends with its reader, for example when pgprov is killed', async () => {
      const { child, commits } = start();
      await more(commits);
      child.stdin?.destroy();
      child.stdout?.destroy();
      await nothingLeft();
    });

    it('leaves nothing behind when a commit hangs, for example without a synchronous standby', async () => {
      const { child, commits } = start();
      await more(commits);
      server.query("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
      server.query('SELECT pg_reload_conf()');
      await expect
        .poll(() => server.query("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"), { timeout: patience(10_000) })
        .toEqual(['1']);
      const stopped = await settled(commits);
      child.stdin?.end();
      await expect
        .poll(
          () =>
            execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
              .split('\n')
              .filter((line) => line.includes(`-h ${dirname(server.data)} `)),
          {
            timeout: patience(10_000),
          },
        )
        .toEqual([]);
      expect(commits()).toBe(stopped);
    });

    it('continues after a restart, and prints nothing on a standby until that is promoted', async () => {
      const { child, commits, ended } = start();
      await more(commits);
      writeFileSync(join(server.data, 'standby.signal'), '');
      ctl('-m', 'fast', 'restart');
      await expect.poll(() => sessions().length, { timeout: patience(10_000) }).toBe(1);
      const [stopped, session] = [commits(), sessions()];
      expect(server.query('SELECT pg_is_in_recovery(), pg_promote()')).toEqual(['t|t']);
      await more(commits, stopped);
      expect(sessions()).toEqual(session);
      child.stdin?.end();
      expect(await ended).toBe(0);
      await nothingLeft();
    });
  });
});

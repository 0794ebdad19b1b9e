import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { memberProgress } from '../../src/resources/member-progress.js';
import { joinScripts, sh } from '../../src/shell/quote.js';
import { freshDirectory } from '../support/directory.js';
import { patience } from '../support/patience.js';
import { runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

describe('how far a member is', () => {
  const work = freshDirectory();
  const started: ChildProcess[] = [];
  afterEach(() => started.splice(0).forEach((child) => child.kill('SIGKILL')));

  const fill = (name: string, mebibytes: number): void => writeFileSync(work.at('data', name), Buffer.alloc(mebibytes * 1_048_576, 1));

  inEveryShell(HOST_SHELLS, (shell) => {
    const look = async (before: string, whole?: number): Promise<string[]> => {
      const given = sh`before=${before}
waited=6
looked=3`;
      const { answers } = await runSections(shell, [
        { id: 'look', mode: 'probe', body: joinScripts([given, memberProgress(work.at('data'), whole)]) },
      ]);
      return answers.get('look')?.out.toString().split('\n') ?? [];
    };

    it('shows the bytes of a base backup and how fast they come', async () => {
      expect((await look('')).slice(0, 2)).toEqual(['0  ', '']);
      mkdirSync(work.at('data'));
      fill('a', 3);
      const [first = '', words] = await look('0  ');
      expect(words).toBe('3 MiB copied');
      fill('b', 6);
      const [second, more] = await look(first);
      expect(second).not.toBe(first);
      expect(more).toBe('9 MiB copied, 2 MiB/s');
      expect((await look(first, 20 * 1_048_576 - 1))[1]).toBe('9 of about 20 MiB copied, 2 MiB/s');
    });

    it('shows the program that works on it when all bytes are there', { timeout: patience(20_000) }, async () => {
      mkdirSync(work.at('data', 'global'), { recursive: true });
      fill('global/pg_control', 1);
      expect(await look('')).toEqual(['0  ', '']);
      const program = work.at('pg_basebackup');
      writeFileSync(program, '#!/bin/sh\nwhile :; do :; done\n');
      chmodSync(program, 0o755);
      started.push(spawn(program, [`--pgdata=${work.at('data')}`]));
      const seen = new Set<string>();
      while (seen.size < 2) {
        const [first = '', words] = await look('');
        if (words === 'pg_basebackup is at work') seen.add(first);
        await sleep(50);
      }
      expect(seen.size).toBe(2);
    });

    it('shows the WAL file that its server replays', { timeout: patience(20_000) }, async () => {
      mkdirSync(work.at('data', 'global'), { recursive: true });
      fill('global/pg_control', 1);
      const replaying = 'bash -c "exec -a \'postgres: startup recovering 000000030000000000000007\' sleep infinity" & wait';
      const server = spawn('bash', ['-c', replaying], { cwd: work.at('data'), detached: true });
      started.push(server);
      writeFileSync(work.at('data', 'postmaster.pid'), `${server.pid}\n`);
      try {
        expect(readlinkSync(`/proc/${server.pid}/cwd`)).toBe(join(work.path, 'data'));
        let words: string | undefined;
        while (words !== 'replaying WAL file 000000030000000000000007') {
          [, words] = await look('');
          await sleep(50);
        }
      } finally {
        process.kill(-(server.pid ?? 0), 'SIGKILL');
      }
    });
  });
});

import { afterAll, describe, expect, it } from 'vitest';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { committed, UNENDING_COMMITS } from '../../src/resources/commits-end.js';
import { psqlInput, type LocalServer } from '../../src/resources/psql.js';
import { asPostgres, POSTGRES_USER, postgresBinaries, startServer, type RunningServer } from '../support/postgres.js';

const binaries = postgresBinaries();

describe.skipIf(binaries === undefined)(
  binaries === undefined ? 'commitsEnd (skipped: no PostgreSQL on this machine)' : 'commitsEnd',
  () => {
    const servers: RunningServer[] = [];
    afterAll(() => {
      for (const server of servers) server.stop();
    });

    it('finds that commits would wait for standbys that are not there, and not where nothing waits', () => {
      const server = startServer(binaries ?? '');
      servers.push(server);
      const waits = (names: string): string[] =>
        server
          .query(
            `SET synchronous_commit = on; ${UNENDING_COMMITS.replace("current_setting('synchronous_standby_names')", `'${names}'::text`)}`,
          )
          .filter((line) => line !== 'SET');
      for (const names of ['gone', 'FIRST 1 (pg2, "pg-3")', 'any 2 (pg2, pg3)', '2 (*)', '*'])
        expect(waits(names)).toEqual([`@waits ${names}`]);
      for (const names of ['', ' ', 'ANY 0 (pg2)']) expect(waits(names)).toEqual([]);
      expect(server.query(UNENDING_COMMITS)).toEqual([]);
    });

    it.skipIf(userInfo().uid !== 0)(
      'ends the wait for a standby that stops confirming, and says so, and lets through what is confirmed',
      async () => {
        const server = startServer(binaries ?? '', { synchronous_standby_names: '*', synchronous_commit: 'local' });
        servers.push(server);
        const directory = join(server.socket, 'wal');
        mkdirSync(directory);
        chmodSync(directory, 0o777);
        const { program, words } = asPostgres(
          join(binaries ?? '', 'pg_receivewal'),
          '-h',
          server.socket,
          '-D',
          directory,
          '--synchronous',
          '--no-loop',
        );
        // As a standby confirms: it says what it has flushed.
        const standby: ChildProcess = spawn(program, words, { stdio: 'ignore', cwd: '/', detached: true });
        try {
          const synchronous = (): string[] => server.query('SELECT pid FROM pg_stat_replication WHERE sync_state = $$sync$$');
          await expect.poll(synchronous, { timeout: 20_000 }).toHaveLength(1);
          const local: LocalServer = {
            binDirectory: binaries ?? '',
            socketDirectory: server.socket,
            port: 5432,
            user: POSTGRES_USER,
            home: '/',
            superuser: 'postgres',
          };
          const commit = async (table: string): Promise<{ code: number; said: string }> => {
            const statements = psqlInput(local, `SET synchronous_commit = on; CREATE TABLE ${table} (i int);`);
            const run = promisify(execFile)('sh', ['-c', `set -eu\n${committed(local, statements, 1).text}`], { cwd: '/' });
            return run.then(
              ({ stdout }) => ({ code: 0, said: stdout }),
              ({ code, stdout }: { code: number; stdout: string }) => ({ code, said: stdout }),
            );
          };
          expect(await commit('confirmed')).toEqual({ code: 0, said: '' });
          process.kill(-(standby.pid ?? 0), 'SIGSTOP');
          expect(await commit('unconfirmed')).toEqual({ code: 1, said: expect.stringContaining('do not confirm') });
          expect(server.query("SELECT to_regclass('unconfirmed') IS NOT NULL")).toEqual(['t']);
        } finally {
          process.kill(-(standby.pid ?? 0), 'SIGKILL');
        }
      },
    );
  },
);

import { chmodSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { elsewhere, findRows, psql, socketOptions, sqlQuestion, type LocalServer } from '../../src/resources/psql.js';
import { freshDirectory } from '../support/directory.js';
import { patience } from '../support/patience.js';
import { postgresBinaries, POSTGRES_USER, startServer, type RunningServer } from '../support/postgres.js';
import { feed, HOST_SHELLS, inEveryShell } from '../support/shells.js';

const SERVER: LocalServer = { binDirectory: '/bin17', socketDirectory: '/run/pg', port: 5433, user: 'postgres', home: '/home' };

describe('psql on the socket', () => {
  it('works as the server’s owner, or as a superuser of another name', () => {
    expect(socketOptions(SERVER)).toEqual(['-h', '/run/pg', '-p', 5433]);
    expect(socketOptions({ ...SERVER, superuser: 'dbadmin' })).toEqual(['-h', '/run/pg', '-p', 5433, '-U', 'dbadmin']);
    expect(psql({ ...SERVER, superuser: 'dbadmin' }, []).text).toContain('-h /run/pg -p 5433 -U dbadmin -d postgres');
  });
});

const binaries = postgresBinaries();
const canRun = binaries !== undefined && POSTGRES_USER === 'postgres';

describe.skipIf(!canRun)(`questions to a server${canRun ? '' : ' (skipped: no PostgreSQL here, or not root)'}`, () => {
  let running: RunningServer;
  const work = freshDirectory();

  beforeAll(() => {
    running = startServer(binaries ?? '');
    running.query('CREATE ROLE dbadmin SUPERUSER LOGIN');
  }, patience(60_000));

  afterAll(() => running?.stop(), patience(60_000));

  inEveryShell(HOST_SHELLS, (shell) => {
    // A superuser's name that was changed in the inventory is found out by asking the server.
    it.each([
      { superuser: undefined, answers: ['postgres'] },
      { superuser: 'dbadmin', answers: ['dbadmin'] },
      { superuser: 'nobody_here', answers: ['postgres'] },
    ])('are answered whoever is asked for: $superuser', async ({ superuser, answers }) => {
      const server = { ...SERVER, binDirectory: binaries ?? '', socketDirectory: running.socket, port: 5432, home: '/' };
      const query = 'SELECT current_user';
      const question = sqlQuestion(superuser === undefined ? server : { ...server, superuser }, query);
      const { code, out } = await feed(shell, question.ask(question.subjects).text, { env: process.env, cwd: '/' });
      expect([code, findRows(out.toString('utf8'), query)]).toEqual([0, answers]);
    });

    it('are put to another server as well, unless that takes the connection and says nothing', async () => {
      const silent = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => silent.once('listening', resolve));
      // So that psql ends by itself, and not because its time is over.
      writeFileSync(work.at('timeout'), '#!/bin/sh\nshift 3\nexec "$@"\n');
      chmodSync(work.at('timeout'), 0o755);
      const env = { ...process.env, PATH: `${work.path}:${process.env['PATH']}` };
      const server = { ...SERVER, binDirectory: binaries ?? '', socketDirectory: running.socket, port: 5432, home: '/' };
      const own = 'SELECT 6 * 7';
      const rows = async (host: string, port: number): Promise<unknown> => {
        const parameters = { host, port, dbname: 'replication', replication: 'true', user: 'postgres' };
        const query = elsewhere({ binDirectory: server.binDirectory, parameters, within: 1 }, 'IDENTIFY_SYSTEM');
        const question = sqlQuestion(server, query, own);
        const { code, out } = await feed(shell, question.ask(question.subjects).text, { env, cwd: '/' });
        return [code, findRows(out.toString('utf8'), own), findRows(out.toString('utf8'), query)?.length];
      };
      expect(await rows(running.socket, 5432)).toEqual([0, ['42'], 1]);
      expect(await rows('127.0.0.1', (silent.address() as AddressInfo).port)).toEqual([0, ['42'], 0]);
      silent.close();
    });
  });
});

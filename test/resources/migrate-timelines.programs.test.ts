import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { timelineNoted } from '../../src/resources/migrate/copy.js';
import { migrationSeen, type MigrationTarget } from '../../src/resources/migrate/seen.js';
import type { Script } from '../../src/shell/quote.js';
import { patience } from '../support/patience.js';
import { asPostgres, postgresBinaries, startServer, type RunningServer } from '../support/postgres.js';

const binaries = postgresBinaries();

/** Servers of this machine that stream one from another, and take over. */
describe.runIf(binaries !== undefined && userInfo().uid === 0)('whether a server that took over has all that the former one had', () => {
  const programs = binaries ?? '';
  const running: RunningServer[] = [];

  const standbyOf = (primary: RunningServer): RunningServer => {
    const standby = startServer(programs, {}, (data) => {
      const { program, words } = asPostgres(
        join(programs, 'pg_basebackup'),
        '-h',
        primary.socket,
        '-D',
        data,
        '-R',
        '-c',
        'fast',
        '--no-sync',
      );
      execFileSync(program, words, { stdio: 'ignore', cwd: '/' });
    });
    running.push(standby);
    return standby;
  };
  const ended = ({ data }: RunningServer, mode: 'fast' | 'immediate'): void => {
    const { program, words } = asPostgres(join(programs, 'pg_ctl'), '-D', data, '-w', '-m', mode, 'stop');
    execFileSync(program, words, { stdio: 'ignore', cwd: '/' });
  };
  const migrating = ({ socket }: RunningServer): Parameters<typeof timelineNoted>[0] => ({
    server: { binDirectory: programs, socketDirectory: socket, port: 5432, user: 'postgres', home: '/' },
    source: { servers: [{ address: socket, port: 5432 }], user: 'postgres', password: new Secret('p'), authority: undefined, own: [] },
    name: 'pgprov_migrate_t',
  });
  const run = (script: Script): { status: number | null; out: Buffer } => {
    const { status, stdout } = spawnSync('/bin/sh', ['-c', `note() { :; }\n(\n${script.text}\n)`]);
    return { status, out: stdout };
  };
  const look = (server: RunningServer): MigrationTarget | undefined => {
    const { server: local, source } = migrating(server);
    const observation = migrationSeen(local, source, server.data);
    const { status, out } = run(observation.probe());
    return observation.parse({ status: status ?? 1, out }).target;
  };

  let first: RunningServer;
  let second: RunningServer;

  beforeAll(() => {
    first = startServer(programs);
    running.push(first);
    first.query('CREATE DATABASE shop');
    first.query("ALTER DATABASE shop SET pgprov.migration = 't 1 copying demo 1 1'");
  });

  afterAll(() => {
    for (const server of running) spawnSync('rm', ['-rf', server.socket]);
  });

  it('is not asked while nobody has taken over', () => expect(look(first)).toMatchObject({ timeline: 1, synchronous: false, ended: [] }));

  it('is shown by the WAL where that one has stopped in order', { timeout: patience(60_000) }, async () => {
    second = standbyOf(first);
    await expect.poll(() => first.query('SELECT state FROM pg_stat_replication'), { timeout: patience(20_000) }).toEqual(['streaming']);
    first.query("SELECT pg_logical_emit_message(true, 'last', 'write')");
    ended(first, 'fast');
    second.query('SELECT pg_promote()');
    expect(look(second)).toMatchObject({ timeline: 2, ended: [{ timeline: 1, inOrder: true }] });
  });

  it('is not shown where that one was lost', { timeout: patience(60_000) }, async () => {
    const third = standbyOf(second);
    await expect.poll(() => second.query('SELECT state FROM pg_stat_replication'), { timeout: patience(20_000) }).toEqual(['streaming']);
    ended(second, 'immediate');
    third.query('SELECT pg_promote()');
    expect(look(third)).toMatchObject({
      timeline: 3,
      ended: [
        { timeline: 1, inOrder: expect.any(Boolean) },
        { timeline: 2, inOrder: false },
      ],
    });
    const noted = timelineNoted(migrating(third), [{ datname: 'shop', mark: 't 1 copying demo 1 3' }]);
    expect(run(noted.probe()).status).not.toBe(0);
    expect(run(noted.apply([], undefined)).status).toBe(0);
    expect(run(noted.probe()).status).toBe(0);
    expect(look(third)?.databases.find(({ datname }) => datname === 'shop')?.mark).toBe('t 1 copying demo 1 3');
    ended(third, 'immediate');
  });
});

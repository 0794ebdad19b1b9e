import { execFileSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RECEIVER_STATE } from '../../src/postgres/wal-receiver.js';
import { workplaces } from '../support/directory.js';
import { patience } from '../support/patience.js';
import { asPostgres, postgresBinaries, startServer, type RunningServer } from '../support/postgres.js';

const binaries = postgresBinaries();

describe.skipIf(binaries === undefined)('the status of a WAL receiver', () => {
  const workplace = workplaces();
  const servers: RunningServer[] = [];
  let relay: Server;
  /** Passes on what the standby asks for. */
  let release: () => void = () => undefined;
  /** The standby has asked to stream, and its primary does not know yet. */
  let asked = false;

  beforeAll(() => {
    const primary = startServer(binaries ?? '', { wal_level: 'replica' });
    servers.push(primary);
    const directory = workplace();
    const path = join(directory, '.s.PGSQL.5432');
    relay = createServer((client) => {
      const upstream = createConnection(join(primary.socket, '.s.PGSQL.5432'));
      upstream.pipe(client);
      client.on('data', (chunk: Buffer) => {
        const pass = (): boolean => upstream.write(chunk);
        if (!chunk.includes('START_REPLICATION')) return void pass();
        asked = true;
        release = pass;
      });
      for (const socket of [client, upstream]) socket.on('error', () => [client, upstream].map((each) => each.destroy()));
    }).listen(path, () => chmodSync(path, 0o777));
    chmodSync(directory, 0o755);
    const standby = startServer(binaries ?? '', { primary_conninfo: `host=${directory}` }, (data) => {
      const { program, words } = asPostgres(join(binaries ?? '', 'pg_basebackup'), '-R', '-c', 'fast', '-h', primary.socket, '-D', data);
      execFileSync(program, words, { stdio: 'ignore', cwd: '/' });
    });
    servers.push(standby);
  }, patience(60_000));

  afterAll(() => {
    relay?.close();
    for (const server of servers.reverse()) server.stop();
  });

  it('is streaming only once the primary has sent something', async () => {
    const [, standby] = servers as [RunningServer, RunningServer];
    const status = (): string[] => standby.query(RECEIVER_STATE);
    await expect.poll(() => asked, { timeout: patience(10_000) }).toBe(true);
    await expect.poll(status, { timeout: patience(10_000) }).toEqual(['connected, and nothing received yet']);
    // Until version 18 the server itself says so by now.
    expect(standby.query('SELECT status FROM pg_stat_wal_receiver')).toEqual([expect.stringMatching(/^(?:streaming|connecting)$/u)]);
    release();
    await expect.poll(status, { timeout: patience(10_000) }).toEqual(['streaming']);
  });

  it('is absent on a server that is no standby', () => {
    expect(servers[0]?.query(RECEIVER_STATE)).toEqual(['not streaming yet']);
  });
});

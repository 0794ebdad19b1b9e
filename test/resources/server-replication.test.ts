import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findRows } from '../../src/resources/psql.js';
import { serverReplication, type ServerReplication } from '../../src/resources/server-replication.js';
import type { Observation } from '../../src/resources/resource.js';
import { patience } from '../support/patience.js';
import { asPostgres, postgresBinaries, startServer, type RunningServer } from '../support/postgres.js';

const local = { binDirectory: '/bin17', socketDirectory: '/run/pg', port: 5432, user: 'postgres', home: '/' };
const first = serverReplication(local);
const asked = first.thorough as Observation<ServerReplication | undefined>;
const [query = ''] = asked.sharedQuestions?.[0]?.subjects ?? [];
const mark = asked.sharedQuestions?.[0]?.ask([query]).text.match(/@pgprov-[0-9a-f]+/u)?.[0] ?? '';

/** What the observation makes of rows that a server answered. */
function seen(...rows: readonly (string | object)[]): ServerReplication | undefined {
  const lines = rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row)));
  const text = [mark, ...lines].join('\n');
  expect(findRows(text, query)).toEqual(lines);
  return asked.parse({ status: 0, out: Buffer.from(text) });
}

describe('serverReplication', () => {
  it('asks nothing when the question is not thorough', () => {
    expect(first.sharedQuestions).toBeUndefined();
    expect([first.id, first.when, first.parse({ status: 0, out: Buffer.from('') })]).toEqual([asked.id, 'startAndEnd', undefined]);
  });

  it('is unknown while the server is down', () => expect(seen()).toBeUndefined());

  it('reads what a primary sends and keeps', () => {
    const rows = [
      { kind: 'server', standby: false, behind: null, limit: 1073741824, usual: 1073741824 },
      {
        kind: 'sender',
        name: 'pg2',
        address: '10.0.0.2',
        state: 'streaming',
        sync: 'async',
        unsent: 0,
        unreplayed: 4096,
        write: 0.00012,
        flush: 0.5,
        replay: null,
      },
      {
        kind: 'slot',
        row: {
          slot_name: 'old',
          slot_type: 'physical',
          database: null,
          active: false,
          temporary: false,
          wal_status: 'extended',
          safe_wal_size: 5,
        },
        held: 268435456,
      },
      { kind: 'slot', row: { slot_name: 'gone', slot_type: 'logical', database: 'app', active: false, wal_status: 'lost' }, held: null },
    ];
    expect(seen(...rows)).toEqual({
      standby: false,
      sends: [
        {
          name: 'pg2',
          address: '10.0.0.2',
          state: 'streaming',
          sync: 'async',
          sentLagBytes: 0,
          replayLagBytes: 4096,
          writeLagSeconds: 0.00012,
          flushLagSeconds: 0.5,
        },
      ],
      slots: [
        { name: 'old', type: 'physical', active: false, temporary: false, wal: 'extended', heldBytes: 268435456, safeBytes: 5 },
        { name: 'gone', type: 'logical', database: 'app', active: false, temporary: false, wal: 'lost' },
      ],
      slotLimitBytes: 1073741824,
      usualWalBytes: 1073741824,
    });
  });

  it('reads what a standby receives', () => {
    const row = { status: 'streaming', received_tli: 3, sender_host: 'fd00::1', sender_port: 5432, slot_name: 'pg2' };
    expect(seen({ kind: 'server', standby: true, behind: 12.5, limit: -1048576, usual: 1 }, { kind: 'receiver', row, said: -0.2 })).toEqual(
      {
        standby: true,
        behindSeconds: 12.5,
        receives: { status: 'streaming', timeline: 3, from: '[fd00::1]:5432', slot: 'pg2', lastMessageSeconds: 0 },
        sends: [],
        slots: [],
        usualWalBytes: 1,
      },
    );
  });
});

const binaries = postgresBinaries();

describe.skipIf(binaries === undefined)('serverReplication, compared with a real server', () => {
  let server: RunningServer | undefined;
  const running = (): RunningServer => server as RunningServer;
  beforeAll(() => {
    server = startServer(binaries as string, { wal_level: 'logical', max_slot_wal_keep_size: '64MB', max_wal_size: '96MB' });
  });
  afterAll(() => server?.stop());

  it('has an answer with what its slots hold', () => {
    running().query(`SELECT pg_create_physical_replication_slot('old', true)`);
    running().query(`SELECT pg_create_physical_replication_slot('idle')`);
    running().query(`SELECT pg_create_logical_replication_slot('rows', 'test_decoding')`);
    running().query('SELECT pg_switch_wal()');
    running().query('CREATE TABLE rows AS SELECT generate_series(1, 1000) AS n');
    const found = seen(...running().query(query));
    expect(found).toMatchObject({ standby: false, sends: [], slotLimitBytes: 64 * 1024 ** 2, usualWalBytes: 96 * 1024 ** 2 });
    expect(found).not.toHaveProperty('behindSeconds');
    expect(found).not.toHaveProperty('receives');
    const slot = (name: string): object | undefined => found?.slots.find((one) => one.name === name);
    expect(slot('old')).toMatchObject({ type: 'physical', active: false, temporary: false, wal: 'reserved' });
    expect(Object.entries(slot('old') ?? {}).find(([field]) => field === 'heldBytes')?.[1]).toBeGreaterThan(1024 ** 2);
    expect(slot('old')).toHaveProperty('safeBytes');
    expect(slot('idle')).not.toHaveProperty('heldBytes');
    expect(slot('rows')).toMatchObject({ type: 'logical', database: 'postgres' });
  });

  it('has no place for a login over the replication protocol that was sent nothing', async () => {
    const { program, words } = asPostgres(join(binaries as string, 'psql'), '-XAtqw', '-d', `host=${running().socket} replication=true`);
    const login = spawn(program, words, { stdio: ['pipe', 'ignore', 'ignore'], cwd: '/' });
    try {
      await expect.poll(() => running().query('SELECT state FROM pg_stat_replication'), { timeout: patience(10_000) }).toEqual(['startup']);
      expect(seen(...running().query(query))?.sends).toEqual([]);
    } finally {
      login.stdin.end();
      await once(login, 'exit');
    }
  });
});

import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { ACCOUNT_PASSWORDS, accountPasswords } from '../../src/resources/account-passwords.js';
import { dataAccess } from '../../src/resources/data-access.js';
import { findRows } from '../../src/resources/psql.js';
import type { Observation } from '../../src/resources/resource.js';
import { serverHealth } from '../../src/resources/server-health.js';
import { timelineBegin } from '../../src/resources/timeline-begin.js';
import { freshDirectory } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { postgresBinaries, startServer, type RunningServer } from '../support/postgres.js';
import { observe, rewritten } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const LOCAL = { binDirectory: '/bin17', socketDirectory: '/run/pg', port: 5432, user: 'postgres', home: '/' };

/** The one query of an observation, and what it makes of rows that a server answered. */
function asked<State>(observation: Observation<State>): { query: string; seen: (rows: readonly string[]) => State } {
  const [question] = observation.sharedQuestions ?? [];
  const query = question?.subjects[0] ?? '';
  const mark = question?.ask([query]).text.match(/@pgprov-[0-9a-f]+/u)?.[0] ?? '';
  return {
    query,
    seen: (rows) => {
      const text = [mark, ...rows].join('\n');
      expect(findRows(text, query)).toEqual(rows);
      return observation.parse({ status: 0, out: Buffer.from(text) });
    },
  };
}

/** What PostgreSQL keeps of a password; source: RFC 5803, in PostgreSQL's spelling. */
function verifierOf(password: string): string {
  const salted = pbkdf2Sync(password, 'salt of a test..', 4096, 32, 'sha256');
  const hmac = (words: string): Buffer => createHmac('sha256', salted).update(words).digest();
  const stored = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$4096:${Buffer.from('salt of a test..').toString('base64')}$${stored}:${hmac('Server Key').toString('base64')}`;
}

const passwords = [
  { name: 'replicator', passwords: [new Secret('now'), new Secret('before')] },
  { name: "it's", passwords: [new Secret('own')] },
];

describe('accountPasswords', () => {
  const { query, seen } = asked(accountPasswords(LOCAL, passwords));
  const row = (differs: object): string =>
    JSON.stringify({ name: 'replicator', login: true, expired: false, verifier: verifierOf('now'), ...differs });

  it('asks for the roles by their names, and for no password', () => {
    expect(query).toContain("rolname IN ('replicator', 'it''s')");
    expect(query).not.toMatch(/now'|before|own'/u);
  });

  it('is unknown while the server is down', () => expect(seen([])).toBeUndefined());

  it.each([
    [{}, { password: 'same', login: true, expired: false }],
    [{ verifier: verifierOf('before') }, { password: 'same', login: true, expired: false }],
    [{ verifier: verifierOf('another') }, { password: 'other', login: true, expired: false }],
    [{ verifier: 'md5d41d8cd98f00b204e9800998ecf8427e' }, { password: 'unknown', login: true, expired: false }],
    [
      { login: false, expired: true },
      { password: 'same', login: false, expired: true },
    ],
  ])('reads %j', (differs, state) => expect(seen(['asked', row(differs)])).toEqual([{ name: 'replicator', ...state }]));

  it('leaves out a role that is not there', () => expect(seen(['asked'])).toEqual([]));
});

const binaries = postgresBinaries();
const major = Number(/(\d+)\/bin$/u.exec(binaries ?? '')?.[1] ?? 17);

describe.skipIf(binaries === undefined)(`of a real server${binaries === undefined ? ' (skipped: no PostgreSQL here)' : ''}`, () => {
  let server: RunningServer | undefined;
  const running = (): RunningServer => server as RunningServer;
  beforeAll(() => {
    server = startServer(binaries as string, { archive_mode: 'on', archive_command: 'false', max_prepared_transactions: '2' });
  });
  afterAll(() => server?.stop());

  it('serverHealth says what a primary that is well says of itself', () => {
    const { query, seen } = asked(serverHealth(LOCAL, major));
    expect(seen(running().query(query))).toMatchObject({
      standby: false,
      archiver: { on: true },
      checksumFailures: [],
      transactions: [],
      prepared: [],
      collations: [],
      clients: [{ user: expect.any(String) as string, database: 'postgres', application: 'psql', state: 'active', count: 1 }],
      ahead: [],
    });
  });

  it('serverHealth counts transaction numbers, and knows a segment that cannot be archived and a collation of another version', async () => {
    const { query, seen } = asked(serverHealth(LOCAL, major));
    running().query('CREATE TABLE filler AS SELECT 1 AS n');
    running().query('SELECT pg_switch_wal()');
    running().query("CREATE DATABASE sorted TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de' LOCALE 'C.UTF-8'");
    running().query("UPDATE pg_database SET datcollversion = '1.0' WHERE datname = 'sorted'");
    await expect.poll(() => seen(running().query(query))?.archiver.failures ?? 0).toBeGreaterThan(0);
    const health = seen(running().query(query));
    expect(health?.archiver.failedWal).toMatch(/^[0-9A-F]{24}$/u);
    expect(health?.archiver.failedAgo).toBeGreaterThanOrEqual(0);
    expect(health?.archiver).not.toHaveProperty('archivedAgo');
    expect(health?.collations).toEqual([{ database: 'sorted', recorded: '1.0', actual: expect.stringMatching(/^\d/u) as string }]);
    expect(health?.oldest?.transactions).toBeGreaterThan(0);
  });

  it('accountPasswords compares what the server keeps', () => {
    const { query, seen } = asked(accountPasswords(LOCAL, passwords));
    running().query("CREATE ROLE replicator LOGIN PASSWORD 'before'");
    running().query(`CREATE ROLE "it's" NOLOGIN PASSWORD 'changed' VALID UNTIL '2001-01-01'`);
    expect([...(seen(running().query(query)) ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: "it's", login: false, expired: true, password: 'other' },
      { name: 'replicator', login: true, expired: false, password: 'same' },
    ]);
  });
});

it('serverHealth asks a server for versions of collations from 15 on', () => {
  expect(asked(serverHealth(LOCAL, 14)).query).not.toContain('datcollversion');
  expect(asked(serverHealth(LOCAL, 15)).query).toContain('datcollversion');
  expect(asked(serverHealth(LOCAL, 15)).seen([])).toBeUndefined();
  expect(ACCOUNT_PASSWORDS.id).toBe('account-passwords');
});

describe('dataAccess', () => {
  const work = freshDirectory();
  const user = userInfo().username;
  /** runuser as it is where nobody has to become another. */
  const host = (): MadeUpHost =>
    new MadeUpHost({ root: work.path, programs: { runuser: 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"' } });
  const look = (shell: Parameters<typeof observe>[0], path: string) =>
    observe(
      shell,
      rewritten(dataAccess({ path, user }), (script) => host().script(script)),
    );

  inEveryShell(HOST_SHELLS, (shell) => {
    it('sees mode, owner and what is missing', async () => {
      const data = work.at('data');
      rmSync(data, { recursive: true, force: true });
      mkdirSync(`${data}/base`, { recursive: true });
      mkdirSync(`${data}/global`);
      chmodSync(data, 0o750);
      writeFileSync(`${data}/PG_VERSION`, '17\n');
      expect(await look(shell, data)).toMatchObject({ mode: '750', owner: user, closed: [], misowned: [], withoutOptions: true });
      writeFileSync(`${data}/postmaster.opts`, '');
      expect(await look(shell, data)).not.toHaveProperty('withoutOptions');
      symlinkSync(data, work.at('link'), 'dir');
      expect(await look(shell, work.at('link'))).toMatchObject({ mode: '750' });
      rmSync(work.at('link'));
    });

    it.skipIf(userInfo().uid !== 0)('sees files of somebody else', async () => {
      const data = work.at('theirs');
      rmSync(data, { recursive: true, force: true });
      mkdirSync(`${data}/base/5`, { recursive: true });
      writeFileSync(`${data}/PG_VERSION`, '17\n');
      writeFileSync(`${data}/postmaster.opts`, '');
      chownSync(`${data}/base/5`, 65_534, 65_534);
      chownSync(`${data}/postmaster.opts`, 65_534, 65_534);
      expect((await look(shell, data)).misowned).toEqual([`${data}/postmaster.opts`, `${data}/base/5`]);
    });

    it('says nothing of a directory that is not there', async () =>
      expect(await look(shell, work.at('nowhere'))).toEqual({ closed: [], misowned: [], asRoot: [] }));
  });

  it('reads processes of root', () => {
    const answer = {
      status: 0,
      out: Buffer.from('mode=700\nowner=root\nclosed=/var/lib\nroot=4711 /usr/bin/python3 /usr/bin/patroni /etc/p.yml\n'),
    };
    expect(dataAccess({ path: '/data', user: 'postgres' }).parse(answer)).toEqual({
      mode: '700',
      owner: 'root',
      closed: ['/var/lib'],
      misowned: [],
      asRoot: [{ pid: 4711, command: '/usr/bin/python3 /usr/bin/patroni /etc/p.yml' }],
    });
  });
});

describe('timelineBegin', () => {
  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    it('asks for the first record of the newest timeline, in a zone that is the same everywhere', async () => {
      const data = work.at('data');
      mkdirSync(`${data}/pg_wal`, { recursive: true });
      mkdirSync(work.at('bin'), { recursive: true });
      const record = 'rmgr: XLOG        len (rec/tot):     50/    50, tx:          0, lsn: 0/350000D8, prev 0/35000060, desc: ';
      const promotion = 'END_OF_RECOVERY tli 10; prev tli 3; time 2026-11-29 06:14:04.313969 UTC';
      writeFileSync(
        work.at('bin', 'pg_waldump'),
        `#!/bin/sh\n[ "$TZ $*" = "UTC -p ${data}/pg_wal -s 0/350000D8 -n 1 0000000A0000000000000035" ] && echo '${record}${promotion}; wal_level replica'\n`,
      );
      writeFileSync(work.at('bin', 'pg_controldata'), "#!/bin/sh\necho 'Bytes per WAL segment:                16777216'\n");
      for (const program of ['pg_waldump', 'pg_controldata']) chmodSync(work.at('bin', program), 0o755);
      const observation = timelineBegin({ path: data, binDirectory: work.at('bin') });
      expect(await observe(shell, observation)).toBeUndefined();
      writeFileSync(`${data}/pg_wal/00000003.history`, '1\t0/1\tno\n');
      writeFileSync(`${data}/pg_wal/0000000A.history`, '1\t0/1\tno\n\n3\t0/350000D8\tno recovery target specified\n');
      expect(await observe(shell, observation)).toEqual({ timeline: 10, promotion });
      rmSync(`${data}/pg_wal`, { recursive: true });
    });
  });

  it('makes nothing of another record', () => {
    const answer = { status: 0, out: Buffer.from('4\trmgr: XLOG desc: CHECKPOINT_SHUTDOWN redo 0/35000060; tli 3; prev tli 3\n') };
    expect(timelineBegin({ path: '/d', binDirectory: '/b' }).parse(answer)).toBeUndefined();
  });
});

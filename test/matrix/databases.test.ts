import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { TestCluster } from '../integration/support/cluster.js';
import { must, shellWord } from '../integration/support/outside.js';
import type { Finished } from '../integration/support/pgprov.js';

/** What an application brings, with names that SQL and the shell would both like to take apart. */
const OWNER = 'app "owner" é';
const NAME = "app's db";
const USERS = {
  reader: { login: false },
  [OWNER]: { password: 'first of all', member_of: ['pg_monitor'], connection_limit: 20, settings: { search_path: '"$user", app' } },
  'read only': { password: 'reads', member_of: ['reader'], valid_until: '2099-01-31' },
};
const GRANTS = [
  { to: 'reader', on: 'database', privileges: ['CONNECT'] },
  { to: 'reader', on: 'schema', schema: 'app', privileges: ['USAGE'] },
  { to: 'reader', on: 'tables', schema: 'app', privileges: ['SELECT'] },
];

/** SQL as a role, from a host over the network; what it printed, or psql's words. */
async function as(from: LabHost, { user, password, address, database = NAME }: Login, statement: string): Promise<string> {
  const uri = `dbname='${database.replaceAll("'", "\\'")}' host=${address} user='${user}' connect_timeout=5`;
  const { stdout, stderr } = await from.exec(
    `PGPASSWORD=${shellWord(password)} psql -XAtqw -v ON_ERROR_STOP=1 -d ${shellWord(uri)} -c ${shellWord(statement)}`,
  );
  return `${stdout}${stderr}`.trim();
}

interface Login {
  user: string;
  password: string;
  address: string;
  database?: string;
}

describe('what an application needs, in a cluster of three on Debian 13', () => {
  let cluster: TestCluster;
  let contents: Record<string, unknown>;

  const ok = ({ code, all }: Finished): string => {
    expect(code, all).toBe(0);
    return all;
  };
  const write = (changes: Record<string, unknown> = {}): Promise<string> => {
    contents = { ...contents, ...changes };
    return cluster.write({ postgresql: contents });
  };
  /** SQL as the superuser on a host, in a database. */
  const on = (host: string, statement: string, database = 'postgres'): Promise<string> =>
    must(
      cluster.host(host),
      `runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d ${shellWord(`dbname='${database.replaceAll("'", "\\'")}'`)} -c ${shellWord(statement)}`,
    );
  const owner = (password: string, host = 'pg1'): Login => ({ user: OWNER, password, address: cluster.host(host).address });

  beforeAll(async () => {
    cluster = await TestCluster.converged();
    contents = {
      users: USERS,
      databases: { [NAME]: { owner: OWNER, schemas: { app: {} }, extensions: { pg_trgm: {}, ip4r: { schema: 'app' } }, grants: GRANTS } },
      access: [{ users: [OWNER, 'read only'], databases: [NAME], from: ['members'] }],
    };
    await on('pg1', 'create role by_hand; ');
    await on('pg1', 'create database of_others');
    await write();
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('is made by one apply, after which nothing is left to do', async () => {
    const plan = await cluster.run('plan');
    expect(plan.all).toContain(`create database ${NAME} (owner ${OWNER})`);
    ok(await cluster.run('apply'));
    expect(ok(await cluster.run('apply'))).toContain('No changes');
    expect(await on('pg1', "select string_agg(rolname, ',' order by rolname) from pg_roles where oid > 16383")).toContain(OWNER);
    expect(await on('pg3', `select pg_get_userbyid(datdba) from pg_database where datname = '${NAME.replaceAll("'", "''")}'`)).toBe(OWNER);
    expect(
      await on(
        'pg1',
        "select string_agg(extname || ' ' || nspname, ',' order by extname) from pg_extension e join pg_namespace n on n.oid = extnamespace where extname <> 'plpgsql'",
        NAME,
      ),
    ).toBe('ip4r app,pg_trgm public');
    for (const { name } of cluster.hosts) await must(cluster.host(name), 'dpkg -s postgresql-17-ip4r >/dev/null');
  });

  it('can be used from another host, and who reads sees tables that come later', async () => {
    const pg2 = cluster.host('pg2');
    expect(await as(pg2, owner('first of all'), 'create table orders as select 1 n; show search_path')).toBe('"$user", app');
    expect(await on('pg1', "select tableowner || ' ' || schemaname from pg_tables where tablename = 'orders'", NAME)).toBe(`${OWNER} app`);
    const reader = { ...owner('reads'), user: 'read only' };
    expect(await as(pg2, reader, 'select n from app.orders')).toBe('1');
    expect(await as(pg2, reader, 'delete from app.orders')).toContain('permission denied');
    expect(await as(pg2, owner('another'), 'select 1')).toContain('password authentication failed');
    expect(ok(await cluster.run('apply'))).toContain('No changes');
  });

  it('is told and put right where it differs, each thing by itself', async () => {
    const quoted = `"${OWNER.replaceAll('"', '""')}"`;
    await on('pg1', `alter role ${quoted} superuser connection limit 3`);
    await on('pg1', `alter role ${quoted} set search_path = public`);
    await on('pg1', `alter database "${NAME}" owner to by_hand`);
    await on('pg1', `revoke connect on database "${NAME}" from reader`);
    await on('pg1', 'drop extension ip4r; revoke select on app.orders from reader; alter schema app owner to postgres', NAME);
    const diff = await cluster.run('diff');
    expect(diff.code, diff.all).toBe(6);
    for (const told of [
      `alter role ${OWNER}: NOSUPERUSER`,
      `set the connection limit of role ${OWNER} to 20 (it is 3)`,
      `set search_path of role ${OWNER} (it is public)`,
      `make ${OWNER} the owner of database ${NAME} (it is by_hand)`,
      `make ${OWNER} the owner of schema app in database ${NAME} (it is postgres)`,
      `create extension ip4r in database ${NAME}`,
      `grant CONNECT on database ${NAME} to reader`,
      `grant SELECT on all tables of schema app to reader in database ${NAME}`,
    ])
      expect(diff.all).toContain(told);
    ok(await cluster.run('apply'));
    expect(ok(await cluster.run('apply'))).toContain('No changes');
    expect(await on('pg1', `select rolsuper, rolconnlimit from pg_roles where rolname = '${OWNER}'`)).toBe('f|20');
    // What the inventory does not name is left alone.
    expect(
      await on(
        'pg1',
        "select (select count(*) from pg_roles where rolname = 'by_hand') + (select count(*) from pg_database where datname = 'of_others')",
      ),
    ).toBe('2');
  });

  it('takes another password, and a client that knows both is let in all the while', async () => {
    const pg2 = cluster.host('pg2');
    let changing = true;
    const failed: string[] = [];
    const client = (async () => {
      while (changing) {
        const [first, second] = [await as(pg2, owner('first of all'), 'select 1'), await as(pg2, owner('second of all'), 'select 1')];
        if (first !== '1' && second !== '1') failed.push(`${first}\n${second}`);
      }
    })();
    await write({ users: { ...USERS, [OWNER]: { ...USERS[OWNER], password: 'second of all' } } });
    const changed = await cluster.run('apply');
    changing = false;
    await client;
    expect(ok(changed)).toContain(`set the password of role ${OWNER} (SCRAM-SHA-256)`);
    expect(changed.all).not.toContain('second of all');
    expect(failed).toEqual([]);
    expect(await as(pg2, owner('first of all'), 'select 1')).toContain('password authentication failed');
    expect(await on('pg1', "select count(*) from pg_authid where rolpassword !~ '^SCRAM-SHA-256'")).toBe('0');
  });

  it('is there on the new leader after a switchover', async () => {
    ok(await cluster.run('switchover', '--to', 'pg2', '--yes'));
    expect(ok(await cluster.run('apply'))).toContain('No changes');
    await write({ users: { ...(contents.users as object), late: { login: false } } });
    ok(await cluster.run('apply'));
    expect(await on('pg2', "select rolcanlogin from pg_roles where rolname = 'late'")).toBe('f');
  });

  it('has an extension whose library takes a restart only after that, and says so', async () => {
    const databases = contents.databases as Record<string, { extensions: object }>;
    const own = { ...databases[NAME], extensions: { ...databases[NAME]?.extensions, pgaudit: {} } };
    await write({ databases: { [NAME]: own } });
    const refused = await cluster.run('apply');
    expect([refused.code, refused.all]).toEqual([
      2,
      expect.stringContaining('add pgaudit to postgresql.parameters.shared_preload_libraries'),
    ]);
    await write({ parameters: { shared_preload_libraries: 'pgaudit' } });
    expect(ok(await cluster.run('apply'))).toMatch(/the extension pgaudit waits for a restart of PostgreSQL[^]*restart .*--pending/u);
    ok(await cluster.run('restart', '--pending', '--yes'));
    ok(await cluster.run('apply'));
    expect(await on('pg2', "select count(*) from pg_extension where extname = 'pgaudit'", NAME)).toBe('1');
    expect(ok(await cluster.run('apply'))).toContain('No changes');
  });
});

describe('what an application needs, on a server of its own on Rocky 9', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.start('mxdbr9', 'rocky9', 1, 'packages');
    await cluster.write({
      roles: ['base', 'firewall', 'pgdg', 'postgresql'],
      postgresql: {
        users: USERS,
        databases: { [NAME]: { owner: OWNER, schemas: { app: {} }, extensions: { pg_trgm: {} }, grants: GRANTS } },
        access: [{ users: [OWNER, 'read only'], databases: [NAME], from: ['members'] }],
      },
    });
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('is made by the first apply, after which nothing is left to do', async () => {
    const first = await cluster.run('apply');
    expect(first.code, first.all).toBe(0);
    const second = await cluster.run('apply');
    expect([second.code, second.all]).toEqual([0, expect.stringContaining('No changes')]);
    const pg1 = cluster.host('pg1');
    const login = { user: OWNER, password: 'first of all', address: pg1.address };
    expect(await as(pg1, login, 'create table orders as select 1 n; select n from app.orders')).toBe('1');
    expect(await as(pg1, { ...login, user: 'read only', password: 'reads' }, 'select n from app.orders')).toBe('1');
  });
});

import { describe, expect, it } from 'vitest';
import { patroniAccess } from '../../../../roles/shared/hba.js';
import { poolerConfiguration, poolerIdentity } from '../../../../roles/shared/pgbouncer/config-file.js';
import type { Change } from '../../../../src/resources/resource.js';
import { contextOf, hostOf, inventoryOf } from '../../../support/inventory.js';

const MEMBERS =
  'cluster: demo\nroles: [base, pgdg, postgresql, replication, etcd, patroni]\nhosts:\n  pg1: 10.0.0.1\n  pg2: 10.0.0.2\n  pg3: 10.0.0.3\n';
const PROXIES = '  lb1: {address: 10.0.0.8, roles: [base, haproxy]}\n  lb2: {address: 10.0.0.9, roles: [base, haproxy]}\n';
const POOL = '  pool1: {address: 10.0.0.7, roles: [base, pgdg, pgbouncer]}\n';
const HBA = 'postgresql: {hba: [host app app 10.0.0.0/24 scram-sha-256]}\n';
const ALONE = 'cluster: demo\nhosts:\n  pg1: {address: 10.0.0.1, roles: [base, pgdg, postgresql, pgbouncer]}\n';

async function filesOf(yaml: string, host: string): Promise<{ ini: string; users: string; mark: string; listening: string }> {
  const { files, mark, listening } = poolerConfiguration(contextOf(await inventoryOf(yaml), host));
  const textOf = (path: string): string => {
    const found = files.find(({ id }) => id === `file:${path}`);
    const [change] = found?.diff({ type: 'absent' }) as [Change];
    return change.after ?? '';
  };
  return {
    ini: textOf('/etc/pgbouncer/pgbouncer.ini'),
    users: textOf('/etc/pgbouncer/userlist.txt'),
    mark,
    listening: listening.digest(),
  };
}

describe('PgBouncer’s configuration', () => {
  it('leads through the HAProxy of its own host', async () => {
    const here = PROXIES.replace('[base, haproxy]', '[base, pgdg, haproxy, pgbouncer]');
    const { ini, users, mark } = await filesOf(`${MEMBERS}${here}${HBA}`, 'lb1');
    expect(ini).toContain('\n* = host=127.0.0.1 port=5000\n');
    expect(ini).toContain('\nauth_query = SELECT username, password FROM pgprov_pgbouncer.find_login($1)\n');
    expect(ini.endsWith(`\nsyslog_ident = ${mark}\n`)).toBe(true);
    expect(ini).not.toContain('made-for');
    expect(users).toBe('"pgbouncer_auth" "made-for-pgbouncer.auth_password"\n');
  });

  it('tries every HAProxy of the inventory where its host has none, and has entries of its own', async () => {
    const entries =
      'pgbouncer: {databases: [{name: app_read, database: app, read_only: true}, {name: app_session, database: app, pool_mode: session, pool_size: 4}]}\n';
    const { ini } = await filesOf(`${MEMBERS}${PROXIES}${POOL}${HBA}${entries}`, 'pool1');
    const way = (port: number): string => `host=10.0.0.8,10.0.0.9 port=${port} load_balance_hosts=disable`;
    expect(ini).toContain(
      `[databases]\napp_read = ${way(5001)} dbname=app\napp_session = ${way(5000)} dbname=app pool_mode=session pool_size=4\npgprov_lookup = ${way(5000)} dbname=postgres pool_mode=transaction pool_size=5\n* = ${way(5000)}\n`,
    );
    expect(ini).toContain('\nclient_tls_sslmode = disable\n');
    expect(ini).toContain('\nserver_tls_sslmode = disable\n');
    // 100 connections, of which some are left to others.
    expect(ini).toContain('\nmax_db_connections = 87\n');
  });

  it('has the virtual address in its certificate where its host may have that', async () => {
    const proxies = PROXIES.replaceAll('[base, haproxy]', '[base, pgdg, haproxy, pgbouncer, vip]');
    const rest = `${POOL}${HBA}pgbouncer: {tls: offered, tls_names: [pool.example.com]}\nvip: {address: 10.0.0.100/24}\n`;
    const inventory = await inventoryOf(`${MEMBERS}${proxies}${rest}`);
    const namesOf = (name: string): readonly string[] | undefined => poolerIdentity(hostOf(inventory, name), inventory)?.names;
    expect(namesOf('lb1')).toEqual(['pool.example.com', '10.0.0.100']);
    expect(namesOf('pool1')).toEqual(['pool.example.com']);
  });

  it('leads to the one server that there is, whose certificate has its address', async () => {
    const { ini } = await filesOf(
      `${ALONE}postgresql: {tls: true, port: 5433, parameters: {max_connections: 60}}\npgbouncer: {tls: offered}\n`,
      'pg1',
    );
    expect(ini).toContain('\n* = host=10.0.0.1 port=5433\n');
    expect(ini).toContain('\nserver_tls_sslmode = verify-full\nserver_tls_ca_file = /etc/pgbouncer/tls/ca.crt\n');
    expect(ini).toContain('\nclient_tls_sslmode = prefer\nclient_tls_cert_file = /etc/pgbouncer/tls/node.crt\n');
    expect(ini).toContain('\nmax_db_connections = 47\n');
  });

  it('has another mark whenever anything in it is another, and takes a restart for where it listens alone', async () => {
    const of = (more: string): ReturnType<typeof filesOf> => filesOf(`${ALONE}${more}`, 'pg1');
    const [first, same, size, port] = await Promise.all([
      of(''),
      of(''),
      of('pgbouncer: {default_pool_size: 9}\n'),
      of('pgbouncer: {port: 6433}\n'),
    ]);
    expect(same).toEqual(first);
    expect(size.mark).not.toBe(first.mark);
    expect(size.listening).toBe(first.listening);
    expect(port.listening).not.toBe(first.listening);
  });
});

describe('the role pgbouncer', () => {
  it.each([
    [MEMBERS.replace('patroni]', 'patroni, pgbouncer]'), 'needs something that leads to the leader'],
    [`${ALONE}pgbouncer: {databases: [{name: a, read_only: true}]}\n`, 'nothing leads to replicas'],
    [`${ALONE}pgbouncer: {databases: [{name: a}, {name: a}]}\n`, 'a is there twice'],
    [`${ALONE}pgbouncer: {databases: [{name: pgbouncer}]}\n`, 'other than pgbouncer'],
    [`${ALONE}pgbouncer: {databases: [{name: pgprov_lookup}]}\n`, 'other than pgbouncer and pgprov_lookup'],
    [
      `${MEMBERS}${PROXIES.replace('10.0.0.9,', '10.0.0.9, haproxy: {primary_port: 5009},')}${POOL}${HBA}`,
      'on the same ports, and these have 5000 and 5001; 5009 and 5001',
    ],
  ])('is refused in %j', async (yaml, words) => {
    await expect(inventoryOf(yaml)).rejects.toThrow(words);
  });

  it('warns where PostgreSQL would refuse connections instead of having clients wait', async () => {
    const both = PROXIES.replaceAll('[base, haproxy]', '[base, pgdg, haproxy, pgbouncer]');
    const { warnings } = await inventoryOf(`${MEMBERS}${both}${HBA}pgbouncer: {max_db_connections: 60}\n`);
    expect(warnings.map(({ message, hint }) => `${message}; ${hint}`)).toEqual([
      'over 2 hosts that makes 120 connections to a database, and max_connections is 100: PostgreSQL refuses more instead of having clients wait; give 43 or less, or raise max_connections in postgresql.parameters',
    ]);
    expect((await inventoryOf(`${MEMBERS}${both}${HBA}pgbouncer: {max_db_connections: 50}\n`)).warnings).toEqual([]);
  });

  it('has PostgreSQL let in who asks for passwords, from where PostgreSQL sees PgBouncer', async () => {
    const { hosts } = await inventoryOf(`${MEMBERS}${PROXIES}${POOL}${HBA}`);
    const [member] = hosts;
    if (member === undefined) throw new Error('no host');
    expect(patroniAccess(member, hosts).filter((line) => line.includes('pgbouncer'))).toEqual([
      'host postgres pgbouncer_auth 10.0.0.8/32 scram-sha-256',
      'host postgres pgbouncer_auth 10.0.0.9/32 scram-sha-256',
    ]);
  });
});

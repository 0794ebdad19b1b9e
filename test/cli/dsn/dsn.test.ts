import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { dsn } from '../../../src/cli/dsn/dsn.js';
import { dsnText, DSN_FORMS, type DsnForm } from '../../../src/cli/dsn/forms.js';
import { wayIn, type WantedWay } from '../../../src/cli/dsn/ways.js';
import { buildProgram } from '../../../src/cli/main.js';
import { companyPair } from '../../support/company-pki.js';
import { workplaces } from '../../support/directory.js';
import { inventoryOf } from '../../support/inventory.js';

const ROLES = 'roles: [base, pgdg, postgresql, replication, etcd, patroni]\n';
const MEMBERS = `cluster: demo\n${ROLES}hosts:\n  pg1: {address: 192.0.2.1, cluster_address: 10.0.0.1}\n  pg2: {address: 192.0.2.2, cluster_address: 10.0.0.2}\n`;
const PROXIES = '  lb1: {address: 10.0.0.8, roles: [base, haproxy]}\n  lb2: {address: 10.0.0.9, roles: [base, haproxy]}\n';
const HBA = 'postgresql: {hba: [host all all 10.0.0.0/24 scram-sha-256]}\n';
const ONE = 'cluster: demo\nhosts:\n  pg1: {address: 10.0.0.1, roles: [base, pgdg, postgresql, replication]}\n';

const workplace = workplaces();

async function printed(yaml: string, form: DsnForm, wanted: Partial<WantedWay> = {}, client: object = {}): Promise<string> {
  const way = wayIn(await inventoryOf(yaml), { readOnly: false, direct: false, ...wanted });
  return dsnText(form, way, { database: 'postgres', balances: false, authority: '/ca.crt', ...client });
}

describe('pgprov dsn', () => {
  it.each<{ title: string; yaml: string; wanted?: Partial<WantedWay>; uri: string }>([
    {
      title: 'whichever member leads',
      yaml: MEMBERS,
      uri: 'postgresql://10.0.0.1:5432,10.0.0.2:5432/postgres?target_session_attrs=read-write&connect_timeout=3',
    },
    {
      title: 'a standby, where there is one',
      yaml: MEMBERS,
      wanted: { readOnly: true },
      uri: 'postgresql://10.0.0.1:5432,10.0.0.2:5432/postgres?target_session_attrs=prefer-standby&connect_timeout=3',
    },
    {
      title: 'the leader through every proxy',
      yaml: `${MEMBERS}${PROXIES}${HBA}`,
      uri: 'postgresql://10.0.0.8:5000,10.0.0.9:5000/postgres?target_session_attrs=read-write&connect_timeout=3',
    },
    {
      title: 'the replicas through every proxy',
      yaml: `${MEMBERS}${PROXIES}${HBA}haproxy: {replica_port: 5901}\n`,
      wanted: { readOnly: true },
      uri: 'postgresql://10.0.0.8:5901,10.0.0.9:5901/postgres?connect_timeout=3',
    },
    {
      title: 'the members past the proxies',
      yaml: `${MEMBERS}${PROXIES}${HBA}`,
      wanted: { direct: true },
      uri: 'postgresql://10.0.0.1:5432,10.0.0.2:5432/postgres?target_session_attrs=read-write&connect_timeout=3',
    },
    {
      title: 'servers with TLS, whose certificates are checked whole',
      yaml: `${MEMBERS}postgresql: {tls: true}\n`,
      uri: 'postgresql://10.0.0.1:5432,10.0.0.2:5432/postgres?target_session_attrs=read-write&connect_timeout=3&sslmode=verify-full&sslrootcert=%2Fca.crt',
    },
    {
      title: 'servers with TLS through proxies, whose addresses are not in the certificates',
      yaml: `${MEMBERS}${PROXIES}${HBA.replace('}', ', tls: true}')}`,
      uri: 'postgresql://10.0.0.8:5000,10.0.0.9:5000/postgres?target_session_attrs=read-write&connect_timeout=3&sslmode=verify-ca&sslrootcert=%2Fca.crt',
    },
    {
      title: 'pools, ahead of the proxies that they go through',
      yaml: `${MEMBERS}${PROXIES.replaceAll('haproxy]', 'pgdg, haproxy, pgbouncer]')}${HBA.replace('}', ', tls: true}')}`,
      uri: 'postgresql://10.0.0.8:6432,10.0.0.9:6432/postgres?target_session_attrs=read-write&connect_timeout=3',
    },
    {
      title: 'pools with certificates of their own',
      yaml: `${MEMBERS}${PROXIES.replaceAll('haproxy]', 'pgdg, haproxy, pgbouncer]')}${HBA}pgbouncer: {tls: offered}\n`,
      uri: 'postgresql://10.0.0.8:6432,10.0.0.9:6432/postgres?target_session_attrs=read-write&connect_timeout=3&sslmode=verify-full&sslrootcert=%2Fca.crt',
    },
    {
      title: 'the replicas past the pools, which lead to the leader',
      yaml: `${MEMBERS}${PROXIES.replaceAll('haproxy]', 'pgdg, haproxy, pgbouncer]')}${HBA}`,
      wanted: { readOnly: true },
      uri: 'postgresql://10.0.0.8:5001,10.0.0.9:5001/postgres?connect_timeout=3',
    },
    {
      title: 'the leader by the virtual address of the proxies',
      yaml: `${MEMBERS}${PROXIES.replaceAll('haproxy', 'haproxy, vip')}${HBA.replace('}', ', tls: true}')}vip: {address: 10.0.0.100/24}\n`,
      uri: 'postgresql://10.0.0.100:5000/postgres?target_session_attrs=read-write&connect_timeout=3&sslmode=verify-full&sslrootcert=%2Fca.crt',
    },
    {
      title: 'the replicas by the virtual address of the proxies',
      yaml: `${MEMBERS}${PROXIES.replaceAll('haproxy', 'haproxy, vip')}${HBA}vip: {address: 10.0.0.100/24}\n`,
      wanted: { readOnly: true },
      uri: 'postgresql://10.0.0.100:5001/postgres?connect_timeout=3',
    },
    {
      title: 'the leader by its virtual address',
      yaml: `${MEMBERS.replace('patroni]', 'patroni, vip]')}vip: {address: 10.0.0.100/24}\n`,
      uri: 'postgresql://10.0.0.100:5432/postgres?target_session_attrs=read-write&connect_timeout=3',
    },
    {
      title: 'standbys, which have no virtual address',
      yaml: `${MEMBERS.replace('patroni]', 'patroni, vip]')}vip: {address: 10.0.0.100/24}\n`,
      wanted: { readOnly: true },
      uri: 'postgresql://10.0.0.1:5432,10.0.0.2:5432/postgres?target_session_attrs=prefer-standby&connect_timeout=3',
    },
    {
      title: 'a server alone, which readers may use as well',
      yaml: ONE,
      wanted: { readOnly: true },
      uri: 'postgresql://10.0.0.1:5432/postgres?connect_timeout=3',
    },
  ])('leads to $title', async ({ yaml, wanted, uri }) => expect(await printed(yaml, 'uri', wanted)).toBe(uri));

  it('quotes names for each form', async () => {
    const client = { database: 'my "db"', user: "o'brien:x" };
    expect(await printed(ONE, 'uri', {}, client)).toContain("//o'brien%3Ax@10.0.0.1:5432/my%20%22db%22?");
    expect(await printed(ONE, 'libpq', {}, client)).toBe(
      `host=10.0.0.1 port=5432 dbname='my "db"' user='o\\'brien:x' target_session_attrs=read-write connect_timeout=3`,
    );
    expect(await printed(ONE, 'pgpass', {}, client)).toBe("10.0.0.1:5432:*:o'brien\\:x:PASSWORD");
    const env = await printed(ONE, 'env', {}, client);
    expect(execFileSync('sh', ['-c', `${env}\nprintf '%s|%s' "$PGDATABASE" "$PGUSER"`], { encoding: 'utf8' })).toBe(`my "db"|o'brien:x`);
  });

  it('gives a port for each host where they differ, and one for all where they do not', async () => {
    const two = MEMBERS.replace('pg2: {', 'pg2: {postgresql: {port: 5433}, ');
    expect(await printed(two, 'libpq').catch((error: unknown) => String(error))).toContain('port');
    expect(await printed(MEMBERS, 'libpq')).toContain('host=10.0.0.1,10.0.0.2 port=5432 ');
    expect(await printed(ONE.replace('10.0.0.1', "'fd00::1'"), 'uri')).toContain('//[fd00::1]:5432/');
  });

  it('speaks as pgJDBC does, and balances where it is told to', async () => {
    expect(await printed(MEMBERS, 'jdbc', { readOnly: true }, { user: 'app', balances: true })).toBe(
      'jdbc:postgresql://10.0.0.1:5432,10.0.0.2:5432/postgres?user=app&targetServerType=preferSecondary&loadBalanceHosts=true&connectTimeout=3&tcpKeepAlive=true',
    );
    expect(await printed(MEMBERS, 'env', { readOnly: true }, { balances: true })).toBe(
      [
        'export PGHOST=10.0.0.1,10.0.0.2',
        'export PGPORT=5432',
        'export PGDATABASE=postgres',
        'export PGTARGETSESSIONATTRS=prefer-standby',
        'export PGLOADBALANCEHOSTS=random',
        'export PGCONNECT_TIMEOUT=3',
      ].join('\n'),
    );
  });

  it('says so where there is nothing to connect to', async () => {
    const inventory = await inventoryOf('cluster: demo\nhosts:\n  pg1: {address: 10.0.0.1, roles: [base]}\n');
    expect(() => wayIn(inventory, { readOnly: false, direct: false })).toThrow(/no host of the inventory has PostgreSQL/u);
  });

  it('has all forms among those that its option takes', () => {
    const option = buildProgram(() => undefined, [])
      .commands.find((command) => command.name() === 'dsn')
      ?.options.find(({ long }) => long === '--format');
    expect(option?.argChoices).toEqual([...DSN_FORMS]);
  });
});

describe('pgprov dsn for a role of an application', () => {
  it.each<{ user: string; terminal: boolean; says: RegExp }>([
    { user: 'app', terminal: true, says: /`pgprov secrets get postgresql\.users\.app\.password \S+` prints the password of app/u },
    { user: 'agent', terminal: true, says: /^agent logs in without one, and has no password\n$/u },
    { user: 'somebody', terminal: true, says: /^$/u },
    { user: 'app', terminal: false, says: /^$/u },
  ])('says on a terminal how the password of $user is read ($terminal)', async ({ user, terminal, says }) => {
    const file = join(workplace(), 'inventory.yml');
    writeFileSync(file, `${MEMBERS}postgresql: {users: {app: {}, agent: {passwordless: true}}}\n`);
    const [said, was] = [[] as string[], process.stdout.isTTY];
    const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
    process.stdout.isTTY = terminal;
    try {
      await dsn(file, { format: 'uri', dbname: 'postgres', user } as Parameters<typeof dsn>[1]);
    } finally {
      out.mockRestore();
      err.mockRestore();
      process.stdout.isTTY = was;
    }
    expect(said.join('')).toMatch(says);
  });
});

describe('pgprov dsn with certificates of one’s own', () => {
  const pair = companyPair(['db.example.com', '10.0.0.1', '10.0.0.2']);
  const named = companyPair(['db.example.com']);
  const given = ({ certificate, key, ca }: typeof pair): string =>
    `postgresql: ${JSON.stringify({ tls: true, tls_certificate: certificate, tls_key: key, tls_ca: ca })}\n`;

  it('has them checked whole only where they have the addresses', async () => {
    expect(await printed(`${MEMBERS}${given(pair)}`, 'uri')).toContain('sslmode=verify-full');
    expect(await printed(`${MEMBERS}${given(named)}`, 'uri')).toContain('sslmode=verify-ca');
  });

  it.each<{ title: string; ca: object; says: RegExp }>([
    { title: 'in a file', ca: { file: 'company.crt' }, says: /sslrootcert=.*%2Fcompany\.crt/u },
    { title: 'in no file', ca: { env: 'COMPANY_CA' }, says: /not as a file that a client could be pointed to/u },
  ])('points to the authority $title', async ({ ca, says }) => {
    const directory = workplace();
    writeFileSync(join(directory, 'company.crt'), pair.ca);
    const yaml = `${MEMBERS}postgresql: ${JSON.stringify({ tls: true, tls_certificate: pair.certificate, tls_key: pair.key, tls_ca: ca })}\n`;
    writeFileSync(join(directory, 'inventory.yml'), yaml);
    process.env['COMPANY_CA'] = pair.ca;
    const said: string[] = [];
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0);
    try {
      const options = { format: 'uri', dbname: 'postgres' } as Parameters<typeof dsn>[1];
      await dsn(join(directory, 'inventory.yml'), options).catch((error: unknown) => said.push(String((error as Error).message)));
    } finally {
      write.mockRestore();
      delete process.env['COMPANY_CA'];
    }
    expect(said.join('')).toMatch(says);
  });
});

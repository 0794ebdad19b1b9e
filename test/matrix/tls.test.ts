import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { must, sql } from '../integration/support/outside.js';
import { pgprov } from '../integration/support/pgprov.js';
import { placesOf } from '../integration/support/places.js';
import { CLIENT, withClient } from '../integration/support/written-cluster.js';
import type { LabHost, System } from '../lab/index.js';
import { patience } from '../support/patience.js';

const PRESENTED = 'openssl x509 -noout -fingerprint -sha256';

describe.each<System>(['debian13', 'rocky9'])('TLS of PostgreSQL, %s', (os) => {
  const DIRECTORY = `/etc/pgprov/postgresql-${/\/(\d+)\//u.exec(placesOf(os).data)?.[1]}-main`;
  let cluster: TestCluster;
  let client: LabHost;

  const write = (tls: boolean, hba: readonly string[] = []): Promise<string> => {
    const { firewall, postgresql } = withClient();
    const { hba: own = [] } = postgresql as { hba: string[] };
    const names = tls ? { tls, tls_names: ['db.example.com'] } : {};
    return cluster.write({
      firewall,
      postgresql: { ...names, hba: [...own.map((line) => line.replace('host ', tls ? 'hostssl ' : 'host ')), ...hba] },
    });
  };
  const apply = async (): Promise<string> => {
    const { code, all } = await cluster.run('apply');
    expect(code, all).toBe(0);
    return all;
  };
  /** What a client gets that connects from pg3; the last words of its error where it does not. */
  const ask = async (
    host: LabHost,
    options: string,
    query = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()',
  ): Promise<string> => {
    const { user, password } = CLIENT;
    const { code, stdout, stderr } = await client.exec(
      `PGPASSWORD=${password} psql -XAtq 'host=${host.address} dbname=postgres user=${user} ${options}' -c "${query}"`,
    );
    return code === 0 ? stdout.trim() : stderr.trim();
  };
  const presented = (host: LabHost): Promise<string> =>
    must(client, `openssl s_client -starttls postgres -connect ${host.address}:5432 </dev/null 2>/dev/null | ${PRESENTED}`);
  const starts = (): Promise<string[]> => Promise.all(cluster.hosts.map((host) => sql(host, 'select pg_postmaster_start_time()')));

  beforeAll(async () => {
    cluster = await TestCluster.converged(os);
    client = cluster.host('pg3');
    const { user, password } = CLIENT;
    await sql(cluster.host('pg1'), `CREATE ROLE ${user} LOGIN PASSWORD '${password}'`);
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('is offered by every member with a certificate that clients can check whole, without a restart', async () => {
    const before = await starts();
    await write(true);
    await apply();
    const whole = `sslmode=verify-full sslrootcert=${DIRECTORY}/ca.crt`;
    for (const host of cluster.hosts) {
      await expect.poll(() => ask(host, whole), { timeout: patience(30_000) }).toBe('t');
      expect(await ask(host, 'sslmode=disable')).toMatch(/no pg_hba\.conf entry/u);
      expect(await must(host, `stat -c '%U %a' ${DIRECTORY}/node.key`)).toBe('postgres 600');
    }
    // By one of the names that the inventory gives, which only this host knows.
    await must(client, `grep -q db.example.com /etc/hosts || echo '${cluster.host('pg1').address} db.example.com' >>/etc/hosts`);
    expect(await ask({ address: 'db.example.com' } as LabHost, whole)).toBe('t');
    expect(await starts()).toEqual(before);
    expect(await apply()).toContain('No changes');
    const { stdout } = await pgprov(
      'dsn',
      cluster.file,
      '--format',
      'libpq',
      '--user',
      CLIENT.user,
      '--sslrootcert',
      `${DIRECTORY}/ca.crt`,
    );
    expect(await must(client, `PGPASSWORD=${CLIENT.password} psql -XAtc 'select pg_is_in_recovery()' '${stdout.trim()}'`)).toBe('f');
  });

  it('takes client certificates of the authority, where a line asks for them', async () => {
    const subject = await must(
      client,
      `openssl x509 -noout -subject -nameopt multiline -in ${DIRECTORY}/node.crt | sed -n 's/.*commonName *= //p'`,
    );
    await sql(cluster.host('pg1'), `CREATE ROLE "${subject}" LOGIN`);
    await write(true, [`hostssl postgres "${subject}" 0.0.0.0/0 cert`]);
    await apply();
    const options = `user='${subject}' sslmode=verify-full sslrootcert=${DIRECTORY}/ca.crt`;
    const connect = (more: string): Promise<string> =>
      must(
        client,
        `psql -XAtq "host=${cluster.host('pg1').address} dbname=postgres ${options} ${more}" -c 'select current_user' 2>&1 || :`,
      );
    expect(await connect(`sslcert=${DIRECTORY}/node.crt sslkey=${DIRECTORY}/node.key`)).toBe(subject);
    expect(await connect('')).toMatch(/certificate/u);
  });

  it('has a renewed certificate in force at once, on members that run on', async () => {
    const before = await starts();
    const [pg1, pg2] = [cluster.host('pg1'), cluster.host('pg2')];
    const former = [await presented(pg1), await presented(pg2)];
    const renewed = await pgprov('certs', 'renew', cluster.file, '--all', '--host', 'pg1', '--yes');
    expect(renewed.code, renewed.all).toBe(0);
    expect(await presented(pg1)).not.toBe(former[0]);
    expect(await presented(pg1)).toBe(await must(pg1, `${PRESENTED} -in ${DIRECTORY}/node.crt`));
    expect(await presented(pg2)).toBe(former[1]);
    expect(await starts()).toEqual(before);
    const told = await pgprov('certs', 'status', cluster.file);
    expect(told.all).toMatch(/^pg1 +postgresql .*yes.*db\.example\.com/mu);
    expect(await apply()).toContain('No changes');
  });

  it('takes up what a run brought that was killed before the server read it, and goes again', async () => {
    const pg2 = cluster.host('pg2');
    await must(pg2, `touch ${DIRECTORY}/node.key`);
    expect((await cluster.run('plan')).all).toContain('have PostgreSQL read its certificate again');
    await apply();
    expect(await apply()).toContain('No changes');
    await write(false);
    await apply();
    await expect.poll(() => ask(pg2, 'sslmode=require'), { timeout: patience(30_000) }).toMatch(/does not support SSL/u);
    expect(await ask(pg2, 'sslmode=disable')).toBe('f');
    expect(await apply()).toContain('No changes');
  });
});

describe.each<System>(['debian13', 'rocky9'])('TLS of servers without Patroni, %s', (os) => {
  const DIRECTORY = `/etc/pgprov/postgresql-${/\/(\d+)\//u.exec(placesOf(os).data)?.[1]}-main`;
  const WHOLE = `sslmode=verify-full sslrootcert=${DIRECTORY}/ca.crt`;
  let cluster: TestCluster;
  let hosts: [LabHost, LabHost];

  const write = (count: 1 | 2, tls: boolean): Promise<string> => {
    const { firewall, postgresql } = withClient();
    return cluster.write({
      roles: ['base', 'firewall', 'pgdg', 'postgresql', 'replication'],
      hosts: Object.fromEntries(hosts.slice(0, count).map(({ name, address }) => [name, address])),
      firewall,
      postgresql: { ...postgresql, ...(tls ? { tls } : {}) },
    });
  };
  const run = async (command: string, ...words: string[]): Promise<string> => {
    const { code, all } = await (command === 'apply' ? cluster.run('apply') : pgprov(...command.split(' '), cluster.file, ...words));
    expect(code, all).toBe(0);
    return all;
  };
  const ask = async (host: LabHost, options: string): Promise<string> => {
    const { user, password } = CLIENT;
    const { code, stdout, stderr } = await host.exec(
      `PGPASSWORD=${password} psql -XAtq 'host=${host.address} dbname=postgres user=${user} ${options}' -c 'select ssl from pg_stat_ssl where pid = pg_backend_pid()'`,
    );
    return code === 0 ? stdout.trim() : stderr.trim();
  };
  const presented = (host: LabHost): Promise<string> =>
    must(host, `openssl s_client -starttls postgres -connect ${host.address}:5432 </dev/null 2>/dev/null | ${PRESENTED}`);
  const starts = (): Promise<string[]> => Promise.all(hosts.map((host) => sql(host, 'select pg_postmaster_start_time()')));

  beforeAll(async () => {
    cluster = await TestCluster.start(`mxtls${os === 'rocky9' ? 'r' : 'd'}`, os, 2, 'packages');
    hosts = cluster.hosts as typeof hosts;
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('is offered by a server that stands alone, from its first start on', async () => {
    await write(1, true);
    await run('apply');
    const { user, password } = CLIENT;
    await sql(hosts[0], `CREATE ROLE ${user} LOGIN PASSWORD '${password}'`);
    expect(await ask(hosts[0], WHOLE)).toBe('t');
    expect(await run('apply')).toContain('No changes');
  });

  it('is offered by a standby that is made of it, each with a certificate of its own', async () => {
    await write(2, true);
    await run('apply');
    for (const host of hosts) await expect.poll(() => ask(host, WHOLE), { timeout: patience(30_000) }).toBe('t');
    expect(await presented(hosts[0])).not.toBe(await presented(hosts[1]));
    expect(await run('apply')).toContain('No changes');
  });

  it('is renewed, and switched off and on, without a restart', async () => {
    const before = await starts();
    const former = await Promise.all(hosts.map(presented));
    await run('certs renew', '--all', '--yes');
    const renewed = await Promise.all(hosts.map(presented));
    expect(renewed.every((print) => !former.includes(print))).toBe(true);
    expect(await Promise.all(hosts.map((host) => must(host, `${PRESENTED} -in ${DIRECTORY}/node.crt`)))).toEqual(renewed);
    expect(await run('certs status')).toMatch(/^pg2 +postgresql .*yes/mu);
    await write(2, false);
    await run('apply');
    for (const host of hosts) {
      await expect.poll(() => ask(host, 'sslmode=require'), { timeout: patience(30_000) }).toMatch(/does not support SSL/u);
    }
    expect(await run('apply')).toContain('No changes');
    await write(2, true);
    await run('apply');
    for (const host of hosts) await expect.poll(() => ask(host, WHOLE), { timeout: patience(30_000) }).toBe('t');
    expect(await starts()).toEqual(before);
  });
});

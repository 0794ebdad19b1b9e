import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { must, sql } from '../integration/support/outside.js';
import { pgprov } from '../integration/support/pgprov.js';
import { placesOf } from '../integration/support/places.js';
import { CLIENT, withClient } from '../integration/support/written-cluster.js';
import type { LabHost, System } from '../lab/index.js';
import { signed } from '../support/company-pki.js';
import { expired } from '../support/expired.js';
import { patience } from '../support/patience.js';

const PRINT = 'openssl x509 -noout -fingerprint -sha256';

describe.each<System>(['debian13', 'rocky9'])('certificates of one’s own, %s', (os) => {
  const DIRECTORY = `/etc/pgprov/postgresql-${/\/(\d+)\//u.exec(placesOf(os).data)?.[1]}-main`;
  const root = signed({ commonName: 'Company Root', ca: true });
  const between = signed({ commonName: 'Company Servers', ca: true }, root);
  const withPools = os === 'debian13';
  let cluster: TestCluster;
  let client: LabHost;

  const beside = (name: string): string => join(dirname(cluster.file), name);
  /** Has the company sign for a host, and puts the files beside the inventory, the key for its owner alone. */
  const sign = ({ name, address }: LabHost, service: string, names: readonly string[] = ['db.example.com', address]): string => {
    const own = signed({ commonName: `${service}.${name}`, names }, between);
    put(name, service, `${own.certificate}${between.certificate}`, own.key);
    return own.key;
  };
  const put = (host: string, service: string, certificate: string, key: string): void => {
    writeFileSync(beside(`${host}-${service}.crt`), certificate);
    writeFileSync(beside(`${host}-${service}.key`), key);
    chmodSync(beside(`${host}-${service}.key`), 0o600);
  };
  const filesOf = (host: string, service: string): Record<string, object> => ({
    tls_certificate: { file: `${host}-${service}.crt` },
    tls_key: { file: `${host}-${service}.key` },
  });
  const write = (isGiven: boolean): Promise<string> => {
    const { firewall, postgresql } = withClient();
    const proxies = withPools
      ? { roles: ['base', 'firewall', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni', 'haproxy', 'pgbouncer'] }
      : {};
    const ca = isGiven ? { tls_ca: { file: 'company.crt' } } : {};
    return cluster.write({
      ...proxies,
      firewall,
      hosts: Object.fromEntries(
        cluster.hosts.map(({ name, address }) => [
          name,
          {
            address,
            ...(isGiven ? { postgresql: filesOf(name, 'server'), ...(withPools ? { pgbouncer: filesOf(name, 'pools') } : {}) } : {}),
          },
        ]),
      ),
      postgresql: { ...postgresql, tls: true, tls_names: ['db.example.com'], ...ca },
      ...(withPools ? { pgbouncer: { tls: 'required', ...ca } } : {}),
    });
  };
  const apply = async (): Promise<string> => {
    const { code, all } = await cluster.run('apply');
    expect(code, all).toBe(0);
    return all;
  };
  const presented = (host: LabHost, port = 5432): Promise<string> =>
    must(client, `openssl s_client -starttls postgres -connect ${host.address}:${port} </dev/null 2>/dev/null | ${PRINT}`);
  const ask = async (words: string): Promise<string> => {
    const { code, stdout, stderr } = await client.exec(`PGPASSWORD=${CLIENT.password} psql -XAtqc 'select pg_is_in_recovery()' ${words}`);
    return code === 0 ? stdout.trim() : stderr.trim();
  };

  beforeAll(async () => {
    cluster = await TestCluster.converged(os);
    client = cluster.host('pg3');
    const { user, password } = CLIENT;
    await sql(cluster.host('pg1'), `CREATE ROLE ${user} LOGIN PASSWORD '${password}'`);
    await write(false);
    await apply();
    writeFileSync(beside('company.crt'), root.certificate);
    await client.exec('cat >/root/company.crt', { input: root.certificate });
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('take the place of those of the cluster’s authority, without a restart, and clients check them whole', async () => {
    const starts = (): Promise<string[]> => Promise.all(cluster.hosts.map((host) => sql(host, 'select pg_postmaster_start_time()')));
    const before = await starts();
    const keys = cluster.hosts.flatMap((host) => [sign(host, 'server'), ...(withPools ? [sign(host, 'pools')] : [])]);
    await write(true);
    const told = [(await cluster.run('diff')).all, await apply()];
    const inside = keys.flatMap((key) => key.split('\n').filter((line) => line.length > 40));
    expect(inside.filter((line) => told.some((text) => text.includes(line)))).toEqual([]);
    expect(await starts()).toEqual(before);
    for (const host of cluster.hosts) {
      const own = await must(host, `${PRINT} -in ${DIRECTORY}/node.crt`);
      expect(await presented(host)).toBe(own);
      expect(await must(host, `stat -c '%U %a' ${DIRECTORY}/node.key`)).toBe('postgres 600');
      expect(await must(host, `openssl verify -CAfile ${DIRECTORY}/ca.crt -untrusted ${DIRECTORY}/node.crt ${DIRECTORY}/node.crt`)).toMatch(
        /OK$/u,
      );
    }
    expect(await apply()).toContain('No changes');
    const direct = await pgprov('dsn', cluster.file, '--direct', '--format', 'libpq', '--user', CLIENT.user);
    expect(direct.stdout).toContain(`sslrootcert=${beside('company.crt')}`);
    expect(direct.stdout).toContain('sslmode=verify-full');
    expect(await ask(`'${direct.stdout.trim().replace(beside('company.crt'), '/root/company.crt')}'`)).toBe('f');
  });

  it.runIf(withPools)('are presented by PgBouncer too, which takes those of the servers', async () => {
    const pools = await pgprov('dsn', cluster.file, '--format', 'libpq', '--user', CLIENT.user);
    expect(pools.stdout).toMatch(/port=6432 .*sslmode=verify-full/u);
    await expect
      .poll(() => ask(`'${pools.stdout.trim().replace(beside('company.crt'), '/root/company.crt')}'`), { timeout: patience(60_000) })
      .toBe('f');
    const [pg1] = cluster.hosts as [LabHost];
    expect(await presented(pg1, 6432)).not.toBe(await presented(pg1));
    expect(await must(pg1, "stat -c '%U %a' /etc/pgbouncer/tls/node.key")).toBe('postgres 600');
  });

  it('are shown with their end, and left alone by a renewal', async () => {
    const status = await pgprov('certs', 'status', cluster.file);
    expect(status.code, status.all).toBe(0);
    expect(status.all).toMatch(/^pg1 +postgresql .*\(36\d days\) +given +as given +yes /mu);
    const before = await Promise.all(cluster.hosts.map((host) => presented(host)));
    const renewed = await pgprov('certs', 'renew', cluster.file, '--all', '--yes');
    expect(renewed.code, renewed.all).toBe(0);
    expect(renewed.all).toMatch(/The inventory gives the certificates of postgresql on pg1.*does not renew/u);
    expect(await Promise.all(cluster.hosts.map((host) => presented(host)))).toEqual(before);
    expect(await apply()).toContain('No changes');
  });

  it('are named by status, which ends with 1, where somebody has replaced them on a host, as those of the cluster are', async () => {
    const [pg1] = cluster.hosts as [LabHost];
    expect((await cluster.run('status')).code).toBe(0);
    const replace = (directory: string, then: string): Promise<string> =>
      must(
        pg1,
        `cd ${directory} && openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=other -days 400 -keyout /tmp/other.key -out /tmp/other.crt 2>/dev/null && cat /tmp/other.crt >node.crt && cat /tmp/other.key >node.key && ${then}`,
      );
    // The server presents exactly what its file has, which is not what it was brought.
    await replace(DIRECTORY, 'runuser -u postgres -- psql -XAtqc "select pg_reload_conf()" postgres');
    await replace('/etc/patroni/tls', ':');
    if (withPools) await replace('/etc/pgbouncer/tls', 'systemctl reload pgbouncer');
    const problems = async (): Promise<string[]> => {
      const { code, stdout } = await cluster.run('status', '--json');
      const { problems: told } = JSON.parse(stdout) as { problems: string[] };
      expect(code).toBe(told.length === 0 ? 0 : 1);
      return told.filter((problem) => problem.includes('certificate'));
    };
    expect((await problems()).sort()).toEqual([
      expect.stringMatching(/^pg1: the certificate of patroni is not the one in the store\n`pgprov apply \S+` brings what the store has$/u),
      ...(withPools ? [expect.stringMatching(/^pg1: the certificate of pgbouncer is not the one that the inventory gives\n/u)] : []),
      expect.stringMatching(/^pg1: the certificate of postgresql is not the one that the inventory gives\n/u),
    ]);
    await apply();
    expect(await problems()).toEqual([]);
  });

  it('are refused before anything is written where clients would refuse them', async () => {
    const [pg1] = cluster.hosts as [LabHost];
    const before = await presented(pg1);
    const good = signed({ commonName: 'server.pg1', names: ['db.example.com', pg1.address] }, between);
    const other = signed({ commonName: 'another', names: ['db.example.com'] }, between);
    const refused = async (certificate: string, key: string, words: RegExp, code: number): Promise<void> => {
      put('pg1', 'server', certificate, key);
      const finished = await cluster.run('apply');
      expect(finished.all).toMatch(words);
      expect(finished.code, finished.all).toBe(code);
      expect(await presented(pg1)).toBe(before);
    };
    await refused(`${good.certificate}${between.certificate}`, other.key, /tls_key.*does not belong to the certificate/u, 2);
    await refused(good.certificate, good.key, /tls_certificate.*who signed server\.pg1 is missing/u, 2);
    const past = expired(good.certificate, good.key, between);
    await refused(`${past}${between.certificate}`, good.key, /given.*has expired|inventory gives has expired/u, 4);
    put('pg1', 'server', `${good.certificate}${between.certificate}`, good.key);
    await apply();
    expect(await presented(pg1)).not.toBe(before);
  });

  it('are told of by doctor and certs status when they end soon, with what to do, which is no renewal', async () => {
    const [pg1] = cluster.hosts as [LabHost];
    const soon = signed({ commonName: 'server.pg1', names: ['db.example.com', pg1.address], days: 5 }, between);
    put('pg1', 'server', `${soon.certificate}${between.certificate}`, soon.key);
    await apply();
    const status = await pgprov('certs', 'status', cluster.file);
    expect(status.code, status.all).toBe(7);
    expect(status.all).toMatch(/pg1: the inventory gives the certificate of postgresql, so pgprov does not renew it/u);
    const doctor = await pgprov('doctor', cluster.file);
    expect(doctor.all).toMatch(/which the inventory gives, expires in [45] days/u);
    expect(doctor.all).toMatch(/have another one signed/u);
  });

  it('give way to those of the cluster’s authority again', async () => {
    await write(false);
    await apply();
    for (const host of cluster.hosts) expect(await presented(host)).toBe(await must(host, `${PRINT} -in ${DIRECTORY}/node.crt`));
    const dsn = await pgprov('dsn', cluster.file, '--direct');
    expect(dsn.stdout).toContain('.pgprov');
    expect(await apply()).toContain('No changes');
    rmSync(beside('company.crt'));
  });
});

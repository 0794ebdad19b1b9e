import { X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { expired } from '../support/expired.js';
import { TestCluster } from './support/cluster.js';
import { Load } from './support/load.js';
import { describeMembers, etcdctl, must, sql } from './support/outside.js';
import { placesOf } from './support/places.js';
import { pgprov, start, type Finished } from './support/pgprov.js';
import { MATRIX, sample } from '../support/depth.js';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';

const HEALTHY = ['pg1 Leader running', 'pg2 Replica streaming', 'pg3 Replica streaming'];

describe('pgprov certs on a three-node cluster', () => {
  let cluster: TestCluster;
  const pki = (...path: string[]): string => join(cluster.directory, '.pgprov', 'demo', 'pki', ...path);
  const services = (): Promise<string[]> =>
    Promise.all(cluster.hosts.map((host) => must(host, 'systemctl show -p MainPID etcd patroni | tr "\\n" " "')));
  const tlsDirectory = (host: LabHost): string => placesOf(host.os).etcdTls;

  beforeAll(async () => {
    cluster = await TestCluster.converged();
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  /** SHA-256 of the certificates that a member presents to another one, to clients and to peers; fails when they are not trusted. */
  async function presented(host: LabHost): Promise<string[]> {
    const other = cluster.hosts.find(({ name }) => name !== host.name) as LabHost;
    const tls = tlsDirectory(other);
    const ask = (port: number): Promise<string> =>
      must(
        other,
        `openssl s_client -connect ${host.address}:${port} -verify_return_error -CAfile ${tls}/ca.crt -cert ${tls}/node.crt -key ${tls}/node.key </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256`,
      );
    return Promise.all([ask(2379), ask(2380)]);
  }

  const allPresented = async (): Promise<string[]> => (await Promise.all(cluster.hosts.map(presented))).flat();
  const status = (...args: string[]): Promise<Finished> => pgprov('certs', 'status', cluster.file, ...args);
  const renew = (...args: string[]): Promise<Finished> => pgprov('certs', 'renew', cluster.file, ...args);

  async function expectHealthy(): Promise<void> {
    await expect.poll(() => describeMembers(cluster.host('pg1')), { timeout: patience(30_000) }).toEqual(HEALTHY);
    for (const host of cluster.hosts) expect(await etcdctl(host, 'endpoint health')).toContain('is healthy');
    const plan = await cluster.run('plan', '--detailed-exitcode');
    expect(plan.code, plan.all).toBe(0);
  }

  it('reports that all is well, and what expires within the given days', async () => {
    const well = await status('--json');
    expect(well.code, well.all).toBe(0);
    const { places, authorities, expiring, problems } = JSON.parse(well.stdout) as {
      places: { host: string; service: string; onHost: string; loaded?: boolean }[];
      authorities: unknown[];
      expiring: string[];
      problems: string[];
    };
    expect(places.map(({ host, service, onHost, loaded }) => `${host} ${service} ${onHost} ${loaded ?? '-'}`)).toEqual(
      ['pg1', 'pg2', 'pg3'].flatMap((host) => [`${host} etcd as in the store true`, `${host} patroni as in the store -`]),
    );
    expect([authorities.length, expiring, problems]).toEqual([1, [], []]);
    const later = await status('--within', '2000');
    expect(later.code, later.all).toBe(7);
    expect(later.stdout).toContain(`pgprov certs renew ${cluster.file} --within 2000`);
  });

  it('finds nothing to renew, and does not ask where there is no terminal', async () => {
    const none = await renew();
    expect([none.code, none.stdout]).toEqual([0, expect.stringContaining('No certificate has to be renewed')]);
    const unasked = await renew('--all');
    expect([unasked.code, unasked.stderr]).toEqual([2, expect.stringContaining('--yes')]);
  });

  it('renews a single host, and restarts nothing', async () => {
    const [before, running] = [await allPresented(), await services()];
    const { code, all } = await renew('--all', '--host', 'pg2', '--yes');
    expect(code, all).toBe(0);
    const after = await allPresented();
    expect(after.map((fingerprint, index) => fingerprint === before[index])).toEqual([true, true, false, false, true, true]);
    const kept = new X509Certificate(await readFile(pki('nodes', 'pg2.crt')));
    expect(after[2]).toContain(kept.fingerprint256);
    expect(await services()).toEqual(running);
    expect(all).toMatch(/pg3 and etcd on pg2 trust each other/u);
  });

  it('renews nothing while a member is down', async () => {
    const before = await allPresented();
    await must(cluster.host('pg3'), 'systemctl stop etcd');
    const { code, all } = await renew('--all', '--yes');
    expect(code, all).toBe(1);
    expect(all).toContain('pg3: etcd is not healthy');
    await must(cluster.host('pg3'), 'systemctl start etcd');
    expect(await allPresented()).toEqual(before);
  });

  it(`rotates the authority, killed in ${MATRIX ? 'every phase' : 'one of its phases'}, without a failed write`, async () => {
    const old = {
      ca: await readFile(pki('ca.crt'), 'utf8'),
      certificate: await readFile(pki('nodes', 'pg1.crt'), 'utf8'),
      key: await readFile(pki('nodes', 'pg1.key'), 'utf8'),
    };
    const postmaster = await sql(cluster.host('pg1'), 'select pg_postmaster_start_time()');
    const [pg1, pg3] = [cluster.host('pg1'), cluster.host('pg3')];
    const tls = tlsDirectory(pg3);
    const members = cluster.hosts.map(({ address }) => `https://${address}:2379`).join(',');
    const put = `ETCDCTL_API=3 etcdctl --dial-timeout=${patience(2)}s --command-timeout=${patience(5)}s --endpoints=${members} --cacert=${tls}/ca.crt --cert=${tls}/node.crt --key=${tls}/node.key put /load x`;
    // Once more, as etcd and Patroni do, for it may read the certificate and the key when only one of them has been replaced.
    const load = await Load.start(pg1, pg3, `{ ${put} || { sleep 0.5; ${put}; }; }`);
    const moments = [
      /pg2 {2}etcd\/start {2}changed: restart/u,
      /phase 2[\s\S]*pg3 {2}etcd\/start {2}changed: write/u,
      /phase 3[\s\S]*pg2 {2}patroni\/start {2}changed: write/u,
    ];
    for (const moment of sample(moments, 1, 'rotation')) {
      const run = start(['certs', 'renew', cluster.file, '--ca', '--yes', '--output', 'plain']);
      await run.printed(moment);
      run.process.kill('SIGKILL');
      expect((await run.finished).signal).toBe('SIGKILL');
      const rotating = await status('--json');
      expect(JSON.parse(rotating.stdout)).toMatchObject({
        rotation: expect.stringMatching(/^(?:trust|issue|drop)$/u) as string,
        advice: [expect.stringContaining(`certs renew ${cluster.file} --ca`)],
      });
    }
    const applied = await cluster.run('apply');
    expect(applied.code, applied.all).toBe(0);
    const last = await renew('--ca', '--yes');
    expect(last.code, last.all).toBe(0);
    const seen = await load.stop();
    process.stdout.write(`rotation under load: ${seen.rows} rows, at most ${seen.longestGap} s apart\n`);
    expect(seen.failures).toEqual([]);
    expect(seen.rows).toBeGreaterThan(50);
    expect(await sql(pg1, 'select pg_postmaster_start_time()')).toBe(postmaster);

    const ca = await readFile(pki('ca-2.crt'), 'utf8');
    for (const host of cluster.hosts)
      for (const path of [`${tlsDirectory(host)}/ca.crt`, '/etc/patroni/tls/ca.crt'])
        expect(`${await must(host, `cat ${path}`)}\n`).toBe(ca);
    await allPresented();
    await must(pg3, 'mkdir -m 700 /run/old');
    for (const [name, text] of Object.entries(old)) await pg3.exec(`cat >/run/old/${name}`, { input: text });
    const stale = await pg3.exec(
      `curl -s --cacert ${tls}/ca.crt --cert /run/old/certificate --key /run/old/key https://${pg1.address}:2379/health`,
    );
    expect([stale.code === 0, stale.stdout]).toEqual([false, '']);
    await expectHealthy();
  });

  it('refuses an authority of another cluster', async () => {
    const host = cluster.host('pg3');
    const ca = `${tlsDirectory(host)}/ca.crt`;
    await must(
      host,
      `cp -p ${ca} /run/ca.crt && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=pgprov CA 2 of demo' -days 9 -keyout /dev/null 2>/dev/null >>${ca}`,
    );
    const runs = [await cluster.run('apply'), await renew('--ca', '--yes')];
    await must(host, `cp -p /run/ca.crt ${ca}`);
    for (const { code, all } of runs) {
      expect(code, all).toBe(4);
      expect(all).toContain('another certificate authority');
    }
  });

  longCase('certificates that have expired', 'brings a cluster back whose certificates have expired', async () => {
    const authority = { certificate: await readFile(pki('ca-2.crt'), 'utf8'), key: await readFile(pki('ca-2.key'), 'utf8') };
    for (const host of cluster.hosts) {
      const [crt, key] = [pki('nodes', `${host.name}.crt`), pki('nodes', `${host.name}.key`)];
      const past = expired(await readFile(crt, 'utf8'), await readFile(key, 'utf8'), authority);
      await writeFile(crt, past);
      await host.exec(`tee ${tlsDirectory(host)}/node.crt >/etc/patroni/tls/node.crt`, { input: past });
    }
    await Promise.all(cluster.hosts.map((host) => must(host, 'systemctl restart --no-block etcd')));
    await expect(etcdctl(cluster.host('pg1'), 'endpoint health')).rejects.toThrow();
    const ended = await status();
    expect(ended.code, ended.all).toBe(7);
    const { code, all } = await renew('--yes');
    expect(code, all).toBe(0);
    await expect
      .poll(() => sql(cluster.host('pg1'), 'insert into load default values returning 1').catch(() => ''), { timeout: patience(60_000) })
      .toBe('1');
    await expectHealthy();
  });
});

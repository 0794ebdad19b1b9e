import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Fault } from '../integration/support/doctor.js';
import { doctorsCluster } from '../integration/support/doctors-cluster.js';
import { etcdctl } from '../integration/support/outside.js';
import { placesOf } from '../integration/support/places.js';
import { expired } from '../support/expired.js';
import { patience } from '../support/patience.js';

const at = doctorsCluster();

const FOLDERS = [placesOf('debian13').etcdTls, '/etc/patroni/tls'];

const NOT_AFTER = /^notAfter=.* GMT, issuer .*CN=pgprov CA of demo/u;

/** Replaces the certificate of a host by one that ended a year ago, in the store and for both services: of the cluster's own authority, with the same names and key. */
async function expire(name: string): Promise<void> {
  const { cluster } = at;
  const pki = (...path: string[]): string => join(cluster.directory, '.pgprov', 'demo', 'pki', ...path);
  const read = (...path: string[]): Promise<string> => readFile(pki(...path), 'utf8');
  const node = (kind: string): string => `${name}.${kind}`;
  const authority = { certificate: await read('ca.crt'), key: await read('ca.key') };
  const past = expired(await read('nodes', node('crt')), await read('nodes', node('key')), authority);
  await writeFile(pki('nodes', node('crt')), past);
  for (const folder of FOLDERS) await cluster.host(name).exec(`cat >${folder}/node.crt`, { input: past });
}

/** What is to be found of the expired certificates of a host, of etcd's and of Patroni's. */
const expiredOn = (host: string): [Fault, Fault] => {
  const [etcd = '', patroni = ''] = FOLDERS;
  const fault = (folder: string): Fault => ({
    diagnosis: 'certificates',
    level: 'broken',
    host,
    line: NOT_AFTER,
    what: new RegExp(`^the certificate ${folder}/node\\.crt has expired$`, 'u'),
    hoursAgo: 367 * 24,
  });
  return [fault(etcd), fault(patroni)];
};

it('finds the expired certificates of one host, whose etcd the others refuse, and has them renewed', async () => {
  const { cluster, doctor } = at;
  const { leader, one } = await doctor.members();
  const [etcd, patroni] = expiredOn(one);
  const [found] = await doctor.provoke(
    {
      ...etcd,
      wrong: async () => {
        await expire(one);
        await doctor.on(one, 'systemctl restart --no-block etcd');
        const refused = "journalctl -u etcd --since -60s | grep -c 'certificate has expired' || :";
        await expect.poll(() => doctor.on(leader, refused), { timeout: patience(30_000) }).not.toBe('0');
      },
      advice: 'mends',
    },
    patroni,
  );
  expect(found?.mend).toMatch(/^`pgprov certs renew /u);
  expect(await etcdctl(cluster.host(one), 'endpoint health')).toContain('is healthy');
});

it('finds that all certificates have expired, which costs the quorum and the leader, and has them renewed', async () => {
  const { cluster, doctor } = at;
  const names = cluster.hosts.map(({ name }) => name);
  const { leader } = await doctor.members();
  const [found] = await doctor.provoke({
    diagnosis: 'certificates',
    level: 'broken',
    line: NOT_AFTER,
    what: /^certificates of pg1, pg2 and pg3 have expired, which leaves no quorum of the store$/u,
    hoursAgo: 367 * 24,
    wrong: async () => {
      for (const name of names) await expire(name);
      await Promise.all(names.map((name) => doctor.on(name, 'systemctl restart --no-block etcd')));
      const follows = (): Promise<string> => doctor.at(leader, 'select pg_is_in_recovery()').catch(String);
      await expect.poll(follows, { timeout: patience(90_000) }).toBe('t');
    },
    advice: 'mends',
  });
  expect(found?.consequences.map(({ diagnosis }) => diagnosis)).toEqual(expect.arrayContaining(['store-quorum', 'no-leader']));
  await doctor.at((await doctor.members()).leader, 'CREATE TABLE after_renewal AS SELECT 1 AS n');
});

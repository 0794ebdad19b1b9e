import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, etcdctl, must, sql } from '../integration/support/outside.js';
import { killAtEach, pgprov } from '../integration/support/pgprov.js';
import { placesOf } from '../integration/support/places.js';
import { CLIENT, withClient } from '../integration/support/written-cluster.js';
import { SYSTEMS, type LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';
import { Writer } from '../walk/writer.js';

/**
 * Machines that were taken out as lost and come back with all of their files, while a client writes. Debian 12 has etcd 3.4, Debian 13 has 3.5. The
 * first is made as a cluster of before there were lists, so that its first removal brings one.
 */
describe.each([
  { os: 'debian13', older: false },
  { os: 'debian12', older: true },
] as const)('a machine that comes back after it was taken out ($os)', ({ os, older }) => {
  let cluster: TestCluster;
  let writer: Writer;

  const host = (name: string): LabHost => cluster.host(name);
  const tls = placesOf(os).etcdTls;
  const has = async (...names: string[]): Promise<void> => {
    const base = parse(await readFile(cluster.file, 'utf8')) as Record<string, unknown>;
    const hosts = Object.fromEntries(names.map((name) => [name, host(name).address]));
    await writeFile(cluster.file, stringify({ ...base, ...withClient({ postgresql: { version: SYSTEMS[os].postgresql } }), hosts }));
  };
  const store = (): string => join(cluster.file, '..', '.pgprov', 'demo', 'pki', 'revocations.json');
  const etcdStarts = (...names: string[]): Promise<string[]> =>
    Promise.all(names.map((name) => must(host(name), 'systemctl show -p MainPID --value etcd')));
  const whole = async (...names: string[]): Promise<void> => {
    await expect
      .poll(
        async () =>
          (await describeMembers(host(names[0] as string)).catch(() => [])).filter((line) =>
            /(?:Leader running|Replica (?:streaming|running))$/u.test(line),
          ).length,
        {
          timeout: patience(180_000),
        },
      )
      .toBe(names.length);
    expect(await etcdctl(host(names[0] as string), 'endpoint health --cluster')).not.toContain('unhealthy');
    expect(await writer.lost([])).toEqual([]);
  };
  const leader = async (on: LabHost): Promise<string> =>
    (await describeMembers(on)).find((line) => line.includes(' Leader '))?.split(' ')[0] ?? '';
  /** Whether etcd on a host answers who presents a certificate, asked from another host. */
  const asks = async (from: string, at: string, directory: string): Promise<boolean> => {
    const { code } = await host(from).exec(
      `curl -sf -m 5 -o /dev/null --cacert ${directory}/ca.crt --cert ${directory}/node.crt --key ${directory}/node.key https://${host(at).address}:2379/version`,
    );
    return code === 0;
  };
  /** It has no part in the cluster, by the word of everybody else, and stays so for a while. */
  const staysOut = async (name: string, ...members: string[]): Promise<void> => {
    const on = host(members[0] as string);
    await expect.poll(() => must(host(name), 'systemctl is-active etcd || true'), { timeout: patience(60_000) }).not.toBe('active');
    for (let look = 0; look < 4; look += 1) {
      expect(await etcdctl(on, 'get --prefix --keys-only /service/demo/members')).not.toContain(name);
      expect((await describeMembers(on)).map((line) => line.split(' ')[0])).not.toContain(name);
      const slots = await sql(host(await leader(on)), 'select slot_name, wal_status from pg_replication_slots');
      expect(slots).not.toContain(name);
      expect((await host(name).exec('pgrep -x postgres')).code).not.toBe(0);
      await sleep(8_000);
    }
    // Its machine reaches them, and its own certificate is good until its day.
    for (const member of members) {
      expect(await asks(name, member, tls)).toBe(false);
      expect((await host(name).exec(`bash -c '</dev/tcp/${host(member).address}/2379'`)).code).toBe(0);
      for (const other of members) expect(await asks(member, other, tls)).toBe(true);
    }
    expect((await host(name).exec(`timeout 20 patronictl -c ${placesOf(os).patroniConfig} list`)).code).not.toBe(0);
  };
  const isSettled = async (): Promise<void> => {
    const plan = await pgprov('plan', cluster.file);
    expect([plan.code, plan.all]).toEqual([0, expect.stringContaining('No changes.')]);
    const status = await pgprov('status', cluster.file);
    expect([status.code, status.all]).toEqual([0, expect.any(String)]);
    const applied = await pgprov('apply', cluster.file, '--yes');
    expect([applied.code, applied.all]).toEqual([0, expect.stringContaining('No changes')]);
  };
  /** As an earlier pgprov has left a cluster: neither etcd nor the store knows of a list. */
  const makeOlder = async (...names: string[]): Promise<void> => {
    for (const name of names) {
      await must(host(name), `sed -i /ETCD_CLIENT_CRL_FILE/d /etc/default/etcd && rm ${tls}/revoked.crl && systemctl restart etcd`);
      await expect
        .poll(() => etcdctl(host(name), 'endpoint health --cluster').catch(() => 'unhealthy'), { timeout: patience(60_000) })
        .not.toContain('unhealthy');
    }
    await rm(store());
  };

  beforeAll(async () => {
    cluster = await TestCluster.start(`fence-${os}`, os, 4, 'packages');
    await has('pg1', 'pg2', 'pg3');
    const applied = await pgprov('apply', cluster.file, '--yes');
    expect(applied.code, applied.all).toBe(0);
    await sql(
      host('pg1'),
      `CREATE ROLE ${CLIENT.user} LOGIN PASSWORD '${CLIENT.password}'; GRANT CREATE ON SCHEMA public TO ${CLIENT.user}`,
    );
    writer = await Writer.start({ addresses: cluster.hosts.map(({ address }) => address), ...CLIENT });
  });

  afterAll(async () => {
    await writer?.stop();
    await cluster?.remove();
  });

  it.runIf(older)('is told of in a cluster of before there were lists, which gets none for nothing', async () => {
    await makeOlder('pg1', 'pg2', 'pg3');
    // What etcd was restarted with by hand is not what pgprov has recorded.
    const applied = await pgprov('apply', cluster.file, '--yes');
    expect(applied.code, applied.all).toBe(0);
    expect((await host('pg1').exec(`test -e ${tls}/revoked.crl`)).code).not.toBe(0);
  });

  it.runIf(!older)('is stopped first where it is back in the middle of its removal, by the same command', async () => {
    const slotsTtl = async (): Promise<unknown> =>
      (JSON.parse(await etcdctl(host('pg1'), 'get --print-value-only /service/demo/config')) as Record<string, unknown>)[
        'member_slots_ttl'
      ];
    await host('pg3').kill();
    const remove = ['remove', cluster.file, '--host', 'pg3', '--dead', '--yes', '--output', 'plain'];
    await killAtEach(remove, [/remove\/slots(?!-)/u]);
    expect(await slotsTtl()).toBe('0s');
    const givenUp = await pgprov('remove', cluster.file, '--give-up', '--yes');
    expect([givenUp.code, givenUp.all, await slotsTtl()]).toEqual([0, expect.stringContaining('is given up'), undefined]);
    await killAtEach(remove, [/base\/prepare/u]);
    await host('pg3').start();
    const registered = (): Promise<string> => etcdctl(host('pg1'), 'get --prefix --keys-only /service/demo/members');
    await expect.poll(registered, { timeout: patience(120_000) }).toContain('pg3');
    const removed = await pgprov(...remove);
    expect([removed.code, removed.all]).toEqual([0, expect.stringContaining('pg3 answers again, though it was given as dead')]);
    expect(removed.all).toMatch(/etcd refuses the certificates of pg3/u);
    expect((await host('pg3').exec('systemctl is-enabled patroni etcd')).stdout).not.toMatch(/^enabled/mu);
    expect(await slotsTtl()).toBeUndefined();
    await must(host('pg3'), 'systemctl start etcd patroni || true');
    await staysOut('pg3', 'pg1', 'pg2');
    await isSettled();
    await wipe('pg3');
    await has('pg1', 'pg2', 'pg3');
    const back = await pgprov('apply', cluster.file, '--yes');
    expect(back.code, back.all).toBe(0);
    await whole('pg1', 'pg2', 'pg3');
  });

  it('is refused by etcd of the others, by the same command where pgprov was killed at each step of it', async () => {
    const before = await etcdStarts('pg1', 'pg2');
    await isSettled();
    expect(await etcdStarts('pg1', 'pg2')).toEqual(before);
    await host('pg3').kill();
    const remove = ['remove', cluster.file, '--host', 'pg3', '--dead', '--yes', '--output', 'plain'];
    await killAtEach(remove, [/remove\/leave-store/u, /base\/prepare/u, /etcd\/start/u, /remove\/fence/u]);
    const removed = await pgprov(...remove);
    expect(removed.code, removed.all).toBe(0);
    expect(removed.all).toMatch(/etcd refuses the certificates of pg3/u);
    const after = await etcdStarts('pg1', 'pg2');
    if (older) expect(after.every((pid, index) => pid !== before[index])).toBe(true);
    else expect(after).toEqual(before);
    await whole('pg1', 'pg2');
    const certs = await pgprov('certs', 'status', cluster.file);
    expect([certs.code, certs.all]).toEqual([0, expect.stringMatching(/gone +serial[\s\S]*pg3 +[0-9A-F]+ +\d{4}-\d\d-\d\d +since /u)]);
    await host('pg3').start();
    await staysOut('pg3', 'pg1', 'pg2');
    await isSettled();
  });

  it('does not lead while nobody else does', async () => {
    for (const name of ['pg1', 'pg2']) await must(host(name), 'systemctl stop patroni');
    const until = Date.now() + 60_000;
    while (Date.now() < until) {
      expect(await etcdctl(host('pg1'), 'get --prefix --keys-only /service/demo/')).not.toMatch(/leader|members\/pg3/u);
      expect((await host('pg3').exec('pgrep -x postgres')).code).not.toBe(0);
      await sleep(3_000);
    }
    // Who led last has all that was committed, and leads before another one could, which would fork the timeline.
    await must(host('pg2'), 'systemctl start patroni');
    await expect.poll(() => leader(host('pg2')), { timeout: patience(90_000) }).toBe('pg2');
    await must(host('pg1'), 'systemctl start patroni');
    await whole('pg1', 'pg2');
  });

  it('is refused by a store of certificates that is older than its removal, which would let it in', async () => {
    const text = await readFile(store(), 'utf8');
    const { revoked, list, ...rest } = JSON.parse(text) as Record<string, unknown>;
    expect([Array.isArray(revoked), typeof list]).toEqual([true, 'string']);
    await writeFile(store(), JSON.stringify({ ...rest, revoked: [] }));
    const applied = await pgprov('apply', cluster.file, '--yes');
    expect([applied.code, applied.all]).toEqual([4, expect.stringContaining('it is older than the removal of a host')]);
    await writeFile(store(), text);
    await isSettled();
  });

  /** Makes of a host a machine on which nothing is, but for packages; what it had of certificates stays in a corner. */
  const wipe = (name: string): Promise<string> =>
    must(
      host(name),
      `rm -rf /root/former; cp -a ${tls} /root/former; systemctl disable --now patroni etcd 2>/dev/null; pkill -9 -x postgres; rm -rf /var/lib/etcd/* /var/lib/postgresql/*/main /var/lib/pgprov /etc/patroni/config.yml /var/lib/postgresql/.pgpass ${tls}/*`,
    );

  it('comes back as a new host with another certificate, and one that it replaces is refused, without a restart of etcd', async () => {
    await wipe('pg3');
    await has('pg1', 'pg2', 'pg4');
    const joined = await pgprov('apply', cluster.file, '--yes');
    expect(joined.code, joined.all).toBe(0);
    await whole('pg1', 'pg2', 'pg4');
    const before = await etcdStarts('pg1', 'pg4');
    await host('pg2').kill();
    await has('pg1', 'pg2', 'pg3', 'pg4');
    const replace = ['replace', cluster.file, '--host', 'pg2', '--by', 'pg3', '--dead', '--yes', '--output', 'plain'];
    await killAtEach(replace, [/base\/prepare/u, /etcd\/join/u, /replace\/fence/u]);
    const replaced = await pgprov(...replace);
    expect(replaced.code, replaced.all).toBe(0);
    await whole('pg1', 'pg3', 'pg4');
    expect(await etcdStarts('pg1', 'pg4')).toEqual(before);
    expect([await asks('pg3', 'pg1', '/root/former'), await asks('pg3', 'pg1', tls)]).toEqual([false, true]);
    await host('pg2').start();
    await staysOut('pg2', 'pg1', 'pg3', 'pg4');
    await isSettled();
  });

  it('is refused as the former machine of a name that a new one has', async () => {
    await wipe('pg4');
    const replaced = await pgprov('replace', cluster.file, '--host', 'pg4', '--dead', '--yes', '--output', 'plain');
    expect(replaced.code, replaced.all).toBe(0);
    await whole('pg1', 'pg3', 'pg4');
    for (const at of ['pg1', 'pg3', 'pg4'])
      expect([at, await asks('pg4', at, '/root/former'), await asks('pg4', at, tls)]).toEqual([at, false, true]);
    await isSettled();
  });

  it('is refused after it was taken out while it lived, also with what it kept of its connections', async () => {
    const removed = await pgprov('remove', cluster.file, '--host', 'pg4', '--yes', '--output', 'plain');
    expect(removed.code, removed.all).toBe(0);
    await whole('pg1', 'pg3');
    await must(host('pg4'), 'systemctl start etcd patroni || true');
    await staysOut('pg4', 'pg1', 'pg3');
    await isSettled();
  });
});

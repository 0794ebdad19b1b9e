import { describe, expect } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';
import type { TestCluster } from './support/cluster.js';
import { etcdctl, must, patronictlConfig, sql } from './support/outside.js';
import { pgprov, start } from './support/pgprov.js';
import { placesOf } from './support/places.js';
import { onRecoveringCluster, type RecoveringCluster } from './support/recovering.js';

describe('pgprov recover, with a store that has lost what it had', () => {
  let tested: RecoveringCluster;
  let cluster: TestCluster;

  /** Who led when, as Patroni has it. */
  const history = async (host: LabHost): Promise<unknown[][]> => JSON.parse((await tested.key(host, 'history')) || '[]') as unknown[][];
  const handOver = async (): Promise<LabHost> => {
    const former = await tested.leader();
    const { code, all } = await pgprov('switchover', cluster.file, '--yes');
    expect(code, all).toBe(0);
    const leader = await tested.leader();
    expect(leader).not.toBe(former);
    // Patroni notes the change in the loop after it.
    await expect.poll(async () => (await history(leader)).at(-1)?.[4], { timeout: patience(30_000) }).toBe(leader.name);
    return leader;
  };
  const stopEtcd = async (): Promise<void> => {
    for (const host of cluster.hosts) await must(host, 'systemctl stop etcd');
  };
  /** By one curl, which keeps its connection. */
  const writeOften = async (host: LabHost, times: number): Promise<void> => {
    const { etcdTls } = placesOf(host.os);
    const tls = `--cacert ${etcdTls}/ca.crt --cert ${etcdTls}/node.crt --key ${etcdTls}/node.key`;
    const urls = `for n in $(seq ${times}); do echo url=https://${host.address}:2379/v3/kv/put; done`;
    await must(host, `${urls} | curl -sf ${tls} -d '{"key":"cGdwcm92","value":"cGdwcm92"}' -K - >/dev/null`);
  };
  const lose = (host: LabHost): Promise<string> => must(host, 'rm -rf /var/lib/etcd/demo/member');

  onRecoveringCluster(async (begun) => {
    tested = begun;
    cluster = begun.cluster;
    await tested.patch({ failsafe_mode: true });
  });

  longCase(
    'etcd with the data of one member',
    'puts Patroni’s keys back from the member of etcd that has its data, also after it was killed',
    async () => {
      const last = await handOver();
      await tested.stopAll(last);
      const [before, config, failsafe] = [await history(last), await patronictlConfig(last), await tested.key(last, 'failsafe')];
      expect(failsafe).toContain(last.name);
      await stopEtcd();
      for (const host of tested.others(last)) await lose(host);

      const shown = await tested.recover('--check');
      expect(shown.code, shown.all).toBe(0);
      expect(shown.all).toMatch(new RegExp(`what Patroni kept in it is put back from etcd’s data on ${last.name}, last written 20`, 'u'));
      expect(shown.all).toMatch(/put back into etcd: (?=.*history)(?=.*failsafe).* below \/service\/demo\//u);

      const killed = start(['recover', cluster.file, '--yes', '--output', 'json']);
      await killed.printed(/"type":"step-start"[^\n]*"stage":"recover\/identity"|"stage":"recover\/identity"[^\n]*"type":"step-start"/u);
      killed.process.kill('SIGKILL');
      await killed.finished;
      const { code, all } = await tested.recover('--yes');
      expect(code, all).toBe(0);
      await tested.expectWhole(last.name);
      expect(await patronictlConfig(last)).toBe(config);
      expect(await must(last, 'ls -d /var/lib/etcd/demo.aside-*/member')).toContain('member');
      await expect.poll(async () => (await history(last)).length, { timeout: patience(30_000) }).toBe(before.length + 1);
      expect((await history(last)).slice(0, before.length)).toEqual(before);
      expect(await tested.key(last, 'failsafe')).toContain(last.name);
    },
  );

  longCase(
    'etcd without any data',
    'takes the newest snapshot where etcd has no data anywhere, and the members’ own word for what came after it',
    async () => {
      const saved = await pgprov('snapshot', cluster.file);
      expect(saved.code, saved.all).toBe(0);
      const old = await history(cluster.host('pg1'));
      const last = await handOver();
      const before = await history(last);
      expect(before).toHaveLength(old.length + 1);
      await tested.stopAll(last);
      await stopEtcd();
      for (const host of cluster.hosts) await lose(host);
      const shown = await tested.recover('--check');
      expect(shown.all).toMatch(/from the snapshot \S+\.pgprov\/demo\/snapshots\/\S+\.tar\.gz, taken 20/u);
      expect(shown.all).toContain(
        `it does not know how timeline ${String(before.at(-1)?.[0])} was left, which ${last.name}’s history says`,
      );
      const { code, all } = await tested.recover('--yes');
      expect(code, all).toBe(0);
      await tested.expectWhole(last.name);
      await expect.poll(async () => (await history(last)).length, { timeout: patience(30_000) }).toBe(before.length + 1);
      expect((await history(last)).slice(0, old.length)).toEqual(old);
      expect((await history(last)).slice(0, before.length).map(([timeline, at]) => [timeline, at])).toEqual(
        before.map(([timeline, at]) => [timeline, at]),
      );
    },
  );

  longCase(
    'etcd without its WAL',
    'makes etcd anew where the WAL of too many members is gone: they would answer, and take no writes',
    async () => {
      const last = await tested.leader();
      // What etcd is asked meanwhile makes the new WAL longer.
      await writeOften(last, 1000);
      await tested.stopAll(last);
      const [before, config] = [await history(last), await patronictlConfig(last)];
      await stopEtcd();
      const loseWal = async (): Promise<void> => {
        for (const host of cluster.hosts) await must(host, 'rm -rf /var/lib/etcd/demo/member/wal');
      };
      await loseWal();
      for (const host of cluster.hosts) await must(host, 'systemctl start --no-block etcd');
      await expect.poll(() => tested.key(last, 'initialize').catch(() => ''), { timeout: patience(60_000) }).not.toBe('');
      const refused = await tested.recover('--yes');
      expect(refused.code, refused.all).toBe(4);
      expect(refused.all).toContain('etcd answers on pg1 and takes no writes ("etcdserver: request timed out")');
      await stopEtcd();
      await loseWal();
      const shown = await tested.recover('--check');
      expect(shown.all).toContain('on pg1, pg2 and pg3 its WAL (member/wal) is gone, without which etcd answers and takes no writes');
      const { code, all } = await tested.recover('--yes');
      expect(code, all).toBe(0);
      await tested.expectWhole(last.name);
      expect(await patronictlConfig(last)).toBe(config);
      expect((await history(last)).slice(0, before.length)).toEqual(before);
    },
  );

  longCase(
    'a host that is given up',
    'stops members that hold an election where the leader’s host is given up, and goes on with the furthest',
    async () => {
      const lost = await tested.leader();
      await tested.commit(lost);
      const [one, two] = tested.others(lost);
      const count = 'select count(*) from proof';
      const all = await sql(lost, count);
      for (const host of [one, two]) await expect.poll(() => sql(host, count), { timeout: patience(20_000) }).toBe(all);
      await lost.kill();
      const { code, all: said } = await tested.recover('--without', lost.name, '--yes');
      expect(code, said).toBe(0);
      await lost.start();
      const leader = await tested.leader();
      await tested.expectWhole(leader.name);
    },
  );

  longCase(
    'WAL that is gone',
    'names a member that needs WAL which the leader no longer has, before it begins, and rebuild brings it back',
    async () => {
      const first = await tested.leader();
      const [away] = tested.others(first);
      await must(away, 'systemctl stop patroni');
      await tested.commit(first);
      const { data } = placesOf(first.os);
      // The file system of a lab host cannot rename a directory of its image, as PostgreSQL does to drop a slot.
      await must(first, `cd ${data}/pg_replslot && cp -a ${away.name} /tmp/slot && rm -r ${away.name} && mv /tmp/slot ${away.name}`);
      await sql(first, 'alter system set wal_keep_size = 0');
      await sql(first, 'select pg_reload_conf()');
      for (let segment = 0; segment < 6; segment += 1) {
        // Patroni makes the slot of a member anew, for the WAL from then on.
        await sql(first, `select count(pg_drop_replication_slot(slot_name)) from pg_replication_slots where slot_name = '${away.name}'`);
        await sql(first, "select pg_logical_emit_message(true, 'test', 'more')");
        await sql(first, 'select pg_switch_wal()');
        await sql(first, 'checkpoint');
      }
      const { code, all } = await tested.recover('--yes');
      expect(code, all).toBe(1);
      expect(all).toMatch(
        new RegExp(
          `${away.name} is left as it is: it has WAL up to \\S+, and ${first.name} has only what comes from \\S+ on\n.*pgprov rebuild `,
          'u',
        ),
      );
      const rebuilt = await pgprov('rebuild', cluster.file, '--host', away.name, '--yes');
      expect(rebuilt.code, rebuilt.all).toBe(0);
      await tested.expectWhole(first.name);
      expect(await must(away, 'systemctl is-enabled patroni')).toBe('enabled');
      await sql(first, 'alter system reset wal_keep_size');
    },
  );

  longCase('Patroni’s keys are gone', 'says of keys that are no longer there, with etcd at work, where they come back from', async () => {
    const last = await tested.leader();
    const saved = await pgprov('snapshot', cluster.file);
    expect(saved.code, saved.all).toBe(0);
    const before = await history(last);
    await tested.stopAll(last);
    await etcdctl(last, 'del --prefix /service/demo/');
    const { code, all } = await tested.recover('--yes');
    expect(code, all).toBe(0);
    expect(all).toMatch(/from the snapshot \S+\.tar\.gz, taken 20/u);
    await tested.expectWhole(last.name);
    expect((await history(last)).slice(0, before.length)).toEqual(before);
  });
});

import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';
import { TestCluster } from './support/cluster.js';
import { describeMembers, etcdctl, must, sql } from './support/outside.js';
import { start } from './support/pgprov.js';

describe('etcd’s quorum in a running cluster', () => {
  let cluster: TestCluster;
  let pg1: LabHost;
  let pg2: LabHost;
  let pg3: LabHost;

  beforeAll(async () => {
    cluster = await TestCluster.converged();
    [pg1, pg2, pg3] = cluster.hosts as [LabHost, LabHost, LabHost];
    await sql(pg1, 'create table proof as select 42 as answer');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  const processes = (...hosts: LabHost[]): Promise<string[]> =>
    Promise.all(hosts.map((host) => must(host, 'systemctl show -p MainPID -p NRestarts etcd')));
  const healthy = (): Promise<string> => etcdctl(pg1, 'endpoint health --cluster').catch((error: Error) => error.message);

  /** All members are healthy, and writes go on. */
  async function expectWell(): Promise<void> {
    await expect.poll(async () => (await healthy()).match(/is healthy/gu)?.length, { timeout: patience(60_000) }).toBe(3);
    const states = async (): Promise<string[]> => (await describeMembers(pg1)).map((line) => line.slice('pgN '.length)).sort();
    await expect.poll(states, { timeout: patience(60_000) }).toEqual(['Leader running', 'Replica streaming', 'Replica streaming']);
    const leader = (await describeMembers(pg1)).find((line) => line.includes(' Leader '))?.slice(0, 3) ?? '';
    expect(await sql(cluster.host(leader), 'update proof set answer = 42 returning answer')).toBe('42');
  }

  longCase('a member of etcd that the run leaves out', 'counts a member that the run leaves out', async () => {
    await must(pg3, 'systemctl stop etcd');
    const before = await processes(pg1, pg2);
    for (const words of [['plan'], ['apply', '--check'], ['apply', '--yes']]) {
      const run = await cluster.run(
        words[0] as string,
        ...words.slice(1).filter((word) => word !== '--yes'),
        '--host',
        'pg1,pg2',
        '--set',
        'etcd.heartbeat_interval=200',
      );
      expect([words.join(' '), run.code], run.all).toEqual([words.join(' '), 4]);
      expect(run.all).toMatch(/pg1.*pg3 is not healthy: a restart of etcd here would leave 1 of 3 members, and a quorum needs 2/u);
      expect(run.all).toMatch(/→ start etcd on pg3 first/u);
    }
    expect(await processes(pg1, pg2)).toEqual(before);
    await must(pg3, 'systemctl start etcd');
    await expectWell();
  });

  longCase('power lost in an earlier stage', 'is checked again when a host has lost power in an earlier stage', async () => {
    const before = await processes(pg1, pg2);
    const run = start(['apply', cluster.file, '--yes', '--set', 'etcd.heartbeat_interval=150', '--set', 'etcd.election_timeout=1500']);
    // Cutting the power takes a moment, in which the run goes through several stages.
    await run.printed(/base\/prepare/u);
    await pg3.kill();
    const { code, all } = await run.finished;
    const after = await processes(pg1, pg2);
    await pg3.start();
    await expectWell();
    expect([3, 4], all).toContain(code);
    expect(all).toMatch(/pg[12].*pg3 is not healthy: a restart of etcd here would leave 1 of 3 members, and a quorum needs 2/u);
    expect(after, all).toEqual(before);
    const next = await cluster.run('apply');
    expect(next.code, next.all).toBe(0);
    await expectWell();
  });

  longCase('a replaced member of etcd', 'has a member join anew whose data was lost, once the old one was taken out by hand', async () => {
    await must(pg3, 'systemctl stop etcd && rm -rf /var/lib/etcd/demo/member');
    for (const command of ['plan', 'apply']) {
      const run = await cluster.run(command);
      expect(run.code, run.all).toBe(4);
      expect(run.all).toMatch(/pg3.*the data of its etcd member is gone, while the other members still list it \(id [0-9a-f]+\)/u);
      expect(run.all).toMatch(
        /→ as root on pg[12], a member that works: `export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=\S+ ETCDCTL_CACERT=\S+ ETCDCTL_CERT=\S+ ETCDCTL_KEY=\S+`: `etcdctl member remove [0-9a-f]+`; then run this again: pg3 joins anew/u,
      );
    }
    expect(await must(pg3, 'systemctl is-active etcd || :')).toBe('inactive');

    const id = /^([0-9a-f]+), \w+, pg3,/mu.exec(await etcdctl(pg1, 'member list'))?.[1] ?? '';
    await etcdctl(pg1, `member remove ${id}`);
    const joined = await cluster.run('apply');
    expect(joined.code, joined.all).toBe(0);
    expect(await etcdctl(pg1, 'member list')).not.toMatch(/, true$/mu);
    await expectWell();
    const diff = await cluster.run('diff');
    expect(diff.code, diff.all).toBe(0);
  });

  longCase('a second etcd', 'is not replaced by a second etcd when two of three members have lost their data', async () => {
    await must(pg1, 'systemctl stop etcd');
    for (const host of [pg2, pg3]) await must(host, 'systemctl stop etcd && mv /var/lib/etcd/demo/member /var/lib/etcd/demo.away');
    for (const words of [[], ['--host', 'pg2,pg3']]) {
      const run = await cluster.run('apply', ...words);
      expect(run.code, run.all).toBe(4);
      expect(run.all).toMatch(
        words.length === 0
          ? /pg2.*the data of its etcd member is gone/u
          : /pg2.*etcd has no data here, and pg1, which may have the data of this etcd, was not asked/u,
      );
    }
    expect(await must(pg2, 'systemctl is-active etcd || :; ls /var/lib/etcd/demo')).toBe('inactive');
    for (const host of [pg2, pg3]) await must(host, 'mv /var/lib/etcd/demo.away /var/lib/etcd/demo/member');
    await Promise.all(cluster.hosts.map((host) => must(host, 'systemctl start etcd')));
    await expectWell();
  });

  longCase(
    'etcd without client certificates',
    'stays intact when a drop-in turns client certificates off: status, diff and apply say so, with the correction',
    async () => {
      const directory = '/etc/systemd/system/etcd.service.d';
      await must(
        pg2,
        `mkdir -p ${directory} && printf '[Service]\\nExecStart=\\nExecStart=/usr/bin/env -u ETCD_CLIENT_CERT_AUTH -u ETCD_TRUSTED_CA_FILE /usr/bin/etcd\\n' >${directory}/open.conf && systemctl daemon-reload && systemctl restart etcd`,
      );
      const status = await cluster.run('status');
      expect(status.code).toBe(1);
      expect(status.all).toMatch(/pg2.*drop-ins of its unit: \/etc\/systemd\/system\/etcd\.service\.d\/open\.conf/u);
      expect(status.all).toMatch(
        /pg2: etcd: it runs with other settings than its configuration: ETCD_TRUSTED_CA_FILE is not set, not \S+, and ETCD_CLIENT_CERT_AUTH is not set, not true/u,
      );
      for (const command of ['diff', 'apply']) {
        const run = await cluster.run(command);
        expect(run.code, run.all).toBe(1);
        expect(run.all).toMatch(
          /pg2(?::| {2}failed:) \S+open\.conf overrides the configuration of etcd, which so starts with other settings: .*ETCD_CLIENT_CERT_AUTH is not set, not true/u,
        );
      }
      await must(pg2, `rm -r ${directory} && systemctl daemon-reload`);
      const diff = await cluster.run('diff');
      expect([diff.code, diff.all]).toEqual([6, expect.stringMatching(/restart etcd \(it runs with other settings: /u)]);
      const apply = await cluster.run('apply');
      expect(apply.code, apply.all).toBe(0);
      expect((await cluster.run('status')).code).toBe(0);
      await expectWell();
    },
  );
});

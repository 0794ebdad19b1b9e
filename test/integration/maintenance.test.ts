import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';
import type { LabHost } from '../lab/index.js';
import type { Writer } from '../walk/writer.js';
import type { TestCluster } from './support/cluster.js';
import { controldata, describeMembers, etcdctl, must, patronictlConfig, sql } from './support/outside.js';
import { pgprov, start } from './support/pgprov.js';
import { WrittenCluster } from './support/written-cluster.js';

const STREAMING = ['pg1 Leader running', 'pg2 Replica streaming', 'pg3 Replica streaming'];
const DOWN = ['shut down', 'shut down in recovery', 'shut down in recovery'];

describe('maintenance operations', () => {
  let written: WrittenCluster | undefined;
  let cluster: TestCluster;
  let writer: Writer;
  let timeline: string;

  const members = (): Promise<string[]> => describeMembers(cluster.host('pg1'));
  const states = (): Promise<string[]> => Promise.all(cluster.hosts.map((host) => controldata(host, 'Database cluster state')));
  const timelines = (): Promise<string> => sql(cluster.host('pg1'), 'SELECT timeline_id FROM pg_control_checkpoint()');
  const run = async (code: number, ...words: string[]): Promise<string> => {
    const [command = '', ...rest] = words;
    const result = await pgprov(command, cluster.file, ...rest);
    expect(result.code, result.all).toBe(code);
    return result.all;
  };
  /** Kills pgprov when it says these words. */
  const killed = async (words: RegExp, ...command: string[]): Promise<void> => {
    const [name = '', ...rest] = command;
    const begun = start([name, cluster.file, ...rest]);
    await begun.printed(words);
    begun.process.kill('SIGKILL');
    await begun.finished;
  };
  /** The locks of a run that was killed go when its hosts see the connection end. */
  const finishes = (...words: string[]): Promise<void> => {
    const [command = '', ...rest] = words;
    return expect.poll(async () => (await pgprov(command, cluster.file, ...rest)).code, { timeout: patience(150_000) }).toBe(0);
  };

  beforeAll(async () => {
    written = await WrittenCluster.start();
    ({ cluster, writer } = written);
    timeline = await timelines();
  });

  afterAll(async () => {
    await written?.remove();
  });

  it('begin and end maintenance mode, seen by every member', async () => {
    expect(await run(0, 'pause', '--check')).toContain('put demo into maintenance mode (on pg1)');
    expect(await patronictlConfig(cluster.host('pg1'))).not.toContain('pause');
    await run(0, 'pause', '--yes');
    expect(await patronictlConfig(cluster.host('pg1'))).toContain('pause: true');
    const keys = await etcdctl(cluster.host('pg1'), 'get --prefix --print-value-only /service/demo/members/');
    expect(keys.match(/"pause":true/gu)).toHaveLength(3);
    expect(await run(0, 'pause', '--yes')).toContain('demo is in maintenance mode already');
    expect(await run(0, 'status')).toContain(`until \`pgprov resume ${cluster.file}\``);
    expect(await run(4, 'stop', '--yes')).toContain(`pgprov resume ${cluster.file}`);
    expect(await run(0, 'resume', '--check')).toContain('pg1 stays the leader');
    await run(0, 'resume', '--yes');
    expect(await etcdctl(cluster.host('pg1'), 'get --prefix --print-value-only /service/demo/members/')).not.toContain('"pause"');
    expect(await run(0, 'resume', '--yes')).toContain('demo is not in maintenance mode');
    expect(await members()).toEqual(STREAMING);
  });

  it('reload files, unless one has an error', async () => {
    const loaded = (name: string): Promise<string> => sql(cluster.host(name), 'SELECT extract(epoch FROM pg_conf_load_time())');
    const before = await Promise.all(['pg1', 'pg2', 'pg3'].map(loaded));
    const access = await sql(cluster.host('pg2'), 'SHOW hba_file');
    await must(cluster.host('pg2'), `cp -p ${access} /root/hba && echo 'host all all 192.0.2.9/32 trusty' >>${access}`);
    expect(await run(4, 'reload', '--yes')).toMatch(/pg_hba\.conf, line \d+: invalid authentication method "trusty"/u);
    await must(cluster.host('pg2'), `cp -p /root/hba ${access}`);
    expect(await Promise.all(['pg1', 'pg2', 'pg3'].map(loaded))).toEqual(before);
    expect(await run(0, 'reload', '--host', 'pg2', '--yes')).not.toContain('on pg1');
    await run(0, 'reload', '--yes');
    const after = await Promise.all(['pg1', 'pg2', 'pg3'].map(loaded));
    expect(after.map((at, index) => Number(at) > Number(before[index]))).toEqual([true, true, true]);
    expect(await members()).toEqual(STREAMING);
  });

  longCase(
    'a server kept down by maintenance mode',
    'keep an apply from waiting for a server that maintenance mode keeps down',
    async () => {
      await must(cluster.host('pg3'), 'systemctl stop patroni');
      await run(0, 'pause', '--yes');
      expect(await run(4, 'apply', '--yes')).toContain('PostgreSQL is down, and Patroni does not start it in maintenance mode');
      expect(await run(4, 'start', '--yes')).toContain(`pgprov resume ${cluster.file}`);
      await run(0, 'resume', '--yes');
      expect(await run(0, 'start', '--host', 'pg3', '--yes')).toContain('start Patroni on pg3');
      expect(await members()).toEqual(STREAMING);
    },
  );

  it('stop some members only when no other member would take over', async () => {
    expect(await run(4, 'stop', '--host', 'pg1', '--yes')).toContain(
      'pg1 leads, and pg2 and pg3 would stay up: one of them would take over',
    );
    expect(await run(4, 'stop', '--host', 'pg2,pg3', '--yes')).toContain('1 of 3 members of etcd would be left, and a quorum needs 2');
    await run(0, 'stop', '--host', 'pg2', '--yes');
    expect(await controldata(cluster.host('pg2'), 'Database cluster state')).toBe('shut down in recovery');
    expect(await run(0, 'stop', '--host', 'pg2', '--yes')).toContain('stopped on pg2 already');
    await run(0, 'start', '--host', 'pg2', '--yes');
    expect(await members()).toEqual(STREAMING);
  });

  it('stop all members and start them without a failover, with every commit', async () => {
    expect(await run(0, 'stop', '--check')).toMatch(
      /1\. stop Patroni and PostgreSQL on pg2 and pg3[^]*2\. stop Patroni and PostgreSQL on pg1, the leader/u,
    );
    const said = await run(0, 'stop', '--yes');
    expect(said).toContain(`\`pgprov start ${cluster.file}\` starts them again`);
    expect(await states()).toEqual(DOWN);
    expect(await etcdctl(cluster.host('pg1'), 'endpoint health')).toContain('is healthy');
    expect(await run(0, 'stop', '--yes')).toContain('are stopped on pg1, pg2 and pg3 already');
    expect(await run(4, 'start', '--host', 'pg2', '--yes')).toContain(
      'nobody leads, and a member that is left out may have the last commits',
    );
    expect(await run(0, 'start', '--check')).toContain('pg1');
    await run(0, 'start', '--yes');
    expect(await members()).toEqual(STREAMING);
    // Patroni starts the leader as a standby and promotes it, which begins a timeline.
    expect(Number(await timelines())).toBe(Number(timeline) + 1);
    expect(await writer.lost([])).toEqual([]);
    expect(await run(0, 'start', '--yes')).toContain('all members run already');
  });

  longCase(
    'a boot after a stop',
    'keep members down when all hosts boot, and lose nothing when the host of the last leader comes back last',
    async () => {
      await run(0, 'stop', '--yes');
      const [leader, ...others] = cluster.hosts as [LabHost, ...LabHost[]];
      await Promise.all(cluster.hosts.map((host) => host.kill()));
      await Promise.all(others.map((host) => host.start()));
      await expect.poll(() => etcdctl(others[0] as LabHost, 'endpoint health'), { timeout: patience(60_000) }).toContain('is healthy');
      // Long enough for an election, where there were one.
      await new Promise((resolve) => setTimeout(resolve, 40_000));
      expect(await run(4, 'start', '--yes')).toContain('nobody leads, and pg1, which cannot be reached, may have the last commits');
      expect(await Promise.all(others.map((host) => controldata(host, 'Database cluster state')))).toEqual(DOWN.slice(1));
      await leader.start();
      await run(0, 'start', '--yes');
      expect(await members()).toEqual(STREAMING);
      expect(await writer.lost([])).toEqual([]);
      expect(await must(leader, 'systemctl is-enabled patroni')).toBe('enabled');
      expect((await cluster.run('apply')).all).toContain('No changes');
    },
  );

  longCase('stop and start killed at each step', 'are finished by the same command after they were killed at each step', async () => {
    const before = Number(await timelines());
    await killed(/stop Patroni and PostgreSQL on pg2 and pg3/u, 'stop', '--yes');
    await finishes('stop', '--yes');
    expect(await states()).toEqual(DOWN);
    await killed(/start patroni|start Patroni/u, 'start', '--yes');
    await finishes('start', '--yes');
    expect(await members()).toEqual(STREAMING);
    await killed(/on pg1, the leader/u, 'stop', '--yes');
    await finishes('stop', '--yes');
    expect(await states()).toEqual(DOWN);
    await finishes('start', '--yes');
    expect(await members()).toEqual(STREAMING);
    expect(Number(await timelines())).toBe(before + 2);
    expect(await writer.lost([])).toEqual([]);
    expect((await cluster.run('apply')).all).toContain('No changes');
  });
});

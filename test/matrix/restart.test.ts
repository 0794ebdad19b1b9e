import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, must, patronictl, sql } from '../integration/support/outside.js';
import { pgprov, start } from '../integration/support/pgprov.js';
import { postgresStarts, startTimes } from '../integration/support/starts.js';
import { withClient, WrittenCluster } from '../integration/support/written-cluster.js';
import { patience } from '../support/patience.js';

const NAMES = ['pg1', 'pg2', 'pg3'];

describe('restarts of all kinds, in all directions, with a client that writes', () => {
  let written: WrittenCluster | undefined;
  let cluster: TestCluster;
  /** As it was after the last case. */
  let leading = 'pg1';

  const members = (): Promise<string[]> => describeMembers(cluster.host('pg1'));
  const onAll = (query: string): Promise<string[]> => Promise.all(cluster.hosts.map((host) => sql(host, query)));
  const apply = async (parameters: object): Promise<void> => {
    await cluster.write(withClient({ postgresql: { parameters } }));
    const applied = await cluster.run('apply');
    expect(applied.code, applied.all).toBe(0);
  };
  const restart = async (...args: string[]): Promise<string> => {
    const { code, all } = await pgprov('restart', cluster.file, '--yes', ...args);
    expect(code, all).toBe(0);
    return all;
  };
  /** How often each member was started since. */
  const startsSince = async (before: readonly number[]): Promise<number[]> =>
    (await postgresStarts(cluster.hosts)).map((count, index) => count - (before[index] ?? 0));
  const patroniStarts = (): Promise<string[]> =>
    Promise.all(cluster.hosts.map((host) => must(host, 'systemctl show -p InvocationID --value patroni')));
  const order = async (): Promise<string[]> => {
    const times = await startTimes(cluster.hosts);
    return [...NAMES].sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0));
  };

  beforeAll(async () => {
    written = await WrittenCluster.start({ postgresql: { parameters: { max_connections: 100 } } });
    ({ cluster } = written);
  });

  afterAll(async () => {
    await written?.remove();
  });

  afterEach(async () => {
    leading = (await written?.whole()) ?? '';
  });

  it('raise in place: standbys first, and the leader stays', async () => {
    await apply({ max_connections: 150 });
    await restart('--pending', '--in-place');
    expect(await onAll('SHOW max_connections')).toEqual(['150', '150', '150']);
    expect(await order()).toEqual(['pg2', 'pg3', 'pg1']);
    expect(await members()).toContain('pg1 Leader running');
  });

  it('lower on the leader first, and are finished by the same command after a kill there', async () => {
    await apply({ max_connections: 110 });
    const before = await postgresStarts(cluster.hosts);
    const run = start(['restart', cluster.file, '--pending', '--yes']);
    await run.printed(/restart-pg1 {2}note: restarting PostgreSQL/u);
    run.process.kill('SIGKILL');
    await run.finished;
    await restart('--pending');
    expect(await onAll('SHOW max_connections')).toEqual(['110', '110', '110']);
    expect(await order()).toEqual(['pg1', 'pg2', 'pg3']);
    expect(await startsSince(before)).toEqual([1, 1, 1]);
    expect(await members()).toContain('pg1 Leader running');
  });

  it('are finished by the same command after a kill during the switchover', async () => {
    const before = await postgresStarts(cluster.hosts);
    const run = start(['restart', cluster.file, '--switchover', '--yes']);
    await run.printed(/restart\/hand-over/u);
    run.process.kill('SIGKILL');
    await run.finished;
    await expect.poll(async () => (await pgprov('restart', cluster.file, '--yes')).code, { timeout: patience(120_000) }).toBe(0);
    expect(await startsSince(before)).toEqual([1, 1, 1]);
  });

  it('are refused for a service where they would be useless, or harm the others', async () => {
    const standby = NAMES.find((name) => name !== leading) ?? '';
    const refused = async (host: string, sentence: string): Promise<void> => {
      const { code, all } = await pgprov('restart', cluster.file, '--pending', '--host', host, '--yes');
      expect(all).toContain(sentence);
      expect(code, all).toBe(4);
    };
    const before = await postgresStarts(cluster.hosts);
    await apply({ max_connections: 105 });
    await refused(standby, `was not restarted for a lower max_connections, so ${standby} would keep`);
    await apply({ max_connections: 130 });
    await refused(leading, `${leading} leads, and its restart raises max_connections`);
    expect(await startsSince(before)).toEqual([0, 0, 0]);
    await restart('--pending');
    expect(await startsSince(before)).toEqual([1, 1, 1]);
  });

  it('include Patroni, and PostgreSQL with it', async () => {
    const [units, before] = [await patroniStarts(), await postgresStarts(cluster.hosts)];
    await restart('--service', 'patroni');
    expect((await patroniStarts()).filter((id, index) => id === units[index])).toEqual([]);
    // The former leader starts as a standby, and once more with its unit.
    expect(await startsSince(before)).toEqual(NAMES.map((name) => (name === leading ? 2 : 1)));
  });

  it('include Patroni alone in maintenance mode, in which PostgreSQL is not restarted', async () => {
    await patronictl(cluster.host('pg1'), 'pause --wait demo');
    const [units, before] = [await patroniStarts(), await postgresStarts(cluster.hosts)];
    const refused = await pgprov('restart', cluster.file, '--yes');
    expect([refused.code, refused.all]).toEqual([4, expect.stringContaining('the cluster is in maintenance mode')]);
    await restart('--service', 'patroni');
    expect((await patroniStarts()).filter((id, index) => id === units[index])).toEqual([]);
    expect(await startsSince(before)).toEqual([0, 0, 0]);
    await patronictl(cluster.host('pg1'), 'resume --wait demo');
  });

  it('are refused while a member is down, and wait for one that is just starting', async () => {
    const [first = '', second = ''] = NAMES.filter((name) => name !== leading);
    await must(cluster.host(first), 'systemctl stop patroni');
    const before = await postgresStarts(cluster.hosts);
    const refused = await pgprov('restart', cluster.file, '--host', second, '--yes');
    expect(refused.all).toContain(`${first} does not stream from ${leading}`);
    expect(refused.code, refused.all).toBe(4);
    expect(await startsSince(before)).toEqual([0, 0, 0]);
    await must(cluster.host(first), 'systemctl start patroni');
    await restart('--host', second);
    expect(await startsSince(before)).toEqual([1, 1, 1].map((_, index) => (NAMES[index] === leading ? 0 : 1)));
  });

  it('are refused for etcd while one of its members is down', async () => {
    const units = (): Promise<string[]> =>
      Promise.all(cluster.hosts.slice(0, 2).map((host) => must(host, 'systemctl show -p InvocationID --value etcd')));
    const before = await units();
    await must(cluster.host('pg3'), 'systemctl stop etcd');
    const refused = await pgprov('restart', cluster.file, '--service', 'etcd', '--yes');
    await must(cluster.host('pg3'), 'systemctl start etcd');
    expect(refused.all).toContain('etcd on pg3 is not healthy: a restart of another member would leave 1 of 3, and a quorum needs 2');
    expect(refused.code, refused.all).toBe(4);
    expect(await units()).toEqual(before);
  });
});

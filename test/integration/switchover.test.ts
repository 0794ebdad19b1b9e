import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { journalFile, runIds } from '../../src/store/journal.js';
import type { ClusterStatus } from '../../src/lib/cluster-status.js';
import { assertDocumented } from '../support/json-lines.js';
import type { LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';
import { SteadyClient } from '../walk/steady-client.js';
import type { TestCluster } from './support/cluster.js';
import { controldata, describeMembers, must, patronictl, sql } from './support/outside.js';
import { pgprov, start } from './support/pgprov.js';
import { CLIENT, withClient, WrittenCluster } from './support/written-cluster.js';

const STREAMING = (leader: string): string[] =>
  ['pg1', 'pg2', 'pg3'].map((name) => `${name} ${name === leader ? 'Leader running' : 'Replica streaming'}`);

describe('pgprov switchover', () => {
  let written: WrittenCluster | undefined;
  let cluster: TestCluster;

  const store = (): string => join(cluster.directory, '.pgprov', 'demo');
  const members = (): Promise<string[]> => describeMembers(cluster.host('pg1'));
  const lastJournal = (): Promise<string> => readFile(journalFile(store(), runIds(store()).at(-1) ?? ''), 'utf8');
  /** Sessions of the probe that measures gaps in writes, on all hosts. */
  const probes = async (): Promise<string[]> =>
    Promise.all(cluster.hosts.map((host) => must(host, "pgrep -f '[p]sql -XAtqw' || :"))).then((all) => all.filter((pids) => pids !== ''));

  const leaderHost = async (): Promise<LabHost> =>
    cluster.host((await members()).find((line) => line.endsWith('Leader running'))?.split(' ')[0] ?? '');

  beforeAll(async () => {
    written = await WrittenCluster.start();
    ({ cluster } = written);
  });

  afterAll(async () => {
    await written?.remove();
  });

  afterEach(async () => {
    await written?.whole();
  });

  it('shows its steps and changes nothing', async () => {
    const { code, all } = await pgprov('switchover', cluster.file, '--to', 'pg2', '--check');
    expect(code, all).toBe(0);
    expect(all).toContain('1. hand the lead from pg1 to pg2 (on pg1)');
    expect(all).toContain('every connection to pg1 is cut, and writes fail for some seconds');
    expect(all).toContain('2. wait until pg1 and pg3 stream from pg2 (on pg2)');
    expect(await members()).toEqual(STREAMING('pg1'));
  });

  it('requires --yes where nobody can be asked', async () => {
    const { code, all } = await pgprov('switchover', cluster.file, '--to', 'pg2');
    expect(code, all).toBe(2);
    expect(all).toContain('demo holds data, and there is no terminal to ask on whether the switchover may begin');
    expect(await members()).toEqual(STREAMING('pg1'));
  });

  it('moves the lead, and is done only when all members stream on the new timeline', async () => {
    const before = Number(await controldata(cluster.host('pg1'), "Latest checkpoint's TimeLineID"));
    const { code, all } = await pgprov('switchover', cluster.file, '--to', 'pg2', '--yes');
    expect(code, all).toBe(0);
    expect(await members()).toEqual(STREAMING('pg2'));
    expect(await sql(cluster.host('pg2'), 'SELECT timeline_id FROM pg_control_checkpoint()')).toBe(String(before + 1));
    expect(await sql(cluster.host('pg1'), 'SELECT received_tli FROM pg_stat_wal_receiver')).toBe(String(before + 1));
    const journal = await lastJournal();
    expect(journal.split('\n')[0]).toContain('"command":"switchover --to pg2"');
    const { lastPromotion } = JSON.parse((await pgprov('status', cluster.file, '--json')).stdout) as ClusterStatus;
    const history = JSON.parse(await patronictl(cluster.host('pg3'), 'history -f json')) as Record<string, string>[];
    expect([lastPromotion?.to, lastPromotion?.timeline, lastPromotion?.at]).toEqual(['pg2', before + 1, history.at(-1)?.['Timestamp']]);
    assertDocumented(journal);
    // A client that connects anew with every row is without an answer for longer.
    const [gap] = journal.split('\n').flatMap((line) => (line.includes('"type":"write-gap"') ? [JSON.parse(line)] : []));
    expect(gap).toMatchObject({ stage: 'switchover/hand-over', from: 'pg1', to: 'pg2', ms: expect.any(Number) });
    expect(gap.lost).toBeUndefined();
    expect(all).toMatch(/writes paused for [\d.]+ s: from the last commit on pg1 to the first on pg2/u);
    expect(await probes()).toEqual([]);
  });

  it('finds nothing to do when it is given again', async () => {
    const { code, all } = await pgprov('switchover', cluster.file, '--to', 'pg2', '--yes');
    expect(code, all).toBe(0);
    expect(all).toContain('pg2 leads already, and all others stream from it');
    expect(await members()).toEqual(STREAMING('pg2'));
  });

  it('leaves nothing to do for an apply', async () => {
    const { code, all } = await cluster.run('apply');
    expect(code, all).toBe(0);
    expect(all).toContain('No changes');
    expect(await members()).toEqual(STREAMING('pg2'));
  });

  it('refuses with a sentence', async () => {
    const refused = async (words: string[], sentence: string): Promise<void> => {
      const { code, all } = await pgprov('switchover', cluster.file, ...words, '--yes');
      expect(all).toContain(sentence);
      expect(code, all).toBe(4);
    };
    await patronictl(cluster.host('pg1'), 'pause --wait demo');
    await refused(['--to', 'pg3'], 'the cluster is in maintenance mode');
    await patronictl(cluster.host('pg1'), 'resume --wait demo');
    expect(await members()).toEqual(STREAMING('pg2'));
  });

  it('is not what `pgprov failover` does while a member leads', async () => {
    for (const words of [[], ['--to', 'pg1']]) {
      const { code, all } = await pgprov('failover', cluster.file, ...words, '--yes');
      expect(all).toContain('pg2 leads, so there is nothing to fail over from');
      expect(code, all).toBe(4);
    }
    expect(await members()).toEqual(STREAMING('pg2'));
  });

  it('schedules a switchover, refuses another until then, and cancels it', async () => {
    const scheduled = async (): Promise<unknown> =>
      JSON.parse(await must(cluster.host('pg3'), `curl -s http://${cluster.host('pg3').address}:8008/cluster`)).scheduled_switchover;
    const made = await pgprov('switchover', cluster.file, '--to', 'pg1', '--at', '2099-01-01T01:00+01:00', '--yes');
    expect(made.code, made.all).toBe(0);
    expect(made.all).toContain('have Patroni hand the lead from pg2 to pg1 at 2099-01-01 00:00:00 UTC');
    expect(await scheduled()).toMatchObject({ at: '2099-01-01T01:00:00+01:00', from: 'pg2', to: 'pg1' });
    const again = await pgprov('switchover', cluster.file, '--to', 'pg1', '--at', '2099-01-01T00:00Z', '--yes');
    expect(again.code, again.all).toBe(0);
    expect(again.all).toContain('nothing is left to schedule: Patroni shows it to pg1 at 2099-01-01T01:00:00+01:00');
    for (const words of [
      ['--to', 'pg3'],
      ['--at', '+5m'],
    ]) {
      const { code, all } = await pgprov('switchover', cluster.file, ...words, '--yes');
      expect(all).toContain('a switchover to pg1 is scheduled for 2099-01-01T01:00:00+01:00');
      expect(code, all).toBe(4);
    }
    const status = await pgprov('status', cluster.file);
    expect(status.all).toContain('scheduled: a switchover from pg2 to pg1 at 2099-01-01 00:00:00 UTC');
    const cancelled = await pgprov('switchover', cluster.file, '--cancel', '--yes');
    expect(cancelled.code, cancelled.all).toBe(0);
    expect(await scheduled()).toBeUndefined();
    const none = await pgprov('switchover', cluster.file, '--cancel', '--yes');
    expect(none.all).toContain('no switchover is scheduled');
    expect(none.code, none.all).toBe(0);
    expect(await members()).toEqual(STREAMING('pg2'));
  });

  it('refuses a standby that cannot take over, with the reason, and moves the lead to another while that one is down', async () => {
    await must(cluster.host('pg3'), 'systemctl stop patroni');
    await expect
      .poll(
        async () =>
          (await members()).some((line) => line.startsWith('pg3') && !line.endsWith('streaming')) ||
          !(await members()).some((line) => line.startsWith('pg3')),
        { timeout: patience(60_000) },
      )
      .toBe(true);
    const { code, all } = await pgprov('switchover', cluster.file, '--to', 'pg3', '--yes');
    expect(all).toContain('pg3 cannot take the lead: it');
    expect(code, all).toBe(4);
    const away = await pgprov('switchover', cluster.file, '--to', 'pg1', '--yes');
    await must(cluster.host('pg3'), 'systemctl start patroni');
    expect(away.code, away.all).toBe(0);
    expect(away.all).toContain('nothing waits for pg3, which did not stream before: pg3 is');
    expect(away.all).toContain('pg1 leads. As before, not every member streams: pg3 is');
    expect((await members()).filter((line) => !line.startsWith('pg3'))).toEqual(['pg1 Leader running', 'pg2 Replica streaming']);
  });

  it('is finished by the same command after it was killed, and nothing else changes the cluster until then', async () => {
    const run = start(['switchover', cluster.file, '--to', 'pg3', '--yes']);
    await run.printed(/waiting until pg3 leads|hand the lead/u);
    await expect
      .poll(async () => readFile(join(store(), 'operation.json'), 'utf8').catch(() => ''), { timeout: patience(30_000), interval: 50 })
      .toContain('switchover');
    run.process.kill('SIGKILL');
    await run.finished;
    await expect.poll(probes, { timeout: patience(30_000) }).toEqual([]);
    const other = await pgprov('apply', cluster.file, '--yes');
    expect(other.all).toContain('the switchover --to pg3 that');
    expect(other.all).toContain(`pgprov switchover ${cluster.file} --give-up`);
    expect(other.code, other.all).toBe(4);
    const contradicting = await pgprov('switchover', cluster.file, '--to', 'pg1', '--yes');
    expect(contradicting.code, contradicting.all).toBe(2);
    await expect.poll(async () => (await pgprov('switchover', cluster.file, '--yes')).code, { timeout: patience(120_000) }).toBe(0);
    expect(await members()).toEqual(STREAMING('pg3'));
    expect((await cluster.run('apply')).code).toBe(0);
  });

  it('can be given up', async () => {
    await writeFile(
      join(store(), 'operation.json'),
      JSON.stringify({
        operation: 'switchover',
        given: { to: 'pg1' },
        chosen: { to: 'pg1' },
        began: '2026-11-28T09:00:00.000Z',
        by: 'ann@laptop',
      }),
    );
    expect((await pgprov('apply', cluster.file, '--yes')).code).toBe(4);
    const given = await pgprov('switchover', cluster.file, '--give-up');
    expect(given.all).toContain('the switchover --to pg1 that ann@laptop began at 2026-11-28T09:00:00Z is given up');
    expect(given.code).toBe(0);
    expect((await cluster.run('apply')).code).toBe(0);
    expect(await members()).toEqual(STREAMING('pg3'));
  });

  it('chooses the standby with the least lag, and HAProxy leads clients there', async () => {
    const proxy = cluster.host('pg1');
    const roles = ['base', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni', 'haproxy'];
    await cluster.write(withClient({ hosts: { pg1: { address: proxy.address, roles } } }));
    const applied = await cluster.run('apply', '--role', 'haproxy');
    expect(applied.code, applied.all).toBe(0);
    const { user, password } = CLIENT;
    const server = async (port: number): Promise<string> => {
      const psql = `PGPASSWORD=${password} psql -XAtq -h ${proxy.address} -p ${port} -U ${user} postgres`;
      return (await cluster.host('pg2').exec(`${psql} -c 'select host(inet_server_addr()), pg_is_in_recovery()'`)).stdout.trim();
    };
    await expect.poll(() => server(5000), { timeout: patience(20_000) }).toBe(`${cluster.host('pg3').address}|f`);
    const { code, all } = await pgprov('switchover', cluster.file, '--yes', '--output', 'json');
    expect(code, all).toBe(0);
    const steps = all.split('\n').find((line) => line.includes('"type":"steps"')) ?? '';
    expect(JSON.parse(steps).steps.map(({ id }: { id: string }) => id)).toEqual(['switchover/hand-over', 'switchover/follow']);
    const after = await members();
    expect([STREAMING('pg1'), STREAMING('pg2')]).toContainEqual(after);
    const leader = after.find((line) => line.endsWith('Leader running'))?.split(' ')[0] ?? '';
    await expect.poll(() => server(5000), { timeout: patience(20_000) }).toBe(`${cluster.host(leader).address}|f`);
    await expect.poll(() => server(5001), { timeout: patience(20_000) }).toMatch(/\|t$/u);
  });

  it('holds clients of a pool up meanwhile, with --pause-pools, and none of them sees an error', async () => {
    const [first, ...others] = cluster.hosts as [LabHost, LabHost, LabHost];
    const roles = ['base', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni', 'haproxy', 'pgbouncer'];
    await cluster.write(withClient({ hosts: { [first.name]: { address: first.address, roles } } }));
    const applied = await cluster.run('apply');
    expect(applied.code, applied.all).toBe(0);
    await sql(await leaderHost(), 'CREATE TABLE pooled (id bigserial PRIMARY KEY); GRANT ALL ON pooled, pooled_id_seq TO clerk');
    const access = { addresses: [first.address], port: 6432, ...CLIENT };
    const client = await SteadyClient.start(access, 'INSERT INTO pooled DEFAULT VALUES RETURNING id');
    try {
      const { code, all } = await pgprov('switchover', cluster.file, '--pause-pools', '--yes', '--output', 'json');
      expect(code, all).toBe(0);
      const steps = all.split('\n').find((line) => line.includes('"type":"steps"')) ?? '';
      expect(JSON.parse(steps).steps.map(({ id }: { id: string }) => id)).toEqual(
        ['pause-pools-1', 'hand-over', 'lead-proxies-1', 'resume-pools-1', 'follow'].map((id) => `switchover/${id}`),
      );
      await client.moves();
      expect(client.errors).toEqual([]);
    } finally {
      await client.stop();
    }
    const told = await sql(await leaderHost(), 'SELECT count(*) FROM pooled');
    expect(Number(told)).toBeGreaterThanOrEqual(client.answered);
    for (const host of others) expect((await host.exec('systemctl is-active pgbouncer')).code).not.toBe(0);
  });
});

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { assertDocumented } from '../support/json-lines.js';
import { journalFile, runIds } from '../../src/store/journal.js';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';
import type { Writer } from '../walk/writer.js';
import type { TestCluster } from './support/cluster.js';
import { describeMembers, etcdctl, must, patronictl, sql } from './support/outside.js';
import { pgprov, start, type Finished } from './support/pgprov.js';
import { withClient, WrittenCluster } from './support/written-cluster.js';

/** Patroni's shortest, so that a lost leader is noticed soon. */
const TIMES = { ttl: 20, loop_wait: 5, retry_timeout: 5 };

describe('pgprov failover', () => {
  let written: WrittenCluster | undefined;
  let cluster: TestCluster;
  let writer: Writer;

  const failover = (...words: string[]): Promise<Finished> => pgprov('failover', cluster.file, ...words);
  const refused = async (words: string[], sentence: string): Promise<void> => {
    const { code, all } = await failover(...words, '--yes');
    expect(all).toContain(sentence);
    expect(code, all).toBe(4);
  };
  const configure = async (patroni: Record<string, unknown>): Promise<void> => {
    await cluster.write(withClient({ patroni: { dynamic: { ...TIMES, ...patroni } } }));
    const { code, all } = await pgprov('apply', cluster.file, '--yes');
    expect(code, all).toBe(0);
  };

  beforeAll(async () => {
    written = await WrittenCluster.start({ patroni: { dynamic: TIMES } });
    ({ cluster, writer } = written);
  });

  afterAll(async () => {
    await written?.remove();
  });

  longCase(
    'failover over standbys that lag',
    'makes a member leader that Patroni would not promote, says what is lost, and is finished by the same command after a kill',
    async () => {
      const pg1 = cluster.host('pg1');
      // Nothing of PostgreSQL's leaves its host any more, so what is written there reaches no standby; etcd hears how far it is.
      await must(pg1, 'ip rule add priority 100 ipproto tcp sport 5432 blackhole');
      await sql(pg1, "SELECT count(pg_logical_emit_message(false, 'test', repeat('x', 4000000)))");
      const position = Number(await sql(pg1, "SELECT pg_current_wal_lsn() - '0/0'"));
      const noted = async (): Promise<number> =>
        JSON.parse(await etcdctl(cluster.host('pg2'), 'get /service/demo/status --print-value-only')).optime as number;
      await expect.poll(noted, { timeout: patience(30_000) }).toBeGreaterThanOrEqual(position - 1000);
      await patronictl(cluster.host('pg2'), 'pause --wait demo');
      await pg1.kill();
      await refused([], 'the cluster is in maintenance mode');
      await patronictl(cluster.host('pg2'), 'resume demo');

      const shown = await failover('--check');
      expect(shown.code, shown.all).toBe(0);
      expect(shown.all).toMatch(/1\. give Patroni up to \d+ s to choose a leader by itself \(on pg2\)/u);
      expect(shown.all).toContain('2. make pg2 the leader in place of pg1, if Patroni has chosen none (on pg2)');
      expect(shown.all).toMatch(/pg1 was last known at 0\/[0-9A-F]+: at least \d{7} bytes are lost/u);
      await refused(['--to', 'pg1'], 'pg1 cannot take the lead: it cannot be reached');

      const killed = start(['failover', cluster.file, '--to', 'pg2', '--yes']);
      await killed.printed(/waiting until Patroni has chosen a leader/u);
      killed.process.kill('SIGKILL');
      await killed.finished;
      const other = await pgprov('apply', cluster.file, '--yes');
      expect(other.all).toContain('the failover --to pg2 that');
      expect(other.code, other.all).toBe(4);
      await expect.poll(async () => (await failover('--yes')).code, { timeout: patience(180_000) }).toBe(0);
      expect(await describeMembers(cluster.host('pg3'))).toEqual(expect.arrayContaining(['pg2 Leader running', 'pg3 Replica streaming']));
      const store = join(cluster.directory, '.pgprov', 'demo');
      assertDocumented(await readFile(journalFile(store, runIds(store).at(-1) ?? ''), 'utf8'));
      await refused([], 'pg2 leads, so there is nothing to fail over from');
      const again = await cluster.run('failover', '--to', 'pg2', '--yes');
      expect([again.code, again.all]).toEqual([0, expect.stringContaining('pg2 leads already') as string]);

      await pg1.start();
      // What clients were told of over the network had reached the standbys.
      expect(await written?.whole()).toBe('pg2');
    },
  );

  longCase(
    'synchronous failover',
    'loses no acknowledged commit when the leader’s host is powered off, with synchronous_mode',
    async () => {
      await configure({ synchronous_mode: true });
      const leader = (await written?.whole()) ?? '';
      const sync = async (): Promise<string> =>
        JSON.parse(await etcdctl(cluster.host('pg3'), 'get /service/demo/sync --print-value-only')).sync_standby as string;
      await expect.poll(sync, { timeout: patience(60_000) }).toMatch(/^pg\d$/u);
      const standby = await sync();
      const last = cluster.hosts.map(({ name }) => name).find((name) => name !== leader && name !== standby) ?? '';
      const before = writer.acknowledged.length;
      await expect.poll(() => writer.acknowledged.length, { timeout: patience(30_000) }).toBeGreaterThan(before + 5);
      await cluster.host(leader).kill();
      // Patroni elects by itself when the lease is over, which a slow machine may see before pgprov has looked, or while it looks.
      const elected = new RegExp(`${standby} leads(?:,| on timeline)`, 'u');
      const other = await failover('--to', last, '--yes');
      expect(other.all).toMatch(new RegExp(`${last} cannot take the lead: it is no synchronous standby|${elected.source}`, 'u'));
      const { all } = await failover('--yes');
      expect(all).toMatch(elected);
      expect(await describeMembers(cluster.host(last))).toContain(`${standby} Leader running`);
      expect(await writer.lost([])).toEqual([]);
      await cluster.host(leader).start();
      expect(await written?.whole()).toBe(standby);
    },
  );

  longCase(
    'failover without a synchronous standby',
    'makes a member leader that was no synchronous standby where that is said, with synchronous_mode',
    async () => {
      await configure({ synchronous_mode: true });
      const leader = (await written?.whole()) ?? '';
      const sync = async (): Promise<string> =>
        JSON.parse(await etcdctl(cluster.host('pg3'), 'get /service/demo/sync --print-value-only')).sync_standby as string;
      await expect.poll(sync, { timeout: patience(60_000) }).toMatch(/^pg\d$/u);
      const standby = await sync();
      const last = cluster.hosts.map(({ name }) => name).find((name) => name !== leader && name !== standby) ?? '';
      // Both at once: a leader that saw its standby go would choose the other one.
      await cluster.host(leader).kill();
      await must(cluster.host(standby), 'systemctl kill -s KILL patroni; systemctl stop patroni');
      await refused(['--to', last], `${last} cannot take the lead: it is no synchronous standby`);
      const { code, all } = await failover('--to', last, '--asynchronous', '--yes');
      expect(code, all).toBe(0);
      expect(all).toContain(`${last} leads on timeline`);
      await must(cluster.host(standby), 'systemctl start patroni');
      await cluster.host(leader).start();
      expect(await written?.whole()).toBe(last);
    },
  );
});

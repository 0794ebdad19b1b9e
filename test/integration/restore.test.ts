import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';
import type { Writer } from '../walk/writer.js';
import type { TestCluster } from './support/cluster.js';
import { controldata, describeMembers, etcdctl, must, patronictlConfig, patronictlList, shellWord, sql } from './support/outside.js';
import { pgprov, start, type Finished } from './support/pgprov.js';
import { placesOf } from './support/places.js';
import { RestorableCluster } from './support/restorable-cluster.js';

const { data: DATA } = placesOf('debian13');
const STREAMING = ['pg1 Leader running', 'pg2 Replica streaming', 'pg3 Replica streaming'];
const FULL = 'pgprov-backup@full';

describe('pgprov restore', () => {
  let restorable: RestorableCluster;
  let cluster: TestCluster;
  let pg1: LabHost;
  let pg3: LabHost;
  let writer: Writer;

  const restore = (...words: string[]): Promise<Finished> => pgprov('restore', cluster.file, ...words);
  const record = (): Promise<string> => readFile(join(cluster.directory, '.pgprov', 'demo', 'operation.json'), 'utf8').catch(() => '');
  /** SQL on the private server, as the message says that one looks. */
  const privately = (statement: string): Promise<string> =>
    must(pg1, `runuser -u postgres -- psql -h /run/pgprov-restored -p 5432 -XAtqc ${shellWord(statement)} postgres`);
  const asides = async (host: LabHost): Promise<string[]> =>
    (await must(host, `ls -d ${DATA}.aside-* 2>/dev/null || :`)).split('\n').filter(Boolean);
  const timeline = async (): Promise<number> => (await patronictlList(pg1)).find(({ Role }) => Role === 'Leader')?.TL ?? 0;
  /** The repository is on pg3. */
  const info = async (): Promise<{ backup: { label: string; type: string; archive: { stop: string } }[] }> =>
    (JSON.parse(await must(pg3, 'runuser -u postgres -- pgbackrest --stanza=demo --output=json info')) as never[])[0] as never;
  const now = (): Promise<string> => sql(pg1, 'select clock_timestamp()');

  /** By PostgreSQL, Patroni, etcd and pgBackRest themselves. */
  const expectWhole = async (): Promise<void> => {
    await expect.poll(() => describeMembers(pg1).catch(() => []), { timeout: patience(60_000) }).toEqual(STREAMING);
    const identifiers = await Promise.all(cluster.hosts.map((host) => controldata(host, 'Database system identifier')));
    const known = await etcdctl(pg1, 'get /service/demo/initialize --print-value-only');
    expect(new Set([...identifiers, known]).size).toBe(1);
    expect((await patronictlList(pg1)).map(({ TL }) => TL)).toEqual(Array(3).fill(await timeline()));
    await must(pg3, 'runuser -u postgres -- pgbackrest --stanza=demo check');
    expect(await must(pg3, `systemctl is-active ${FULL}.timer; systemctl is-enabled ${FULL}.timer`)).toBe('active\nenabled');
    expect(await must(pg1, 'systemctl is-active pgprov-restored; systemctl is-active pgprov-restore; :')).toBe('inactive\ninactive');
  };

  beforeAll(async () => {
    restorable = await RestorableCluster.start();
    ({ cluster, writer } = restorable);
    [pg1, , pg3] = cluster.hosts as [LabHost, LabHost, LabHost];
  });

  afterAll(async () => {
    await restorable?.remove();
  });

  it('goes back to the second before a DROP TABLE, also after it was killed, shows the data first, and leaves a whole cluster with a backup', async () => {
    await sql(pg1, 'create table orders as select generate_series(1, 1000) n');
    const config = await patronictlConfig(pg1);
    const [time, at, before] = [await now(), Date.now(), await timeline()];
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await sql(pg1, 'drop table orders');
    const dropped = Date.now();

    const shown = await restore('--time', time, '--check');
    expect(shown.code, shown.all).toBe(0);
    expect(shown.all).toContain('stop Patroni and PostgreSQL on pg1, the leader');
    expect(await asides(pg1)).toEqual([]);

    const killed = start(['restore', cluster.file, '--time', time, '--yes', '--output', 'plain']);
    await killed.printed(/restore\/restore .*pg1|pg1 .*restore\/restore/u);
    killed.process.kill('SIGKILL');
    await killed.finished;
    const other = await pgprov('apply', cluster.file, '--yes');
    expect(other.code, other.all).toBe(4);

    const waits = await restore('--time', time, '--yes');
    expect(waits.code, waits.all).toBe(1);
    expect(waits.all).toMatch(/waits for your approval.*recovery.*on timeline/u);
    expect(waits.all).toContain(`\`pgprov restore ${cluster.file} --approve\` lets clients in`);
    expect(await privately('select count(*) from orders')).toBe('1000');
    expect(await record()).toContain('restore');
    // Nobody gets in, and nothing of the new timeline is archived.
    await expect(writer.ask('select 1')).rejects.toThrow();
    expect((await info()).backup).toHaveLength(1);

    const { code, all } = await restore('--approve', '--yes');
    expect(code, all).toBe(0);
    await expectWhole();
    expect(await sql(pg1, 'select count(*) from orders')).toBe('1000');
    expect(await timeline()).toBeGreaterThan(before);
    expect(await patronictlConfig(pg1)).toBe(config);
    const there = new Set((await sql(pg1, 'select id from walk')).split('\n').map(Number));
    const wrong = writer.acknowledged.filter(
      ({ id, at: when }) => (when < at - 1000 && !there.has(id)) || (when > at + 900 && when < dropped && there.has(id)),
    );
    expect(wrong).toEqual([]);
    const { backup } = await info();
    expect(backup.at(-1)).toMatchObject({ type: 'full' });
    expect(Number.parseInt(backup.at(-1)?.archive.stop.slice(0, 8) ?? '', 16)).toBeGreaterThan(before);
    for (const host of cluster.hosts) expect(await asides(host)).toHaveLength(1);
    expect(all).toContain(`What was there before is in ${(await asides(pg1))[0]} on pg1`);
    expect(await record()).toBe('');
  });

  it('refuses with a sentence what cannot be reached, and changes nothing', async () => {
    const refused = async (words: string[], sentence: RegExp, exit: number): Promise<void> => {
      const { code, all } = await restore(...words, '--yes');
      expect(all).toMatch(sentence);
      expect(code, all).toBe(exit);
    };
    await refused([], /where is the restore to end/u, 2);
    await refused(['--time', '2020-01-01 00:00:00'], /no backup ended before 2020-01-01 00:00:00 UTC/u, 4);
    await refused(['--time', '2099-01-01 00:00:00'], /is in the future/u, 4);
    await refused(['--undo'], /this machine knows of no unfinished restore of demo/u, 2);
    expect(await describeMembers(pg1)).toEqual(STREAMING);
    expect(await record()).toBe('');
  });

  longCase('a restore that is taken back', 'brings back what was there, with every commit', async () => {
    await sql(pg1, 'create table kept as select generate_series(1, 10) n');
    const before = await asides(pg1);
    const waits = await restore('--backup', (await info()).backup.at(-1)?.label ?? '', '--yes');
    expect(waits.code, waits.all).toBe(1);
    expect(await privately("select to_regclass('kept') is null")).toBe('t');
    const { code, all } = await restore('--undo', '--yes');
    expect(code, all).toBe(0);
    await expectWhole();
    expect(await sql(pg1, 'select count(*) from kept')).toBe('10');
    expect(await asides(pg1)).toHaveLength(before.length + 1);
  });
});

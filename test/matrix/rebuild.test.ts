import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TestCluster } from '../integration/support/cluster.js';
import { must, sql } from '../integration/support/outside.js';
import { pgprov, start, type Running } from '../integration/support/pgprov.js';
import { placesOf } from '../integration/support/places.js';
import { WrittenCluster } from '../integration/support/written-cluster.js';
import { patience } from '../support/patience.js';

const { data: DATA } = placesOf('debian13');

/** Large enough that a copy is seen under way. */
const BIG = 'CREATE TABLE big AS SELECT g, repeat(md5(g::text), 20) AS t FROM generate_series(1, 300000) g';

describe('an interrupted rebuild', () => {
  let written: WrittenCluster | undefined;
  let cluster: TestCluster;

  const words = (...more: string[]): string[] => ['rebuild', cluster.file, '--host', 'pg3', '--yes', '--output', 'plain', ...more];
  const asides = async (): Promise<number> => Number(await must(cluster.host('pg3'), `ls -d ${DATA}.aside-* 2>/dev/null | wc -l`));

  beforeAll(async () => {
    written = await WrittenCluster.start();
    ({ cluster } = written);
    await sql(cluster.host('pg1'), BIG);
  });

  afterAll(async () => {
    await written?.remove();
  });

  afterEach(async () => {
    await written?.whole();
    await must(cluster.host('pg3'), `rm -rf ${DATA}.aside-*`);
  });

  /** Breaks a run off once it has printed that, and gives the same command until it is done. */
  const broken = async (at: RegExp, how: (run: Running) => unknown, ...more: string[]): Promise<void> => {
    const run = start(words(...more));
    await run.printed(at);
    await how(run);
    const { code, all } = await run.finished;
    expect(code, all).not.toBe(0);
    await expect.poll(async () => (await pgprov(...words(...more))).code, { timeout: patience(120_000), interval: 2000 }).toBe(0);
  };
  const kill = ({ process }: Running): boolean => process.kill('SIGKILL');

  it.each([
    { moment: 'its steps are shown', at: /lists pg3 as streaming/u },
    { moment: 'the data is aside', at: /put-aside +changed/u },
    { moment: 'it begins to be copied', at: /copy +waiting/u },
  ])('is finished after kill -9 when $moment', async ({ at }) => {
    await broken(at, kill);
    expect(await asides()).toBe(1);
  });

  it('is finished after Ctrl-C', async () => {
    await broken(/put-aside +changed/u, ({ process }) => process.kill('SIGINT'));
    expect(await asides()).toBe(1);
  });

  it('is finished after kill -9 when Patroni has removed the data', async () => {
    await broken(/discard +changed/u, kill, '--discard');
    expect(await asides()).toBe(0);
  });

  it('has the replication slot made anew that was invalidated while the member was down', async () => {
    const servers = ['pg1', 'pg2'].map((name) => cluster.host(name));
    const state = (): Promise<string> =>
      sql(cluster.host('pg1'), "SELECT active, wal_status FROM pg_replication_slots WHERE slot_name = 'pg3'");
    for (const host of servers) {
      // The file system of a lab host cannot rename a directory of its image, as PostgreSQL does to drop a slot.
      await must(host, `cd ${DATA}/pg_replslot && cp -a pg3 /tmp/slot && rm -r pg3 && mv /tmp/slot pg3`);
      await sql(host, "ALTER SYSTEM SET max_slot_wal_keep_size = '32MB'");
      await sql(host, 'ALTER SYSTEM SET wal_keep_size = 0');
      await sql(host, 'SELECT pg_reload_conf()');
    }
    await must(cluster.host('pg3'), 'systemctl stop patroni');
    for (let segment = 0; segment < 8; segment += 1) {
      await sql(cluster.host('pg1'), "SELECT pg_logical_emit_message(true, 'test', 'more')");
      await sql(cluster.host('pg1'), 'SELECT pg_switch_wal()');
      for (const host of servers) await sql(host, 'CHECKPOINT');
    }
    expect(await state()).toBe('f|lost');
    const { code, all } = await pgprov(...words());
    expect(code, all).toBe(0);
    expect(await state()).toBe('t|reserved');
    for (const host of servers) {
      await sql(host, 'ALTER SYSTEM RESET ALL');
      await sql(host, 'SELECT pg_reload_conf()');
    }
  });

  it('is finished after a power cut of the host, and what was copied until then is put aside too', async () => {
    await broken(/copy +waiting/u, async () => {
      await cluster.host('pg3').kill();
      await cluster.host('pg3').start();
    });
    expect(await asides()).toBeGreaterThanOrEqual(1);
  });
});

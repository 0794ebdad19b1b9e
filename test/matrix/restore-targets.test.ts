import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_ROLES } from '../../src/model/index.js';
import { backupsOf } from '../integration/support/backups.js';
import { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, must, patronictlList, shellWord, sql } from '../integration/support/outside.js';
import { pgprov, type Finished } from '../integration/support/pgprov.js';
import type { LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';

const STREAMING = ['pg1 Leader running', 'pg2 Replica streaming', 'pg3 Replica streaming'];
const POINT = 'before the "drop"';

describe('where a restore can end', () => {
  let cluster: TestCluster;
  let pg1: LabHost;
  /** Where the first row is committed, and who commits the second one. */
  let location: string;
  let transaction: string;
  /** The timeline on which that is. */
  let former: number;

  const restore = (...words: string[]): Promise<Finished> => pgprov('restore', cluster.file, ...words, '--yes');
  const rows = (): Promise<string> => sql(pg1, "select string_agg(n::text, ',' order by n) from walk");
  /** SQL on the private server. */
  const privately = (statement: string): Promise<string> =>
    must(pg1, `runuser -u postgres -- psql -h /run/pgprov-restored -p 5432 -XAtqc ${shellWord(statement)} postgres`);
  const timeline = async (): Promise<number> => (await patronictlList(pg1)).find(({ Role }) => Role === 'Leader')?.TL ?? 0;
  const whole = (): Promise<void> =>
    expect.poll(() => describeMembers(pg1).catch(() => []), { timeout: patience(90_000) }).toEqual(STREAMING);

  /** Restores, and gives the rows that it would let clients in to. */
  const looked = async (...words: string[]): Promise<string> => {
    const { code, all } = await restore(...words);
    expect(code, all).toBe(1);
    expect(all).toContain('waits for your approval');
    return privately("select string_agg(n::text, ',' order by n) from walk");
  };
  const undone = async (): Promise<void> => {
    const { code, all } = await restore('--undo');
    expect(code, all).toBe(0);
    await whole();
  };

  beforeAll(async () => {
    cluster = await TestCluster.converged();
    const [first, , pg3] = cluster.hosts as [LabHost, LabHost, LabHost];
    pg1 = first;
    const roles = [...DEFAULT_ROLES, 'backup'];
    await cluster.write({ roles, hosts: { pg3: { address: pg3.address, roles: [...roles, 'backup-repository'] } } });
    const applied = await pgprov('apply', cluster.file, '--yes', '--restart');
    expect(applied.code, applied.all).toBe(0);
    await must(pg3, 'systemctl start pgprov-backup@full');
    former = await timeline();
    await sql(pg1, 'create table walk (n int)');
    await sql(pg1, 'insert into walk values (1)');
    location = await sql(pg1, 'select pg_current_wal_lsn()');
    transaction = await sql(pg1, 'with one as (insert into walk values (2) returning 1) select pg_current_xact_id() from one');
    await sql(pg1, 'insert into walk values (3)');
    await sql(pg1, `select pg_create_restore_point('${POINT}')`);
    await sql(pg1, 'insert into walk values (4)');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('is a location in the WAL', async () => {
    expect(await looked('--lsn', location)).toBe('1');
    await undone();
    expect(await rows()).toBe('1,2,3,4');
  });

  it('is a transaction', async () => {
    expect(await looked('--xid', transaction)).toBe('1,2');
    await undone();
  });

  it('is a restore point, from which the cluster goes on on a timeline of its own', async () => {
    expect(await looked('--name', POINT)).toBe('1,2,3');
    const { code, all } = await restore('--approve');
    expect(code, all).toBe(0);
    await whole();
    expect(await timeline()).toBeGreaterThan(former);
    await sql(pg1, 'insert into walk values (5)');
    expect(await rows()).toBe('1,2,3,5');
  });

  it('is on the timeline that the cluster has left', async () => {
    expect(await looked('--latest', '--timeline', `${former}`)).toBe('1,2,3,4');
    await undone();
    expect(await rows()).toBe('1,2,3,5');
  });

  it('is reached from a backup of an earlier timeline', async () => {
    const [first] = (await backupsOf(cluster.host('pg3'))).backup;
    expect(await looked('--latest', '--backup', first?.label ?? '')).toBe('1,2,3,5');
    await undone();
  });

  it('is a time on the timeline that a restore has left, where that timeline is named', async () => {
    const left = await timeline();
    const moment = async (): Promise<string> => {
      await must(pg1, 'sleep 1');
      const time = await sql(pg1, 'select clock_timestamp()');
      await must(pg1, 'sleep 1');
      return time;
    };
    const before = await moment();
    await sql(pg1, 'insert into walk values (6)');
    const between = await moment();
    await sql(pg1, 'insert into walk values (7)');
    const fulls = (await backupsOf(cluster.host('pg3'))).backup.map(({ label }) => label);
    const back = await restore('--time', before, '--approve');
    expect(back.code, back.all).toBe(0);
    await whole();
    expect(await rows()).toBe('1,2,3,5');
    // What leads to the timeline that was left stays until the next backup, however few are kept.
    expect((await backupsOf(cluster.host('pg3'))).backup.map(({ label }) => label)).toEqual(expect.arrayContaining(fulls));

    const late = await restore('--undo');
    expect(late.code, late.all).toBe(2);
    expect(late.all).toContain('clients may have written since one was approved');
    const unclear = await restore('--time', between);
    expect(unclear.code, unclear.all).toBe(4);
    expect(unclear.all).toContain(`give --timeline ${left} for what was there then`);
    expect(await looked('--time', between, '--timeline', `${left}`)).toBe('1,2,3,5,6');
    await undone();
    expect(await rows()).toBe('1,2,3,5');
  });
});

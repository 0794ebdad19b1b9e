import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { backupsOf } from '../integration/support/backups.js';
import { describeMembers, must, sql } from '../integration/support/outside.js';
import { killAtEach, pgprov, start, type Running } from '../integration/support/pgprov.js';
import { placesOf } from '../integration/support/places.js';
import { TestCluster } from '../integration/support/cluster.js';
import { DEFAULT_ROLES } from '../../src/model/index.js';
import type { LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';

const { data: DATA } = placesOf('debian13');
const STREAMING = ['pg1 Leader running', 'pg2 Replica streaming', 'pg3 Replica streaming'];

/** Large enough that a copy is seen under way. */
const BIG = 'CREATE TABLE big AS SELECT g, repeat(md5(g::text), 20) AS t FROM generate_series(1, 300000) g';

describe('a member that is rebuilt from the repository', () => {
  let cluster: TestCluster;
  let pg1: LabHost;
  let pg2: LabHost;
  let pg3: LabHost;
  let rows = 0;

  const words = (...more: string[]): string[] => [
    'rebuild',
    cluster.file,
    '--host',
    'pg2',
    '--from',
    'backup',
    '--yes',
    '--output',
    'plain',
    ...more,
  ];
  const asides = async (): Promise<number> => Number(await must(pg2, `ls -d ${DATA}.aside-* 2>/dev/null | wc -l`));
  /** What was written after the last backup, which a member gets from the archive or from its leader. */
  const write = async (): Promise<void> => {
    rows += 1;
    await sql(pg1, `INSERT INTO after VALUES (${rows}); SELECT pg_switch_wal()`);
  };
  const isLike = async (): Promise<void> => {
    await expect.poll(() => describeMembers(pg1).catch(() => []), { timeout: patience(90_000) }).toEqual(STREAMING);
    await expect.poll(() => sql(pg2, 'SELECT count(*) FROM after'), { timeout: patience(30_000) }).toBe(`${rows}`);
    expect(await sql(pg2, 'SELECT count(*) FROM big')).toBe('300000');
  };

  beforeAll(async () => {
    cluster = await TestCluster.converged();
    [pg1, pg2, pg3] = cluster.hosts as [LabHost, LabHost, LabHost];
    const roles = [...DEFAULT_ROLES, 'backup'];
    await cluster.write({ roles, hosts: { pg3: { address: pg3.address, roles: [...roles, 'backup-repository'] } } });
    const applied = await pgprov('apply', cluster.file, '--yes', '--restart');
    expect(applied.code, applied.all).toBe(0);
    // The proof that WAL arrives waited for the restart.
    expect((await cluster.run('apply')).code).toBe(0);
    await sql(pg1, `CREATE TABLE after (n int); ${BIG}`);
    await must(pg3, 'systemctl start pgprov-backup@full');
    await write();
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  afterEach(async () => {
    await isLike();
    expect((await cluster.run('apply')).all).toContain('No changes');
    expect(await must(pg3, 'systemctl is-active pgprov-backup@full.timer')).toBe('active');
    await must(pg2, `rm -rf ${DATA}.aside-*`);
  });

  it('follows its leader with the backup’s data, which the leader did not send', async () => {
    const label = (await backupsOf(pg3)).backup.at(-1)?.label ?? '';
    const sent = await must(pg1, "journalctl -u patroni -o cat | grep -c 'BASE_BACKUP' || :");
    const { code, all } = await pgprov(...words());
    expect(code, all).toBe(0);
    expect(all).toContain(`data that was restored from backup ${label}; what it had before is in ${DATA}.aside-`);
    expect(await asides()).toBe(1);
    expect(await must(pg1, "journalctl -u patroni -o cat | grep -c 'BASE_BACKUP' || :")).toBe(sent);
    expect(await must(pg2, `test ! -e ${DATA}/recovery.signal && ls ${DATA}/standby.signal`)).toContain('standby.signal');
  });

  it('keeps what is the same in the backup where it is restored over its data', async () => {
    await write();
    await must(pg2, `touch ${DATA}/of-the-old-copy`);
    const { code, all } = await pgprov(...words('--discard'));
    expect(code, all).toBe(0);
    expect(await asides()).toBe(0);
    await must(pg2, `test ! -e ${DATA}/of-the-old-copy`);
  });

  /** Breaks a run off once it has printed that, and gives the same command until it is done. */
  const broken = async (at: RegExp, how: (run: Running) => unknown, ...more: string[]): Promise<void> => {
    await write();
    const run = start(words(...more));
    await run.printed(at);
    await how(run);
    const { code, all } = await run.finished;
    expect(code, all).not.toBe(0);
    await expect.poll(async () => (await pgprov(...words(...more))).code, { timeout: patience(180_000), interval: 2000 }).toBe(0);
  };
  const kill = ({ process }: Running): boolean => process.kill('SIGKILL');
  const powerCut = async (): Promise<void> => {
    await pg2.kill();
    await pg2.start();
  };

  it.each([
    { moment: 'backups are held', at: /hold +changed/u },
    { moment: 'the data is aside', at: /put-aside +changed/u },
    { moment: 'the backup is being restored', at: /restore +waiting/u },
    { moment: 'the backup is being replayed', at: /replay +(?:changed|waiting)/u },
    { moment: 'Patroni was started', at: /start +waiting/u },
  ])('is finished after kill -9 when $moment', async ({ at }) => {
    await broken(at, kill);
    expect(await asides()).toBe(1);
  });

  it('is finished after kill -9 at one of its steps after the other', async () => {
    await write();
    await killAtEach(words(), [
      /rebuild\/hold +changed/u,
      /rebuild\/put-aside +changed/u,
      /rebuild\/restore +waiting/u,
      /rebuild\/replay +(?:changed|waiting)/u,
      /rebuild\/start +(?:changed|waiting)/u,
      /rebuild\/schedule +changed/u,
    ]);
    const { code, all } = await pgprov(...words());
    expect(code, all).toBe(0);
    expect(await asides()).toBe(1);
  });

  it.each([
    { moment: 'the data is aside', at: /put-aside +changed/u },
    { moment: 'the backup is being restored', at: /restore +waiting/u },
    { moment: 'the backup is being replayed', at: /replay +(?:changed|waiting)/u },
    { moment: 'Patroni was started', at: /start +waiting/u },
  ])('is finished after a power cut of its host when $moment', async ({ at }) => {
    await broken(at, powerCut);
    expect(await asides()).toBeGreaterThanOrEqual(1);
  });

  it('is finished after kill -9 when the backup is being restored over its data', async () => {
    await broken(/restore +waiting/u, kill, '--discard');
    expect(await asides()).toBe(0);
  });

  it('is refused, and left alone, where WAL after the backup is missing that the leader has not any more', async () => {
    for (let file = 0; file < 6; file += 1) await write();
    await sql(pg1, 'CHECKPOINT');
    await sql(pg2, 'CHECKPOINT');
    const [from = '', kept = ''] = [
      (await backupsOf(pg3)).backup.at(-1)?.archive.stop,
      (await must(pg1, `ls ${DATA}/pg_wal | grep -E '^[0-9A-F]{24}$' | sort | head -n 1`)).trim(),
    ];
    const lost = (Number.parseInt(from.slice(16), 16) + 1).toString(16).toUpperCase().padStart(8, '0');
    expect(Number.parseInt(kept.slice(16), 16)).toBeGreaterThan(Number.parseInt(lost, 16));
    const archived = `/var/lib/pgbackrest/archive/demo/17-1/${from.slice(0, 16)}/${from.slice(0, 16)}${lost}-*`;
    await must(pg3, `mkdir -p /root/away && mv ${archived} /root/away/`);
    const { code, all } = await pgprov(...words());
    expect(all).toContain(`lacks the WAL files ${from.slice(8, 16)}${lost} (of any timeline) after backup`);
    expect(code, all).toBe(4);
    expect(await asides()).toBe(0);
    await must(pg3, `mv /root/away/* ${archived.slice(0, archived.lastIndexOf('/'))}/`);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backupsOf, pgbackrest } from '../integration/support/backups.js';
import { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, must, sql } from '../integration/support/outside.js';
import { pgprov } from '../integration/support/pgprov.js';
import { CA_FILE, type LabHost, type ObjectStore, startObjectStore } from '../lab/index.js';
import { patience } from '../support/patience.js';
import { readFile } from 'node:fs/promises';

const MEMBER = ['base', 'firewall', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni', 'backup'];
const STREAMING = ['pg1 Leader running', 'pg2 Replica streaming', 'pg3 Replica streaming'];
const CA = '/etc/pgbackrest-store-ca.crt';

/** OpenStack Swift, which speaks S3 by TLS with a certificate of an authority of its own. */
describe('backups in S3', () => {
  let cluster: TestCluster;
  let store: ObjectStore;
  let pg1: LabHost;

  const run = async (command: string, ...words: string[]): Promise<string> => {
    const { code, all } = await pgprov(...command.split(' '), cluster.file, ...words);
    expect(code, all).toBe(0);
    expect(all).not.toContain(store.secret);
    return all;
  };
  const write = (changes: Record<string, unknown> = {}): Promise<string> => {
    const { bucket, endpoint, region, key, secret } = store;
    const s3 = { bucket, endpoint, region, key, key_secret: secret, uri_style: 'path', ca_file: CA, ...changes };
    return cluster.write({ roles: MEMBER, backup: { archive_timeout: 5, repositories: { objects: { s3 } } } });
  };
  const isWhole = async (): Promise<void> => {
    await expect.poll(() => describeMembers(pg1).catch(() => []), { timeout: patience(90_000) }).toEqual(STREAMING);
  };

  beforeAll(async () => {
    cluster = await TestCluster.start('bks3', 'debian13', 3, 'packages');
    pg1 = cluster.host('pg1');
    store = await startObjectStore(cluster.name);
    const authority = await readFile(CA_FILE, 'utf8');
    for (const host of cluster.hosts) {
      await must(host, `printf '%s' '${authority}' >${CA} && echo '${store.address} ${store.endpoint}' >>/etc/hosts`);
    }
    await write();
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('are proved by the first run, and kept encrypted', async () => {
    expect(await run('apply', '--yes')).toContain('WAL arrives in the repositories');
    expect(await run('apply', '--yes')).toContain('No changes');
    await pgbackrest(pg1, '--stanza=demo check');
    expect((await backupsOf(pg1)).cipher).toBe('aes-256-cbc');
    expect(await must(pg1, "stat -c '%U %a' /etc/pgbackrest.conf")).toBe('postgres 600');
  });

  it('are taken by the leader, shown and verified', async () => {
    await sql(pg1, 'CREATE TABLE orders AS SELECT g, repeat(md5(g::text), 20) t FROM generate_series(1, 100000) g');
    await run('backup', '--yes');
    await run('backup', '--type', 'incr', '--yes');
    expect((await backupsOf(pg1)).backup.map(({ type, error }) => `${type} ${error}`)).toEqual(['full false', 'incr false']);
    expect(await run('backups')).toMatch(/repository objects.*: 2 backups/u);
    await run('backup verify');
    expect(await must(pg1, 'cd / && runuser -u postgres -- pgbackrest repo-ls backup/demo')).toContain('backup.info');
  });

  it('are tried in a drill', async () => {
    await run('drill restore', '--on', 'pg2', '--check', 'SELECT count(*) = 100000 FROM orders');
    await isWhole();
  });

  it('bring the whole cluster back to the last commit that is archived', async () => {
    await sql(pg1, 'CREATE TABLE later AS SELECT 1 n');
    await run('restore', '--latest', '--approve', '--yes');
    await isWhole();
    for (const host of cluster.hosts) expect(await sql(host, 'SELECT count(*) FROM orders, later')).toBe('100000');
    expect((await backupsOf(pg1)).backup.at(-1)).toMatchObject({ type: 'full', error: false });
  });

  it('are missed while the store is away: PostgreSQL goes on, and status says so', async () => {
    await store.stop();
    await sql(pg1, 'CREATE TABLE meanwhile AS SELECT 1 n; SELECT pg_switch_wal()');
    try {
      // A restore has failures of its own, before it archives again.
      const failed = (): Promise<string> => sql(pg1, 'SELECT last_failed_time > last_archived_time FROM pg_stat_archiver');
      await expect.poll(failed, { timeout: patience(120_000) }).toBe('t');
      const told = await pgprov('status', cluster.file);
      expect(told.code, told.all).toBe(1);
      expect(told.all).toMatch(/WAL is not archived|WAL cannot be archived/u);
      const taken = await pgprov('backup', cluster.file, '--yes');
      expect(taken.code, taken.all).toBe(1);
    } finally {
      await store.start();
    }
    const caughtUp = async (): Promise<number> => (await pgprov('status', cluster.file)).code ?? -1;
    await expect.poll(caughtUp, { timeout: patience(180_000) }).toBe(0);
    await run('backup', '--yes');
    await run('backup verify');
  });

  it('are refused where the server’s certificate is of no known authority, or the key is another', async () => {
    const wrong = async (changes: Record<string, unknown>): Promise<string> => {
      await write(changes);
      const { code, all } = await pgprov('apply', cluster.file, '--yes');
      expect(code, all).toBe(1);
      return all;
    };
    expect(await wrong({ ca_file: '/etc/pgbackrest.conf' })).toMatch(/certificate/iu);
    expect(await wrong({ key_secret: 'another-secret-of-nobody' })).toMatch(/403|Forbidden|SignatureDoesNotMatch/u);
    await write();
    await run('apply', '--yes');
    await run('backup', '--yes');
  });
});

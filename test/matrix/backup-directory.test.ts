import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lastArchived, pgbackrest } from '../integration/support/backups.js';
import { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, must, sql } from '../integration/support/outside.js';
import { pgprov } from '../integration/support/pgprov.js';
import type { LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';

const MEMBER = ['base', 'firewall', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni', 'backup'];
const SHARED = '/mnt/backups';
const NAMES = ['pg1', 'pg2', 'pg3'];
const [ONE, TWO] = [{ directory: `${SHARED}/one` }, { directory: `${SHARED}/two` }];

/** Two directories that every member has mounted, and no repository host. */
describe('backups in directories that the members share', () => {
  let cluster: TestCluster;

  const run = async (command: string, ...words: string[]): Promise<string> => {
    const { code, all } = await pgprov(...command.split(' '), cluster.file, ...words);
    expect(code, all).toBe(0);
    return all;
  };
  const leader = async (): Promise<LabHost> => {
    const led = async (): Promise<string> =>
      (await describeMembers(cluster.host('pg2')).catch(() => [])).find((line) => line.endsWith(' Leader running'))?.split(' ')[0] ?? '';
    await expect.poll(led, { timeout: patience(60_000) }).not.toBe('');
    return cluster.host(await led());
  };
  const isWhole = async (): Promise<void> => {
    const whole = async (): Promise<number> =>
      (await describeMembers(cluster.host('pg2')).catch(() => [])).filter((line) => /Leader running|Replica streaming/u.test(line)).length;
    await expect.poll(whole, { timeout: patience(120_000) }).toBe(3);
  };
  /** As the timers do it, at the same moment on every member; gives which of them had something to do. */
  const timersFire = async (type: string): Promise<string[]> => {
    const told = await Promise.all(
      cluster.hosts.map(async (host) => {
        await must(host, `systemctl start pgprov-backup@${type}`);
        return must(host, `journalctl -u pgprov-backup@${type} -o cat -n 400 | grep -c 'backup command end: completed successfully' || :`);
      }),
    );
    return NAMES.filter((_name, index) => told[index] !== '0');
  };
  const labels = async (host: LabHost, repository: number): Promise<string[]> =>
    (JSON.parse(await pgbackrest(host, `--stanza=demo --repo=${repository} --output=json info`)) as { backup: { label: string }[] }[])
      .flatMap(({ backup }) => backup)
      .map(({ label }) => label);
  const archived = async (): Promise<void> => {
    const host = await leader();
    const segment = await sql(host, "SELECT pg_walfile_name(pg_switch_wal()) FROM (SELECT pg_logical_emit_message(true, 'test', 'x')) m");
    await expect.poll(() => lastArchived(host), { timeout: patience(60_000) }).toBe(segment);
  };

  const write = (repositories: Record<string, unknown>): Promise<string> =>
    cluster.write({ roles: MEMBER, backup: { archive_timeout: 5, repositories } });

  beforeAll(async () => {
    cluster = await TestCluster.startSharing(SHARED, 'bkdir', 'debian13');
    await must(cluster.host('pg1'), `install -d -o postgres -g postgres -m 750 ${SHARED}/one ${SHARED}/two`);
    await write({ one: ONE, two: TWO });
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('are proved in both, and nothing is left to change', async () => {
    expect(await run('apply', '--yes')).toContain('WAL arrives in the repositories');
    expect(await run('apply', '--yes')).toContain('No changes');
    expect((await cluster.host('pg1').exec('systemctl is-active pgbackrest')).stdout.trim()).toBe('inactive');
    const host = await leader();
    await pgbackrest(host, '--stanza=demo check');
    expect(await must(host, `ls ${SHARED}/one/archive/demo ${SHARED}/two/archive/demo`)).toContain('archive.info');
  });

  it('are taken in both by the member that leads, though the timers of all fire at the same moment', async () => {
    const host = await leader();
    await sql(host, 'CREATE TABLE orders AS SELECT generate_series(1, 1000) n');
    expect(await timersFire('full')).toEqual([host.name]);
    expect([(await labels(host, 1)).length, (await labels(host, 2)).length]).toEqual([1, 1]);
    await run('backup', '--yes');
    expect([(await labels(host, 1)).length, (await labels(host, 2)).length]).toEqual([2, 2]);
    expect(await run('backups')).toMatch(/repository one\b.*: 2 backups[\s\S]*repository two\b.*: 2 backups/u);
    await run('backup verify');
  });

  it('are taken by the new leader after a failover', async () => {
    const former = await leader();
    await former.kill();
    const survivors = cluster.hosts.filter(({ name }) => name !== former.name);
    const leads = async (): Promise<string> =>
      (await Promise.all(survivors.map((host) => sql(host, 'SELECT pg_is_in_recovery()').catch(() => 't')))).join('');
    await expect.poll(leads, { timeout: patience(120_000) }).toMatch(/f/u);
    await former.start();
    await isWhole();
    const host = await leader();
    expect(host.name).not.toBe(former.name);
    const before = (await labels(host, 1)).length;
    expect(await timersFire('incr')).toEqual([host.name]);
    expect((await labels(host, 1)).length).toBe(before + 1);
    expect((await labels(host, 2)).length).toBe(before + 1);
    await pgbackrest(host, '--stanza=demo check');
  });

  /** A backup that the timer of the member which leads began, and that stands still in the middle; gives that member. */
  const standsStill = async (): Promise<LabHost> => {
    const host = await leader();
    await must(
      host,
      `since=$(date +%s); systemctl start --no-block pgprov-backup@full
for try in $(seq 900); do journalctl -q -o cat -u pgprov-backup@full --since=@$since | grep -q 'backup start archive' && break; sleep 0.1; done
systemctl kill -s STOP pgprov-backup@full`,
    );
    return host;
  };
  const taken = async (before: readonly string[][]): Promise<number[]> =>
    Promise.all(
      before.map(async (former, index) => (await labels(await leader(), index + 1)).filter((label) => !former.includes(label)).length),
    );
  const present = async (): Promise<string[][]> => Promise.all([1, 2].map(async (repository) => labels(await leader(), repository)));

  it('are taken by the next member alone when the one that takes them dies, also when that comes back', async () => {
    const before = await present();
    const died = await standsStill();
    await died.kill();
    const survivors = cluster.hosts.filter(({ name }) => name !== died.name);
    const leads = async (): Promise<string> =>
      (await Promise.all(survivors.map((host) => sql(host, 'SELECT pg_is_in_recovery()').catch(() => 't')))).join('');
    await expect.poll(leads, { timeout: patience(120_000) }).toMatch(/f/u);
    await Promise.all(survivors.map((host) => must(host, 'systemctl start pgprov-backup@full')));
    await died.start();
    await isWhole();
    expect((await leader()).name).not.toBe(died.name);
    await must(died, 'systemctl start pgprov-backup@full');
    expect(await taken(before)).toEqual([1, 1]);
    await run('backup verify');
  });

  it('end by their limit where they hang, and the member that leads by then takes its own', async () => {
    const before = await present();
    const limit = '/run/systemd/system/pgprov-backup@.service.d';
    const hangs = await leader();
    await must(hangs, `mkdir -p ${limit} && printf '[Service]\\nTimeoutStartSec=60\\n' >${limit}/test.conf && systemctl daemon-reload`);
    expect((await standsStill()).name).toBe(hangs.name);
    await run('switchover', '--yes');
    const next = await leader();
    expect(next.name).not.toBe(hangs.name);
    await must(next, 'systemctl start pgprov-backup@full');
    const shown = (): Promise<string> =>
      must(hangs, 'systemctl show -p ActiveState -p Result --value pgprov-backup@full | sort | paste -sd " "');
    await expect.poll(shown, { timeout: patience(120_000) }).toBe('failed timeout');
    expect(await taken(before)).toEqual([1, 1]);
    await must(hangs, `rm -r ${limit} && systemctl daemon-reload`);
    await pgbackrest(next, '--stanza=demo check');
    await run('backup verify');
  });

  it('are tried in a drill', async () => {
    await archived();
    await run('drill restore', '--check', 'SELECT count(*) = 1000 FROM orders');
    await isWhole();
  });

  it('bring the cluster back from the second while the first is gone and out of the inventory, and go on in both when it is there again', async () => {
    const host = await leader();
    const time = await sql(host, 'SELECT clock_timestamp()');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await sql(host, 'DROP TABLE orders');
    await archived();
    await must(host, `mv ${SHARED}/one ${SHARED}/away`);
    const shown = await pgprov('backups', cluster.file);
    expect(shown.code, shown.all).toBe(1);
    expect(shown.all).toMatch(/repository two\b.*: \d+ backups/u);
    // WAL counts as archived once all repositories have it, and a restore of a cluster that lives waits for that.
    await write({ two: TWO });
    await run('apply', '--yes');
    await run('restore', '--time', time, '--approve', '--yes');
    await isWhole();
    for (const each of cluster.hosts) expect(await sql(each, 'SELECT count(*) FROM orders')).toBe('1000');
    await must(await leader(), `mv ${SHARED}/away ${SHARED}/one`);
    await write({ one: ONE, two: TWO });
    await run('apply', '--yes');
    await run('backup', '--type', 'full', '--yes');
    const again = await leader();
    expect((await labels(again, 1)).at(-1)?.slice(0, 8)).toBe((await labels(again, 2)).at(-1)?.slice(0, 8));
    expect(await run('apply', '--yes')).toContain('No changes');
  });
});

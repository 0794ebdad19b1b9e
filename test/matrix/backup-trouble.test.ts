import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backupsOf } from '../integration/support/backups.js';
import { controldata, describeMembers, must, sql } from '../integration/support/outside.js';
import { pgprov, start, type Finished } from '../integration/support/pgprov.js';
import { RestorableCluster } from '../integration/support/restorable-cluster.js';
import type { LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';

const DIRECTORY = '/var/lib/pgbackrest';

/** What goes wrong around backups, each time with a client that writes. */
describe('backups in trouble', () => {
  let restorable: RestorableCluster;
  let repository: LabHost;
  const off: LabHost[] = [];

  const run = (command: string, ...words: string[]): Promise<Finished> =>
    pgprov(...command.split(' '), restorable.cluster.file, ...words, '--output', 'plain');
  const list = (): Promise<Finished> => pgprov('backups', restorable.cluster.file);
  const labels = async (): Promise<string[]> => (await backupsOf(repository)).backup.map(({ label }) => label);
  const leader = async (): Promise<LabHost> => {
    const lines = await describeMembers(repository);
    return restorable.cluster.host(lines.find((line) => line.endsWith(' Leader running'))?.split(' ')[0] ?? 'none');
  };
  const isWhole = async (): Promise<void> => {
    const states = async (): Promise<string[]> =>
      (await describeMembers(repository).catch(() => [])).map((line) => line.split(' ').slice(1).join(' ')).sort();
    await expect.poll(states, { timeout: patience(180_000) }).toEqual(['Leader running', 'Replica streaming', 'Replica streaming']);
  };
  const takesOne = async (): Promise<void> => {
    const before = await labels();
    const { code, all } = await run('backup', '--type', 'full', '--yes');
    expect(code, all).toBe(0);
    expect(before).not.toContain((await labels()).at(-1));
    expect(await restorable.writer.lost([])).toEqual([]);
  };
  /** A backup that stands still in the middle while something happens. */
  const meanwhile = async (happens: () => Promise<void>): Promise<Finished> => {
    const since = await must(repository, 'date +%s');
    const taking = start(['backup', restorable.cluster.file, '--type', 'full', '--yes', '--output', 'plain']);
    await must(
      repository,
      `for try in $(seq 900); do journalctl -q -o cat -u pgprov-backup@full --since=@${since} | grep -q 'backup start archive' && break; sleep 0.1; done; systemctl kill -s STOP pgprov-backup@full`,
    );
    await happens();
    await must(repository, 'systemctl kill -s CONT pgprov-backup@full');
    return taking.finished;
  };

  beforeAll(async () => {
    restorable = await RestorableCluster.start();
    repository = restorable.cluster.host('pg3');
  });

  afterAll(async () => {
    await restorable?.remove();
  });

  it('are kept out of a stanza of another database, which is named', async () => {
    const [own, foreign, aside] = [await controldata(repository, 'Database system identifier'), '/tmp/foreign', '/root/ours'];
    await must(
      repository,
      `mkdir ${aside} && mv ${DIRECTORY}/archive ${DIRECTORY}/backup ${aside}/ && cd /tmp &&
runuser -u postgres -- /usr/lib/postgresql/17/bin/initdb -D ${foreign} >/dev/null &&
{ grep -e '^.global.$' -e '^repo1-' /etc/pgbackrest.conf; printf '[demo]\npg1-path=${foreign}\n'; } >${foreign}.conf && chown postgres ${foreign}.conf &&
runuser -u postgres -- pgbackrest --config=${foreign}.conf --stanza=demo --no-online stanza-create`,
    );
    const other = await must(
      repository,
      `/usr/lib/postgresql/17/bin/pg_controldata ${foreign} | sed -n 's/^Database system identifier: *//p'`,
    );
    expect(other).not.toBe(own);
    const applied = await run('apply', '--yes');
    expect(applied.code, applied.all).toBe(4);
    expect(applied.all).toContain(`repo1 has a stanza demo of another database (system identifier ${other}; pg`);
    expect(applied.all).toContain(` has ${own})`);
    const taken = await run('backup', '--yes');
    expect(taken.code, taken.all).not.toBe(0);
    expect(taken.all).toContain(other);
    const restored = await run('restore', '--latest', '--yes');
    expect(restored.code, restored.all).toBe(4);
    expect(restored.all).toContain('there is no backup to restore');
    await isWhole();
    await must(repository, `cd ${DIRECTORY} && rm -rf archive backup ${foreign}* && mv ${aside}/* . && rmdir ${aside}`);
    await takesOne();
  });

  it('are not restored to what there never was, and nothing is stopped to find that out', async () => {
    const since = await must(repository, 'systemctl show -p ActiveEnterTimestamp patroni');
    for (const [words, says] of [
      [['--latest', '--timeline', '99'], 'there is no timeline 99: the newest is '],
      [['--lsn', '9F/0'], 'WAL location 9F/0 is in the future: '],
      [['--xid', '4000000000'], 'transaction 4000000000 is in the future: '],
      [['--time', '2099-01-01 00:00:00'], 'is in the future'],
      [['--time', '2001-01-01 00:00:00'], 'no backup ended before '],
      [['--backup', '20010101-000000F'], 'there is no backup 20010101-000000F'],
    ] as const) {
      const { code, all } = await run('restore', ...words, '--yes');
      expect(code, all).toBe(4);
      expect(all).toContain(says);
    }
    expect(await must(repository, 'systemctl show -p ActiveEnterTimestamp patroni')).toBe(since);
    await isWhole();
  });

  it.each<[string, () => Promise<void>]>([
    [
      'etcd is down',
      async () => {
        for (const host of restorable.cluster.hosts) await must(host, 'systemctl stop etcd');
        const standbys = async (): Promise<string[]> =>
          Promise.all(restorable.cluster.hosts.map((host) => sql(host, 'SELECT pg_is_in_recovery()').catch(() => 'down')));
        await expect.poll(standbys, { timeout: patience(120_000) }).toEqual(['t', 't', 't']);
      },
    ],
    [
      'another member was given the lead',
      async () => {
        const from = (await leader()).name;
        const to = from === 'pg1' ? 'pg2' : 'pg1';
        await must(repository, `patronictl -c /etc/patroni/config.yml switchover demo --leader ${from} --candidate ${to} --force`);
        await expect.poll(async () => (await leader().catch(() => undefined))?.name, { timeout: patience(60_000) }).toBe(to);
      },
    ],
    [
      'the leader has lost its power',
      async () => {
        const lost = await leader();
        await lost.kill();
        off.push(lost);
      },
    ],
  ])('fail with a sentence and an exit code when %s in the middle of one, and the next one works', async (_what, happens) => {
    const before = await labels();
    const failed = await meanwhile(happens);
    expect(failed.code, failed.all).toBe(1);
    expect(failed.all).toContain('a host was lost meanwhile, or its server stopped or got another part: give the command again');
    expect(await labels()).toEqual(before);
    expect((await list()).all).toContain('the last full backup failed: ');

    for (const host of off.splice(0)) await host.start();
    for (const host of restorable.cluster.hosts) await must(host, 'systemctl start etcd --no-block');
    await isWhole();
    await takesOne();
    const listed = await list();
    expect(listed.code, listed.all).toBe(0);
  });

  it('are kept from a passphrase in the store of secrets that is not theirs', async () => {
    const store = join(restorable.cluster.directory, '.pgprov', 'demo', 'passwords.yml');
    const kept = await readFile(store, 'utf8');
    const config = await must(repository, 'sha256sum /etc/pgbackrest.conf');
    await writeFile(store, kept.replace(/^backup\.passphrase: .*$/mu, 'backup.passphrase: quite-another-one'));
    const refused = await run('apply', '--yes');
    await writeFile(store, kept);
    expect(refused.code, refused.all).toBe(4);
    expect(refused.all).toContain('the backups are encrypted with another passphrase than backup.passphrase in .pgprov/demo/passwords.yml');
    expect(await must(repository, 'sha256sum /etc/pgbackrest.conf')).toBe(config);
    await takesOne();
  });

  it('are told to be out of reach by the members that could not be asked, where certificates were swapped, and apply brings them back', async () => {
    const swapped = [await leader(), ...restorable.cluster.hosts.filter(({ name }) => name !== 'pg3')];
    for (const host of new Set(swapped)) {
      await must(
        host,
        'cd /etc/pgbackrest/tls && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -days 9 -keyout /root/k -out /root/c 2>/dev/null && cat /root/k >node.key && cat /root/c >node.crt && systemctl reload pgbackrest',
      );
    }
    const failed = await run('backup', '--type', 'full', '--yes');
    expect(failed.code, failed.all).toBe(1);
    expect(failed.all).toMatch(/unable to find primary cluster - cannot proceed: unable to check pg\d: \[CryptoError\]/u);
    expect(failed.all).toContain('if one does, see `pgprov certs status');
    const mended = await run('apply', '--yes');
    expect(mended.code, mended.all).toBe(0);
    expect((await run('apply', '--yes')).all).toContain('No changes');
    await takesOne();
  });

  it('do not expire one that a restore is reading, by their schedule, by hand or at a boot, and may begin again after it', async () => {
    await takesOne();
    const oldest = (await labels()).at(-1) ?? '';
    const time = await sql(await leader(), 'SELECT clock_timestamp()');
    await takesOne();
    // One is kept: the next backup expires what the restore reads.
    await must(repository, "sed -i 's/^repo1-retention-full=.*/repo1-retention-full=1/' /etc/pgbackrest.conf");
    const kept = await labels();
    expect(kept[0]).toBe(oldest);
    const restoring = start(['restore', restorable.cluster.file, '--time', time, '--yes', '--output', 'plain']);
    let replaying: LabHost | undefined;
    const begins = async (): Promise<boolean> => {
      for (const host of restorable.cluster.hosts)
        if ((await host.exec('systemctl kill -s STOP pgprov-restored')).code === 0) replaying = host;
      return replaying !== undefined;
    };
    await expect.poll(begins, { timeout: patience(180_000), interval: 200 }).toBe(true);
    const byHand = await repository.exec('systemctl start pgprov-backup@full');
    expect([byHand.code, byHand.stderr]).toEqual([1, expect.stringContaining('Assertion failed')]);
    await must(repository, "! systemctl list-timers --all --no-legend 'pgprov-backup@*' | grep -q .");
    expect(await labels()).toEqual(kept);
    await must(replaying as unknown as LabHost, 'systemctl kill -s CONT pgprov-restored');
    const restored = await restoring.finished;
    expect(restored.all).toContain('waits for your approval');
    const taken = await run('backup', '--yes');
    expect([taken.code, taken.all]).toEqual([4, expect.stringContaining('is not finished')]);
    expect((await run('restore', '--undo', '--yes')).code).toBe(0);
    await isWhole();
    await must(repository, 'systemctl start pgprov-backup@full');
    expect(await labels()).not.toContain(oldest);
    await must(repository, '[ ! -e /var/lib/pgprov/backups-held ] && systemctl is-active pgprov-backup@full.timer');
    expect((await run('apply', '--yes')).code).toBe(0);
  });

  it('are taken back once where a restore was begun, and every other command says so until then', async () => {
    const time = await sql(await leader(), 'SELECT clock_timestamp()');
    expect((await run('restore', '--time', time, '--yes')).code).toBe(1);
    for (const command of ['apply', 'backup', 'switchover', 'restart', 'start', 'recover', 'certs renew']) {
      const { code, all } = await run(command, '--yes');
      expect(code, all).toBe(4);
      expect(all, command).toMatch(/the restore --time .* is not finished, and until then nothing else may change demo/u);
    }
    expect((await pgprov('status', restorable.cluster.file)).all).toContain('is not finished, and until then nothing else may change demo');
    expect((await list()).code).toBe(0);
    expect((await run('restore', '--undo', '--yes')).code).toBe(0);
    const again = await run('restore', '--undo', '--yes');
    expect(again.code, again.all).toBe(2);
    expect(again.all).toContain('this machine knows of no unfinished restore of demo');
    await isWhole();
    await takesOne();
  });
});

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';
import { TestCluster } from './support/cluster.js';
import { controldata, etcdctl, must, patronictl, patronictlConfig, sql } from './support/outside.js';
import { pgprov, start } from './support/pgprov.js';
import { openSnapshot, snapshotsOf, type OpenedSnapshot } from './support/snapshots.js';

describe('pgprov config and pgprov history', () => {
  let cluster: TestCluster;

  const config = (command: string, ...words: string[]): ReturnType<typeof pgprov> => pgprov('config', command, cluster.file, ...words);
  const everywhere = (statement: string): Promise<string[]> => Promise.all(cluster.hosts.map((host) => sql(host, statement)));
  const stored = (): Promise<string> => etcdctl(cluster.host('pg2'), 'get --print-value-only /service/demo/config');

  beforeAll(async () => {
    cluster = await TestCluster.converged();
  });

  afterAll(() => cluster?.remove());

  it('show what is in force, and which members differ', async () => {
    const shown = await config('show');
    expect(shown.code, shown.all).toBe(0);
    expect(shown.all).toMatch(/^ttl +30 +the inventory$/mu);
    const same = await config('diff');
    expect(same.code, same.all).toBe(0);
    expect(same.all).toContain('No differences: the dynamic configuration of demo is as the inventory says');
    await patronictl(cluster.host('pg1'), 'edit-config -s check_timeline=true --force demo');
    await sql(cluster.host('pg3'), "ALTER SYSTEM SET log_min_duration_statement = '9s'");
    const differs = await config('diff');
    expect(differs.all).toMatch(/^check_timeline +true +others$/mu);
    expect(differs.all).toContain('pg3: log_min_duration_statement is 9s, set by ALTER SYSTEM');
    expect(differs.code).toBe(6);
    await sql(cluster.host('pg3'), 'ALTER SYSTEM RESET log_min_duration_statement');
    const json = JSON.parse((await config('show', '--json')).stdout) as { config: object; settings: { path: string[]; by: string }[] };
    expect(json.config).toMatchObject({ ttl: 30, check_timeline: true });
    expect(json.settings.find(({ path }) => path.join() === 'check_timeline')?.by).toBe('others');
  });

  it('refuse a key that the inventory sets and a value that a server rejects, and ask for a yes', async () => {
    const before = await stored();
    const refused = async (words: string[], sentence: string, exit: number): Promise<void> => {
      const { code, all } = await config('edit', ...words);
      expect(all).toContain(sentence);
      expect(code, all).toBe(exit);
    };
    await refused(['--put', 'ttl=40', '--yes'], 'change patroni.ttl in the inventory', 4);
    await refused(['--put', 'pause=true', '--yes'], 'it is Patroni’s maintenance mode', 4);
    await refused(['--put', 'postgresql.parameters.work_mem=lots', '--yes'], 'invalid value for parameter "work_mem"', 2);
    await refused(['--put', 'postgresql.parameters.work_memm=7MB', '--yes'], 'did you mean "work_mem"?', 2);
    await refused(['--put', 'ttll=40', '--yes'], '--put ttll: the dynamic configuration has no key "ttll"', 2);
    await refused(['--put', 'ttl', '--yes'], '--put "ttl" gives no setting a value', 2);
    await refused(['--put', 'postgresql.pg_hba=[]', '--yes'], 'pg_hba', 2);
    await refused(['--remove', 'nothing_such', '--yes'], 'has no setting nothing_such', 2);
    await refused(['--put', 'postgresql.parameters.work_mem=7MB'], 'there is no terminal to ask on', 2);
    const unedited = await start(['config', 'edit', cluster.file], { EDITOR: '', VISUAL: '' }).finished;
    expect([unedited.code, unedited.all]).toEqual([2, expect.stringContaining('there is no terminal for an editor')]);
    const edited = await start(['config', 'edit', cluster.file, '--yes'], { VISUAL: "sed -i 's/^ttl: .*/ttl: 99/'" }).finished;
    expect([edited.code, edited.all]).toEqual([4, expect.stringContaining('change patroni.ttl in the inventory')]);
    const removed = await start(['config', 'edit', cluster.file, '--yes'], { VISUAL: 'rm' }).finished;
    expect([removed.code, removed.all]).toEqual([2, expect.stringContaining('the editor left no file that can be read')]);
    expect(await stored()).toBe(before);
  });

  it('change settings, and finish when every member uses them', async () => {
    const words = [
      '--put',
      'postgresql.parameters.work_mem=7MB',
      '--put',
      'postgresql.parameters.max_wal_senders=12',
      '--remove',
      'check_timeline',
    ];
    const shown = await config('edit', ...words, '--check');
    expect(shown.all).toContain('set postgresql.parameters.work_mem to "7MB" (is not set)');
    expect(shown.all).toContain('unset check_timeline (is true)');
    expect(shown.all).toContain('max_wal_senders takes a restart of PostgreSQL, which stays pending');
    const run = start(['config', 'edit', cluster.file, ...words, '--yes', '--output', 'plain']);
    await run.printed(/config edit.take/u);
    run.process.kill('SIGKILL');
    await run.finished;
    await expect.poll(async () => (await config('edit', ...words, '--yes')).code, { timeout: patience(60_000) }).toBe(0);
    expect(await everywhere('SHOW work_mem')).toEqual(['7MB', '7MB', '7MB']);
    expect(await everywhere('SHOW max_wal_senders')).not.toContain('12');
    const shownByPatroni = await patronictlConfig(cluster.host('pg3'));
    expect(shownByPatroni).toContain('work_mem: 7MB');
    expect(shownByPatroni).not.toContain('check_timeline');
    const edited = await start(['config', 'edit', cluster.file, '--yes'], { VISUAL: "sed -i 's/work_mem: 7MB/work_mem: 6MB/'" }).finished;
    expect(edited.code, edited.all).toBe(0);
    expect(await everywhere('SHOW work_mem')).toEqual(['6MB', '6MB', '6MB']);
    const same = await start(['config', 'edit', cluster.file, '--yes'], { VISUAL: 'true' }).finished;
    expect(same.all).toContain('The dynamic configuration of demo stays as it is.');
    const again = await config('edit', '--put', 'postgresql.parameters.work_mem=6MB', '--yes');
    expect(again.all).toContain('The dynamic configuration has these settings already');
    const back = await config(
      'edit',
      '--remove',
      'postgresql.parameters.work_mem',
      '--remove',
      'postgresql.parameters.max_wal_senders',
      '--yes',
    );
    expect(back.code, back.all).toBe(0);
    expect(await everywhere('SHOW work_mem')).toEqual(['4MB', '4MB', '4MB']);
    expect((await config('diff')).code).toBe(0);
  });

  it('show who led, with the runs in between', async () => {
    const { code, all } = await pgprov('switchover', cluster.file, '--to', 'pg2', '--yes');
    expect(code, all).toBe(0);
    const told = await pgprov('history', cluster.file);
    expect(told.code, told.all).toBe(0);
    expect(told.all).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +switchover --to pg2: done, 1 change/mu);
    expect(told.all).toMatch(
      / config edit --remove postgresql\.parameters\.work_mem --remove postgresql\.parameters\.max_wal_senders: done/u,
    );
    expect(told.all).not.toContain('{');
    expect(told.all).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\d+ +pg2 +leads for .*, by pgprov switchover$/mu);
    const json = JSON.parse((await pgprov('history', cluster.file, '--json')).stdout) as {
      timelines: { timeline: number; leader: string }[];
    };
    const patronis = JSON.parse(await patronictl(cluster.host('pg1'), 'history -f json demo')) as { TL: number }[];
    expect(json.timelines.slice(0, -1).map(({ timeline }) => timeline)).toEqual(patronis.map(({ TL }) => TL));
    expect(json.timelines.at(-1)?.leader).toBe('pg2');
  });

  /** Takes a snapshot; nothing that it says has a secret in it. */
  const snapshot = async (...words: string[]): Promise<OpenedSnapshot & { said: string }> => {
    const { code, all } = await pgprov('snapshot', cluster.file, ...words);
    expect(code, all).toBe(0);
    const secrets = readFileSync(join(cluster.directory, '.pgprov', 'demo', 'passwords.yml'), 'utf8').match(/(?<=: )\S{8,}$/gmu) ?? [];
    expect(secrets.length).toBeGreaterThan(2);
    expect(secrets.filter((secret) => all.includes(secret))).toEqual([]);
    return { ...openSnapshot(snapshotsOf(cluster.file).at(-1) ?? ''), said: all };
  };

  it('are saved by a snapshot, with all that a recovery needs', async () => {
    const taken = await snapshot();
    expect(taken.said).toContain(`demo is saved in ${taken.file}: ${taken.names.length - 1} files of pg1, pg2 and pg3`);
    expect(taken.said).not.toContain('not in the snapshot');
    expect(taken.manifest.missing).toEqual([]);
    expect(taken.modes).toEqual(['600', '700']);
    expect(Object.keys(taken.manifest.files).sort()).toEqual(taken.names.filter((name) => name !== 'manifest.json'));
    for (const host of cluster.hosts) {
      const { name } = host;
      expect(taken.text(`hosts/${name}/patroni/patroni.yml`)).toBe(`${await must(host, 'cat /etc/patroni/config.yml')}\n`);
      expect(taken.text(`hosts/${name}/postgresql/PG_VERSION`)).toBe('17\n');
      expect(taken.text(`hosts/${name}/postgresql/pg_controldata.txt`)).toContain(await controldata(host, 'Database system identifier'));
      expect(taken.text(`hosts/${name}/postgresql/pg_wal/00000002.history`)).toMatch(/^1\t0\//u);
      expect(taken.text(`hosts/${name}/patroni/unit.txt`)).toContain('ActiveState=active');
      expect(taken.text(`hosts/${name}/patroni/journal.txt`)).toMatch(/patroni.*(the leader|a secondary)/u);
      expect(JSON.parse(taken.text(`hosts/${name}/patroni/patroni.dynamic.json`))).toMatchObject({ ttl: 30 });
      for (const file of ['postgresql.conf', 'postgresql.auto.conf', 'pg_hba.conf'])
        expect(taken.names).toContain(`hosts/${name}/postgresql/${file}`);
    }
    const { keys } = JSON.parse(taken.text('dcs/keys.json')) as { keys: Record<string, { value: string; revision: string }> };
    expect(Object.keys(keys)).toEqual(expect.arrayContaining(['config', 'initialize', 'leader', 'history', 'members/pg1', 'members/pg3']));
    expect(keys['config']?.value).toBe(await stored());
    const fields = await etcdctl(cluster.host('pg1'), 'get -w fields /service/demo/config');
    expect(keys['config']?.revision).toBe(/"ModRevision" : (\d+)/u.exec(fields)?.[1]);
    expect(JSON.parse(taken.text('etcd/members.json'))).toMatchObject({ members: [{}, {}, {}] });
    const { code } = await cluster
      .host('pg1')
      .exec('base64 -d >/root/snapshot.db', { input: taken.bytes('etcd/snapshot.db').toString('base64') });
    expect(code).toBe(0);
    expect(await etcdctl(cluster.host('pg1'), 'snapshot status /root/snapshot.db')).toMatch(/^[0-9a-f]+, \d+, \d+, /mu);
    const again = await pgprov('snapshot', cluster.file, '--to', taken.file);
    expect([again.code, again.all]).toEqual([2, expect.stringContaining('is there already, and a snapshot never overwrites a file')]);
  });

  it('go back to a snapshot, and ask before', async () => {
    const [before = ''] = snapshotsOf(cluster.file);
    const put = await config('edit', '--put', 'postgresql.parameters.work_mem=6MB', '--put', 'check_timeline=true', '--yes');
    expect(put.code, put.all).toBe(0);
    const shown = await config('edit', '--back-to', before, '--check');
    expect(shown.all).toContain('unset postgresql.parameters.work_mem (is "6MB")');
    expect(shown.all).toContain('unset check_timeline (is true)');
    const asked = await config('edit', '--back-to', before);
    expect([asked.code, asked.all]).toEqual([2, expect.stringContaining('there is no terminal to ask on')]);
    expect(await everywhere('SHOW work_mem')).toEqual(['6MB', '6MB', '6MB']);
    const back = await config('edit', '--back-to', before, '--yes');
    expect(back.code, back.all).toBe(0);
    expect(await everywhere('SHOW work_mem')).toEqual(['4MB', '4MB', '4MB']);
    expect(JSON.parse(await stored())).not.toHaveProperty('check_timeline');
    const again = await config('edit', '--back-to', before, '--yes');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('stays as it is')]);
  });

  longCase('a snapshot without a quorum', 'are saved as far as they answer, with a host off and without a quorum of etcd', async () => {
    await cluster.host('pg3').kill();
    const without = await snapshot();
    expect(without.said).toContain('not in the snapshot: pg3: it could not be reached');
    expect(without.names).toContain('etcd/snapshot.db');
    expect(without.names.filter((name) => name.includes('pg3'))).toEqual([]);
    await must(cluster.host('pg2'), 'systemctl stop etcd');
    const lost = await snapshot();
    expect(lost.names).not.toContain('etcd/snapshot.db');
    const kept = createHash('sha256').update(lost.bytes('hosts/pg2/etcd/member-snap.db')).digest('hex');
    expect(await must(cluster.host('pg2'), 'sha256sum /var/lib/etcd/demo/member/snap/db')).toContain(kept);
    expect(lost.names).toContain('hosts/pg1/etcd/member-snap.db');
    expect(lost.said).toMatch(/not in the snapshot: dcs\/keys\.json: /u);
    expect(lost.text('hosts/pg2/etcd/unit.txt')).toContain('ActiveState=inactive');
  });
});

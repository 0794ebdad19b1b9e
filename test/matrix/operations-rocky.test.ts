import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterStatus } from '../../src/lib/cluster-status.js';
import type { TestCluster } from '../integration/support/cluster.js';
import { controldata, etcdctl, must, patronictl, patronictlConfig, sql } from '../integration/support/outside.js';
import { pgprov } from '../integration/support/pgprov.js';
import { placesOf } from '../integration/support/places.js';
import { startTimes } from '../integration/support/starts.js';
import { withClient, WrittenCluster } from '../integration/support/written-cluster.js';
import { patience } from '../support/patience.js';

const OS = 'rocky9';
const NAMES = ['pg1', 'pg2', 'pg3'];
const { data: DATA } = placesOf(OS);

describe('operations on a cluster of Rocky 9, with a client that writes', () => {
  let written: WrittenCluster | undefined;
  let cluster: TestCluster;
  /** Who led after the last case. */
  let leading = 'pg1';

  const run = async (command: string, ...words: string[]): Promise<string> => {
    const { code, all } = await pgprov(...command.split(' '), cluster.file, ...words);
    expect(code, all).toBe(0);
    return all;
  };
  const onAll = (statement: string): Promise<string[]> => Promise.all(cluster.hosts.map((host) => sql(host, statement)));
  const standbys = (): string[] => NAMES.filter((name) => name !== leading);
  const isLeader = async (name: string): Promise<boolean> => (await sql(cluster.host(name), 'SELECT pg_is_in_recovery()')) === 'f';
  /** Members in the order in which their servers were started. */
  const startOrder = async (): Promise<string[]> => {
    const times = await startTimes(cluster.hosts);
    return [...NAMES].sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0));
  };
  const apply = async (...[changes]: Parameters<typeof withClient>): Promise<void> => {
    await cluster.write(withClient(changes));
    const applied = await cluster.run('apply');
    expect(applied.code, applied.all).toBe(0);
  };

  beforeAll(async () => {
    written = await WrittenCluster.start({}, OS);
    ({ cluster } = written);
  });

  afterAll(async () => {
    await written?.remove();
  });

  afterEach(async () => {
    leading = (await written?.whole()) ?? '';
  });

  it('restart every PostgreSQL, the leader last', async () => {
    const before = await startTimes(cluster.hosts);
    await run('restart', '--yes');
    const after = await startTimes(cluster.hosts);
    expect(NAMES.filter((name) => after[name] === before[name])).toEqual([]);
    expect((await startOrder()).at(-1)).toBe(leading);
  });

  it('raise max_connections on the standbys first, and lower it on the leader first', async () => {
    await apply({ postgresql: { parameters: { max_connections: 150 } } });
    await run('restart', '--pending', '--in-place', '--yes');
    expect(await onAll('SHOW max_connections')).toEqual(['150', '150', '150']);
    expect((await startOrder()).at(-1)).toBe(leading);
    await apply({ postgresql: { parameters: { max_connections: 110 } } });
    await run('restart', '--pending', '--yes');
    expect(await onAll('SHOW max_connections')).toEqual(['110', '110', '110']);
    expect((await startOrder())[0]).toBe(leading);
    expect(await isLeader(leading)).toBe(true);
  });

  it('restart etcd, one member at a time', async () => {
    const units = (): Promise<string[]> =>
      Promise.all(cluster.hosts.map((host) => must(host, 'systemctl show -p InvocationID --value etcd')));
    const before = await units();
    await run('restart', '--service', 'etcd', '--yes');
    expect((await units()).filter((id) => before.includes(id))).toEqual([]);
    expect((await etcdctl(cluster.host('pg1'), 'endpoint health --cluster')).match(/is healthy/gu)).toHaveLength(3);
  });

  it('move the lead to a standby and back', async () => {
    const [to = ''] = standbys();
    const timeline = Number(await sql(cluster.host(leading), 'SELECT timeline_id FROM pg_control_checkpoint()'));
    await run('switchover', '--to', to, '--yes');
    expect(await isLeader(to)).toBe(true);
    await run('switchover', '--to', leading, '--yes');
    expect(await isLeader(leading)).toBe(true);
    expect(await sql(cluster.host(leading), 'SELECT timeline_id FROM pg_control_checkpoint()')).toBe(String(timeline + 2));
  });

  it('begin and end maintenance mode', async () => {
    await run('pause', '--yes');
    expect(await patronictlConfig(cluster.host('pg1'))).toContain('pause: true');
    expect(await run('status')).toContain('maintenance mode');
    await run('resume', '--yes');
    expect(await patronictlConfig(cluster.host('pg1'))).not.toContain('pause: true');
    expect(await isLeader(leading)).toBe(true);
  });

  it('rebuild a standby, and keep its old data', async () => {
    const [name = ''] = standbys();
    const host = cluster.host(name);
    await must(host, `touch ${DATA}/of-the-old-copy`);
    const identifier = await controldata(host, 'Database system identifier');
    await run('rebuild', '--host', name, '--yes');
    await must(host, `test -e ${DATA}.aside-*/of-the-old-copy && test ! -e ${DATA}/of-the-old-copy`);
    expect(await must(host, `stat -c '%U:%G %a' ${DATA}`)).toBe('postgres:postgres 700');
    expect(await controldata(host, 'Database system identifier')).toBe(identifier);
    expect(await sql(cluster.host(leading), `SELECT state FROM pg_stat_replication WHERE application_name = '${name}'`)).toBe('streaming');
    await run('rebuild', '--host', name, '--discard', '--yes');
    expect(await must(host, `ls -d ${DATA}.aside-* | wc -l`)).toBe('1');
  });

  it('stop all members and start them again', async () => {
    await run('stop', '--yes');
    expect(await Promise.all(cluster.hosts.map((host) => controldata(host, 'Database cluster state')))).toEqual(
      NAMES.map((name) => (name === leading ? 'shut down' : 'shut down in recovery')),
    );
    expect(await Promise.all(cluster.hosts.map((host) => must(host, 'systemctl is-enabled patroni || :')))).not.toContain('enabled');
    await run('start', '--yes');
    expect(await isLeader(leading)).toBe(true);
    expect(await Promise.all(cluster.hosts.map((host) => must(host, 'systemctl is-enabled patroni')))).toEqual(NAMES.map(() => 'enabled'));
    expect((await cluster.run('apply')).all).toContain('No changes');
  });

  it('have every member read its files again', async () => {
    const loaded = (): Promise<string[]> => onAll('SELECT extract(epoch FROM pg_conf_load_time())');
    const before = await loaded();
    await run('reload', '--yes');
    expect((await loaded()).map((at, index) => Number(at) > Number(before[index]))).toEqual([true, true, true]);
  });

  it('show the dynamic configuration, and what differs', async () => {
    expect(await run('config show')).toMatch(/^ttl +30 +the inventory$/mu);
    expect(await run('config diff')).toContain('No differences');
    await patronictl(cluster.host('pg1'), 'edit-config -s check_timeline=true --force');
    const differs = await pgprov('config', 'diff', cluster.file);
    expect([differs.code, differs.all]).toEqual([6, expect.stringMatching(/^check_timeline +true +others$/mu)]);
    await run('config edit', '--remove', 'check_timeline', '--yes');
    expect(await patronictlConfig(cluster.host('pg1'))).not.toContain('check_timeline');
  });

  it('show logs of all units, and find lines in them', async () => {
    await sql(cluster.host(leading), "DO $$ BEGIN RAISE LOG 'marked for pgprov'; END $$");
    const found = await run('logs', '--grep', 'marked for pgprov', '--since', '5m');
    expect(
      found
        .trimEnd()
        .split('\n')
        .map((line) => line.slice(0, `${leading} postgresql | `.length)),
    ).toContain(`${leading} postgresql | `);
    expect(
      found
        .trimEnd()
        .split('\n')
        .filter((line) => !line.includes('marked for pgprov')),
    ).toEqual([]);
    const { stdout } = await pgprov('logs', cluster.file, '--since', '1h', '--json');
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { at: string; host: string; unit: string });
    expect([...new Set(lines.map(({ host, unit }) => `${host} ${unit}`))].sort()).toEqual(
      NAMES.flatMap((host) => ['etcd', 'patroni', 'postgresql'].map((unit) => `${host} ${unit}`)),
    );
    expect(lines.map(({ at }) => at)).toEqual(lines.map(({ at }) => at).sort());
  });

  it('open psql on the leader and on a standby', async () => {
    const ask = async (...words: string[]): Promise<string> =>
      (await pgprov('psql', cluster.file, ...words, '--', '-Atc', 'SELECT pg_is_in_recovery(), current_user')).stdout;
    expect(await ask()).toBe('f|postgres\n');
    expect(await ask('--replica')).toBe('t|postgres\n');
    expect(await ask('--host', leading)).toBe('f|postgres\n');
  });

  it('run commands over SSH', async () => {
    const named = await pgprov('ssh', cluster.file, 'pg2', '--', 'hostname; id -un; exit 7');
    expect([named.code, named.stdout], named.all).toEqual([7, 'pg2\nadmin\n']);
    expect(await run('ssh', 'pg3', '--become', '--', 'id', '-u')).toBe('0\n');
  });

  it('show who led, as Patroni’s history has it', async () => {
    const json = JSON.parse((await pgprov('history', cluster.file, '--json')).stdout) as {
      timelines: { timeline: number; leader: string }[];
    };
    const listed = JSON.parse(await patronictl(cluster.host('pg1'), 'history -f json')) as { TL: number }[];
    expect(json.timelines.slice(0, -1).map(({ timeline }) => timeline)).toEqual(listed.map(({ TL }) => TL));
    expect(json.timelines.at(-1)?.leader).toBe(leading);
    const shown = await run('history');
    expect(shown.match(/ led for .*, by pgprov switchover,/gu)).toHaveLength(2);
    expect(shown).toMatch(new RegExp(`${leading} +leads for .*, by pgprov start$`, 'mu'));
  });

  it('show what etcd keeps, and its database', async () => {
    const { keys = [], etcd } = JSON.parse((await pgprov('status', cluster.file, '--json')).stdout) as ClusterStatus;
    const listed = (await etcdctl(cluster.host('pg1'), 'get --prefix /service/demo/ --keys-only'))
      .split('\n')
      .filter((line) => line !== '');
    expect(keys.map(({ key }) => `/service/demo/${key}`).sort()).toEqual(listed.sort());
    expect(await run('status', '--keys')).toMatch(new RegExp(`^leader +3 B +${leading}$`, 'mu'));
    type Endpoint = { Status: { version: string } };
    const [own] = JSON.parse(await etcdctl(cluster.host('pg2'), 'endpoint status -w json')) as [Endpoint];
    expect(etcd.map(({ version }) => version)).toEqual(NAMES.map(() => own.Status.version));
    expect(etcd.filter((member) => member.leader)).toHaveLength(1);
  });

  it('fail over from a leader whose host lost its power, without losing a commit in synchronous mode', async () => {
    await apply({ postgresql: { parameters: { max_connections: 110 } }, patroni: { synchronous_mode: true } });
    const [other = ''] = standbys();
    const sync = async (): Promise<string> =>
      (JSON.parse(await etcdctl(cluster.host(other), 'get /service/demo/sync --print-value-only')) as { sync_standby: string | null })
        .sync_standby ?? '';
    await expect.poll(sync, { timeout: patience(60_000) }).toMatch(/^pg\d$/u);
    const standby = await sync();
    await cluster.host(leading).kill();
    // Patroni may have elected the standby by itself when pgprov looks.
    const { all } = await pgprov('failover', cluster.file, '--yes', '--set', 'ssh.connect_timeout=5');
    expect(all).toMatch(new RegExp(`${standby} leads(?:,| on timeline)`, 'u'));
    expect(await isLeader(standby)).toBe(true);
    expect(await written?.writer.lost([])).toEqual([]);
    await cluster.host(leading).start();
    expect(await written?.whole()).toBe(standby);
    expect((await cluster.run('apply')).all).toContain('No changes');
    await run('status');
  });
});

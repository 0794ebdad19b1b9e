import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';
import type { TestCluster } from './support/cluster.js';
import { controldata, describeMembers, etcdctl, must, patronictl, sql } from './support/outside.js';
import { pgprov, start } from './support/pgprov.js';
import { postgresStarts, startTimes } from './support/starts.js';
import { withClient, WrittenCluster } from './support/written-cluster.js';

describe('pgprov restart', () => {
  let written: WrittenCluster | undefined;
  let cluster: TestCluster;

  const members = (): Promise<string[]> => describeMembers(cluster.host('pg1'));
  const leader = async (): Promise<string> => (await members()).find((line) => line.endsWith('Leader running'))?.split(' ')[0] ?? '';
  /** As it was after the last case. */
  let leading = 'pg1';
  const standbys = (): string[] => cluster.hosts.map(({ name }) => name).filter((name) => name !== leading);
  const onAll = (query: string): Promise<string[]> => Promise.all(cluster.hosts.map((host) => sql(host, query)));
  const want = (parameters: object): Promise<string> => cluster.write(withClient({ postgresql: { parameters: { ...parameters } } }));
  const pending = async (): Promise<number> =>
    (JSON.parse(await patronictl(cluster.host('pg1'), 'list -f json')) as object[]).filter((member) => 'Pending restart' in member).length;

  beforeAll(async () => {
    written = await WrittenCluster.start();
    ({ cluster } = written);
  });

  afterAll(async () => {
    await written?.remove();
  });

  afterEach(async () => {
    leading = (await written?.whole()) ?? '';
  });

  it('follows an apply with --restart, and raises a limit on the standbys first', async () => {
    await want({ max_connections: 160 });
    const before = await startTimes(cluster.hosts);
    const { code, all } = await pgprov('apply', cluster.file, '--restart', '--yes');
    expect(code, all).toBe(0);
    expect(all).toContain('restart PostgreSQL on pg1, the leader, in place');
    expect(all).toContain('1. restart PostgreSQL on pg2 (max_connections 100 → 160)');
    const [restart, apply] = JSON.parse((await pgprov('runs', cluster.file, '--json')).stdout) as { id: string; follows?: string }[];
    expect(restart?.follows).toBe(apply?.id);
    expect(await onAll('SHOW max_connections')).toEqual(['160', '160', '160']);
    expect(await pending()).toBe(0);
    const after = await startTimes(cluster.hosts);
    expect(Object.keys(after).filter((name) => after[name] === before[name])).toEqual([]);
    expect([...cluster.hosts].sort((a, b) => (after[a.name] ?? 0) - (after[b.name] ?? 0)).map(({ name }) => name)).toEqual([
      'pg2',
      'pg3',
      'pg1',
    ]);
  });

  longCase('two turns of limits', 'plans two turns when one limit is raised and another lowered, and follows that order', async () => {
    await want({ max_connections: 120, max_worker_processes: 12 });
    const applied = await cluster.run('apply');
    expect(applied.all).toContain(`PostgreSQL needs a restart; when it suits you, run \`pgprov restart ${cluster.file} --pending\``);
    const before = await postgresStarts(cluster.hosts);
    const shown = await pgprov('restart', cluster.file, '--pending', '--check');
    expect(shown.code, shown.all).toBe(0);
    const [first = '', second = ''] = standbys();
    const again = 'again (max_connections 160 → 120), once it has replayed max_connections 120 of its leader';
    const order = [
      `1. restart PostgreSQL on ${first} (max_worker_processes 8 → 12)`,
      `2. restart PostgreSQL on ${second} (max_worker_processes 8 → 12)`,
      `3. restart PostgreSQL on ${leading}, the leader, in place (max_connections 160 → 120, max_worker_processes 8 → 12)`,
      `4. restart PostgreSQL on ${first} ${again}`,
      `5. restart PostgreSQL on ${second} ${again}`,
    ];
    for (const line of order) expect(shown.all).toContain(line);
    expect(await postgresStarts(cluster.hosts)).toEqual(before);
    const { code, all } = await pgprov('restart', cluster.file, '--pending', '--yes');
    expect(code, all).toBe(0);
    expect(await onAll('SHOW max_connections')).toEqual(['120', '120', '120']);
    expect(await onAll('SHOW max_worker_processes')).toEqual(['12', '12', '12']);
    expect(await Promise.all(cluster.hosts.map((host) => controldata(host, 'max_connections setting')))).toEqual(['120', '120', '120']);
    expect(await pending()).toBe(0);
    const after = await postgresStarts(cluster.hosts);
    expect(after.map((count, index) => count - (before[index] ?? 0))).toEqual(cluster.hosts.map(({ name }) => (name === leading ? 1 : 2)));
    expect(await leader()).toBe(leading);
    const repeated = await pgprov('restart', cluster.file, '--pending', '--yes');
    expect([repeated.code, repeated.all]).toEqual([0, expect.stringContaining('no restart is pending on pg1, pg2 and pg3')]);
    expect(await postgresStarts(cluster.hosts)).toEqual(after);
  });

  longCase('a restart that fails', 'stops at the first member with PostgreSQL’s sentence, and says how to revert the change', async () => {
    await patronictl(cluster.host('pg1'), 'edit-config demo -p shared_preload_libraries=of-nobody --force');
    const [first = '', second = ''] = standbys();
    const before = await postgresStarts(cluster.hosts);
    const { code, all } = await pgprov('restart', cluster.file, '--pending', '--yes');
    expect(code, all).toBe(1);
    expect(all).toContain('FATAL:  could not access file "of-nobody": No such file or directory');
    const command = /`patronictl \S+ \S+ (edit-config .*?)` as root on (\S+);/u.exec(all);
    expect(command?.slice(1), all).toEqual(['edit-config demo -p shared_preload_libraries=null --force', first]);
    expect((await members()).filter((line) => !line.startsWith(first))).toEqual(
      [`${leading} Leader running`, `${second} Replica streaming`].sort(),
    );
    // The restart has begun, and nothing else may change the cluster until it is given up.
    expect(all).toContain(`to take the change back: run \`pgprov restart ${cluster.file} --give-up\``);
    expect((await pgprov('restart', cluster.file, '--give-up')).all).toContain('is given up');
    const refused = await pgprov('restart', cluster.file, '--host', second, '--yes');
    expect(refused.all).toContain(`${first} does not stream from ${leading}`);
    expect(refused.code, refused.all).toBe(4);
    await patronictl(cluster.host(first), command?.[1] ?? '');
    await expect.poll(members, { timeout: patience(60_000) }).toContain(`${first} Replica streaming`);
    const others = cluster.hosts.map(({ name }) => name !== first);
    const after = await postgresStarts(cluster.hosts);
    expect(after.filter((_, index) => others[index])).toEqual(before.filter((_, index) => others[index]));
    await pgprov('restart', cluster.file, '--pending', '--in-place', '--yes');
    expect(await pending()).toBe(0);
    const by = await pgprov('restart', cluster.file, '--host', leading, '--switchover', '--yes');
    expect(by.code, by.all).toBe(0);
    expect(await leader()).not.toBe(leading);
  });

  it('is finished by the same command after it was killed, and restarts nobody twice', async () => {
    const [first = '', second = ''] = standbys();
    const before = await postgresStarts(cluster.hosts);
    const run = start(['restart', cluster.file, '--host', `${first},${second}`, '--yes']);
    await run.printed(new RegExp(`restart-${first} {2}${first} streams`, 'u'));
    run.process.kill('SIGKILL');
    await run.finished;
    expect(await readFile(join(cluster.directory, '.pgprov', 'demo', 'operation.json'), 'utf8')).toContain('"restart"');
    const other = await pgprov('apply', cluster.file, '--yes');
    expect(other.code, other.all).toBe(4);
    await expect.poll(async () => (await pgprov('restart', cluster.file, '--yes')).code, { timeout: patience(60_000) }).toBe(0);
    const after = await postgresStarts(cluster.hosts);
    expect(cluster.hosts.map(({ name }, index) => [name, (after[index] ?? 0) - (before[index] ?? 0)])).toEqual(
      cluster.hosts.map(({ name }) => [name, name === leading ? 0 : 1]),
    );
  });

  it('stays unfinished when Patroni does not come up again, says what is down, and advises what works', async () => {
    const [name = ''] = standbys();
    const host = cluster.host(name);
    const dropIn = '/etc/systemd/system/patroni.service.d/no.conf';
    const restart = (): ReturnType<typeof pgprov> => pgprov('restart', cluster.file, '--service', 'patroni', '--host', name, '--yes');
    await must(host, `mkdir -p $(dirname ${dropIn}); printf '[Service]\\nExecStartPre=/bin/false\\n' >${dropIn}; systemctl daemon-reload`);
    const failed = await restart();
    expect(failed.code, failed.all).toBe(1);
    expect(failed.all).toContain('patroni did not restart, and does not run now');
    expect(failed.all).toContain(`PostgreSQL on ${name} is down with it, until Patroni starts`);
    expect(failed.all).toContain(`Begun and not completed: restart patroni (${name}).`);
    const other = await pgprov('apply', cluster.file, '--yes');
    expect(other.code, other.all).toBe(4);
    expect(other.all).toContain('is not finished');
    // patroni.yml breaks meanwhile.
    await must(
      host,
      `rm ${dropIn}; systemctl daemon-reload; cp -p /etc/patroni/config.yml /root/kept; echo 'postgresql: [' >>/etc/patroni/config.yml`,
    );
    const refused = await restart();
    expect(refused.code, refused.all).toBe(4);
    const command = /have `pgprov (?<giveUp>restart \S+ --give-up) && pgprov (?<apply>apply \S+)` write it again/u.exec(
      refused.stderr.replaceAll(/\s+/gu, ' '),
    );
    expect(command, refused.all).not.toBe(null);
    await must(host, 'cp -p /root/kept /etc/patroni/config.yml');
    const finished = await restart();
    expect(finished.code, finished.all).toBe(0);
    expect(finished.all).toContain(`Patroni was restarted on ${name}`);
  });

  it('restarts etcd member by member, its leader last', async () => {
    const unit = (host: (typeof cluster.hosts)[number]): Promise<string> =>
      must(host, 'systemctl show -p ActiveEnterTimestampMonotonic --value etcd');
    const before = await Promise.all(cluster.hosts.map(unit));
    const status = JSON.parse(await etcdctl(cluster.host('pg1'), 'endpoint status --cluster -w json')) as {
      Endpoint: string;
      Status: { header: { member_id: number }; leader: number };
    }[];
    const leads = status.find(({ Status }) => Status.header.member_id === Status.leader)?.Endpoint ?? '';
    const last = cluster.hosts.find(({ address }) => leads.includes(address))?.name ?? '';
    const { code, all } = await pgprov('restart', cluster.file, '--service', 'etcd', '--yes');
    expect(code, all).toBe(0);
    const after = await Promise.all(cluster.hosts.map(unit));
    expect(after.filter((at, index) => at === before[index])).toEqual([]);
    expect(all).toContain(`3. restart etcd on ${last}, the leader of etcd`);
    expect(await etcdctl(cluster.host('pg1'), 'endpoint health --cluster')).not.toContain('unhealthy');
  });
});

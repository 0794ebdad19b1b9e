import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterStatus } from '../../src/lib/cluster-status.js';
import { TestCluster } from './support/cluster.js';
import { etcdctl, must, patronictl, patronictlConfig, shellWord, sql } from './support/outside.js';
import { pgprov, start } from './support/pgprov.js';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';

/** What a run says is what it did, and what a status says is how the cluster is. */
describe('a run and a status of a living cluster (Debian 13)', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.converged();
  });
  afterAll(() => cluster?.remove());

  const dynamic = async (): Promise<Record<string, unknown>> =>
    parse(await patronictlConfig(cluster.host('pg1'))) as Record<string, unknown>;
  const status = async (): Promise<{ code: number | null; text: string }> => {
    const { code, stdout } = await pgprov('status', cluster.file);
    return { code, text: stdout };
  };
  const seen = async (): Promise<ClusterStatus> => JSON.parse((await pgprov('status', cluster.file, '--json')).stdout) as ClusterStatus;
  /** A line of a status that begins with the host, whatever its mark. */
  const lineWith = (host: string, words: string): RegExp =>
    new RegExp(`^. ${host} .*${words.replaceAll(/[.*+?^$(){}|[\]\\/]/gu, '\\$&')}`, 'mu');

  it('apply settings of the whole cluster also when the first leader is left out, and remove only what a run set', async () => {
    const aim = ['--host', 'pg2,pg3', '--set', 'postgresql.parameters.work_mem=9MB'];
    const set = await cluster.run('apply', ...aim);
    expect(set.code, set.all).toBe(0);
    expect(set.stdout).toContain('set postgresql.parameters.work_mem to 9MB');
    expect(await dynamic()).toMatchObject({ postgresql: { parameters: { work_mem: '9MB' } } });
    await expect.poll(() => sql(cluster.host('pg1'), 'show work_mem'), { timeout: patience(30_000), interval: 500 }).toBe('9MB');
    expect((await pgprov('plan', cluster.file, ...aim)).stdout).toBe(
      'No changes. What the run selects is as the inventory says; left out: pg1.\n',
    );

    await patronictl(cluster.host('pg2'), `edit-config --force -s postgresql.parameters.log_min_duration_statement=500`);
    const back = await cluster.run('apply', '--host', 'pg3');
    expect(back.code, back.all).toBe(0);
    const { postgresql } = (await dynamic()) as { postgresql: { parameters: Record<string, unknown> } };
    expect(postgresql.parameters).not.toHaveProperty('work_mem');
    expect(postgresql.parameters).toMatchObject({ log_min_duration_statement: 500, wal_level: 'replica' });

    const plan = await pgprov('plan', cluster.file);
    const [, command = ''] = /to remove it, run there as root: `([^`]+)`/u.exec(plan.stdout) ?? [];
    await must(cluster.host('pg1'), command);
    expect((await pgprov('plan', cluster.file)).stdout).toBe('No changes. The cluster is as the inventory says.\n');
  });

  it('show a standby that receives and does not replay', async () => {
    await sql(cluster.host('pg1'), 'create table rows (n int)');
    // Patroni resumes replay by itself before long, so each look begins with a pause and something to replay.
    const paused = async (): Promise<void> => {
      await sql(cluster.host('pg2'), 'select pg_wal_replay_pause()');
      await sql(cluster.host('pg1'), 'insert into rows select generate_series(1, 100000)');
    };
    const told = async (): Promise<string> => {
      await paused();
      const { code, text } = await status();
      return `${code} ${text}`;
    };
    await expect
      .poll(told, { timeout: patience(30_000) })
      .toMatch(/^1 [\s\S]*pg2: replay of the WAL is paused.*has \d.* left to replay, more than maximum_lag_on_failover/u);
    const behind = async (): Promise<unknown[]> => {
      await paused();
      const { replayPaused, replayLagBytes = 0, replayLagSeconds = 0 } = (await seen()).members.find(({ name }) => name === 'pg2') ?? {};
      return [replayPaused, replayLagBytes > 1_048_576, replayLagSeconds > 0];
    };
    await expect.poll(behind, { timeout: patience(30_000) }).toEqual([true, true, true]);
    await sql(cluster.host('pg2'), 'select pg_wal_replay_resume()');
    await expect.poll(async () => (await status()).code, { timeout: patience(30_000) }).toBe(0);
  });

  it('show replication as both sides see it, and the WAL that a slot keeps', async () => {
    const rows = async (host: string, query: string): Promise<string[]> => (await sql(cluster.host(host), query)).split('\n');
    const { replication = [] } = await seen();
    const [primary, ...standbys] = replication;
    expect([primary?.host, primary?.standby, primary?.receives]).toEqual(['pg1', false, undefined]);
    expect(primary?.sends.map(({ name, state, sync }) => `${name}|${state}|${sync}`).sort()).toEqual(
      await rows('pg1', "select application_name, state, sync_state from pg_stat_replication where state <> 'startup' order by 1"),
    );
    for (const { host, standby, receives, behindSeconds } of standbys) {
      expect([standby, behindSeconds]).toEqual([true, 0]);
      expect([`${receives?.status}|${receives?.timeline}|${receives?.from}|${receives?.slot}`]).toEqual(
        await rows(host, "select status, received_tli, sender_host || ':' || sender_port, slot_name from pg_stat_wal_receiver"),
      );
    }
    await patronictl(cluster.host('pg1'), 'edit-config --force -s slots.left_over.type=physical');
    const held = "select restart_lsn is not null from pg_replication_slots where slot_name = 'left_over'";
    await expect.poll(() => sql(cluster.host('pg1'), held), { timeout: patience(60_000) }).toBe('t');
    await sql(cluster.host('pg1'), 'create table ballast as select generate_series(1, 400000) as n');
    const { code, text } = await status();
    expect(code, text).toBe(0);
    expect(text).toMatch(/^! pg1 +left_over: physical, not in use.*, holds \d\d.* MiB$/mu);
    expect(text).toMatch(/^! pg1 +postgresql: the replication slot left_over is used by nobody and holds/mu);
    expect(text).toMatch(/^✔ pg2 +receives: streaming from .*; pg1 sees streaming, async, /mu);
    await sql(cluster.host('pg1'), 'drop table ballast');
    await patronictl(cluster.host('pg1'), 'edit-config --force -s slots=null');
    await expect.poll(() => sql(cluster.host('pg1'), held), { timeout: patience(60_000) }).toBe('');
  });

  longCase('a pending restart', 'say what a restart is pending for, with the old and the new value', async () => {
    const [before = ''] = [await sql(cluster.host('pg1'), 'show max_connections')];
    await patronictl(cluster.host('pg1'), `edit-config --force -s postgresql.parameters.max_connections=${Number(before) + 7}`);
    const pending = `needs a restart for max_connections=${Number(before) + 7} (is ${before}); \`pgprov restart ${cluster.file} --pending\``;
    for (const name of ['pg1', 'pg2', 'pg3'])
      await expect.poll(async () => (await status()).text, { timeout: patience(60_000) }).toMatch(lineWith(name, pending));
    expect((await seen()).members[0]?.pendingReasons).toEqual({ max_connections: { from: before, to: String(Number(before) + 7) } });
    await patronictl(cluster.host('pg1'), `edit-config --force -s postgresql.parameters.max_connections=null`);
    await cluster.run('apply');
    await expect.poll(async () => (await status()).text, { timeout: patience(60_000) }).not.toContain('needs a restart');
  });

  it('show what etcd keeps for Patroni, its database and its alarms', async () => {
    const { keys = [], etcd } = await seen();
    const listed = (await etcdctl(cluster.host('pg1'), 'get --prefix /service/demo/ --keys-only'))
      .split('\n')
      .filter((line) => line !== '');
    expect(keys.map(({ key }) => `/service/demo/${key}`).sort()).toEqual(listed.sort());
    expect(keys.find(({ key }) => key === 'leader')).toEqual({ key: 'leader', bytes: 3, value: 'pg1' });
    const text = (await pgprov('status', cluster.file, '--keys')).stdout;
    expect(text).toMatch(/^leader +3 B +pg1$/mu);
    expect(text).toMatch(/^members\/pg3 +\d+ B +\{/mu);

    type Status = { Status: { header: { member_id: number }; version: string; dbSize: number; leader: number } };
    const [own] = JSON.parse(await etcdctl(cluster.host('pg2'), 'endpoint status -w json')) as [Status];
    expect(etcd.find(({ name }) => name === 'pg2')).toMatchObject({ version: own.Status.version });
    expect(etcd.filter(({ leader }) => leader)).toHaveLength(1);

    const tls = '--cacert /etc/etcd/tls/ca.crt --cert /etc/etcd/tls/node.crt --key /etc/etcd/tls/node.key';
    // As text: a member's id has more digits than a number of JavaScript.
    const id = /"member_id":(\d+)/u.exec(await etcdctl(cluster.host('pg2'), 'endpoint status -w json'))?.[1] ?? '';
    const alarm = JSON.stringify({ action: 'ACTIVATE', memberID: id, alarm: 'NOSPACE' });
    await must(
      cluster.host('pg2'),
      `curl -sf ${tls} -d ${shellWord(alarm)} https://${cluster.host('pg2').address}:2379/v3/maintenance/alarm`,
    );
    const alarmed = await status();
    await etcdctl(cluster.host('pg2'), 'alarm disarm');
    expect(alarmed.code, alarmed.text).toBe(1);
    expect(alarmed.text).toMatch(/^✖ pg2 +etcd: the database has reached its quota \(alarm NOSPACE\)/mu);
    await expect.poll(async () => (await status()).code, { timeout: patience(30_000) }).toBe(0);
  });

  it('say first that the cluster is in maintenance mode', async () => {
    const words = 'maintenance mode (pause: true)';
    await patronictl(cluster.host('pg1'), 'pause --wait');
    const seen = await status();
    expect([seen.code, seen.text.split('\n\n')[1]?.startsWith(words), seen.text.trimEnd().split('\n').at(-1)]).toEqual([
      0,
      true,
      '! nothing is wrong, but the cluster is in maintenance mode',
    ]);
    expect((await pgprov('plan', cluster.file)).stderr).toContain(words);
    const applied = await cluster.run('apply');
    expect(applied.stdout, applied.all).toContain(words);
    await patronictl(cluster.host('pg1'), 'resume --wait');
  });

  it('refuse to make new passwords when passwords.yml is lost, and work again after the advised command', async () => {
    const file = join(cluster.directory, '.pgprov', 'demo', 'passwords.yml');
    await rename(file, `${file}.lost`);
    for (const command of ['plan', 'apply']) {
      const run = await pgprov(command, cluster.file);
      expect([run.code, run.all.includes('passwords that this machine does not know')], run.all).toEqual([4, true]);
    }
    const yml = parse(await must(cluster.host('pg1'), 'cat /etc/patroni/config.yml')) as {
      restapi: { authentication: { password: string } };
      postgresql: { authentication: Record<'superuser' | 'replication' | 'rewind', { password: string }> };
    };
    const { superuser, replication, rewind } = yml.postgresql.authentication;
    await writeFile(
      file,
      [
        `postgresql.superuser_password: ${superuser.password}`,
        `replication.password: ${replication.password}`,
        `patroni.rewind_password: ${rewind.password}`,
        `patroni.restapi_password: ${yml.restapi.authentication.password}`,
        '',
      ].join('\n'),
      { mode: 0o600 },
    );
    const plan = await pgprov('plan', cluster.file);
    expect([plan.code, plan.stdout], plan.all).toEqual([0, 'No changes. The cluster is as the inventory says.\n']);
    expect(parse(await readFile(file, 'utf8'))).toEqual(parse(await readFile(`${file}.lost`, 'utf8')));
  });

  it('read the rest when one value in etcd cannot be read, and name it', async () => {
    const tls = '--cacert=/etc/etcd/tls/ca.crt --cert=/etc/etcd/tls/node.crt --key=/etc/etcd/tls/node.key';
    const etcdctl = (words: string): Promise<string> =>
      must(cluster.host('pg1'), `ETCDCTL_API=3 etcdctl --endpoints=https://${cluster.host('pg1').address}:2379 ${tls} ${words}`);
    await etcdctl(`put /service/demo/members/ghost ${shellWord('{"torn')}`);
    const { text } = await status();
    expect(text).toContain('etcd: the value of /service/demo/members/ghost is not what Patroni writes there');
    expect(text).toMatch(/^pg2 .*streaming/mu);
    await etcdctl('del /service/demo/members/ghost');
  });

  it('end as gracefully when the terminal is closed as on Ctrl-C', async () => {
    const run = start(['apply', cluster.file, '--yes', '--set', 'postgresql.parameters.work_mem=7MB'], {});
    await run.printed(/surveyed/u);
    run.process.kill('SIGHUP');
    run.process.kill('SIGHUP');
    const { code, signal, all } = await run.finished;
    expect([code, signal, all.includes('the terminal was closed')], all).toEqual([130, null, true]);
    const again = await cluster.run('apply');
    expect(again.code, again.all).toBe(0);
  });

  it('change a parameter in etcd alone, and write no file for it', async () => {
    const set = ['--set', 'postgresql.parameters.work_mem=11MB'];
    const planned = await pgprov('plan', cluster.file, ...set, '--output', 'json');
    const plan = planned.stdout
      .split('\n')
      .filter((line) => line.includes('"type":"planned"'))
      .flatMap((line) => (JSON.parse(line) as { changes: { host: string; summary: string }[] }).changes);
    expect(
      plan.map(({ host, summary }) => `${host}: ${summary}`),
      planned.all,
    ).toEqual(['pg1: set postgresql.parameters.work_mem to 11MB (is not set) in the dynamic configuration']);
    const written = (): Promise<string[]> =>
      Promise.all(['pg1', 'pg2', 'pg3'].map((name) => must(cluster.host(name), 'stat -c %Y.%i /etc/patroni/config.yml')));
    const before = await written();
    const applied = await cluster.run('apply', ...set);
    expect(applied.code, applied.all).toBe(0);
    expect([await written(), (await pgprov('plan', cluster.file, ...set)).stdout]).toEqual([
      before,
      'No changes. The cluster is as the inventory says.\n',
    ]);
    const back = await cluster.run('apply');
    expect(back.code, back.all).toBe(0);
  });

  describe('on a host that refuses a step', () => {
    /** Plans and applies what would be refused, and wants the same sentence of both, and nothing written. */
    const refused = async (sentence: string, advice: string, ...words: string[]): Promise<void> => {
      const mark = '/etc/patroni/config.yml /etc/default/etcd /var/lib/pgprov';
      const state = (): Promise<string> => must(cluster.host('pg2'), `find ${mark} -type f -newer /run/before -print`);
      await must(cluster.host('pg2'), 'touch /run/before');
      for (const command of ['plan', 'apply']) {
        const run = await (command === 'plan' ? pgprov(command, cluster.file, ...words) : cluster.run(command, ...words));
        expect([run.code, run.all.includes(sentence), run.all.includes(advice)], run.all).toEqual([4, true, true]);
      }
      expect(await state()).toBe('');
    };

    it.each(['patroni', 'etcd'])('name a masked unit and the command that unmasks it (%s)', async (unit) => {
      await must(cluster.host('pg2'), `systemctl mask ${unit}`);
      await refused(
        `the unit ${unit} is masked, so systemd does not start it`,
        `run \`systemctl unmask ${unit}\` there`,
        '--set',
        'patroni.tags.x=1',
      );
      await must(cluster.host('pg2'), `systemctl unmask ${unit}`);
    });

    it('name a missing unit, and the command that restores it', async () => {
      const unit = '/usr/lib/systemd/system/etcd.service';
      await must(cluster.host('pg2'), `mv ${unit} /root/ && mv /etc/init.d/etcd /root/ 2>/dev/null; systemctl daemon-reload`);
      await refused(
        'the package etcd-server is installed, but its unit etcd is not there',
        '`apt-get install --reinstall etcd-server` there brings it back',
      );
      await must(cluster.host('pg2'), `mv /root/etcd.service ${unit}; mv /root/etcd /etc/init.d/ 2>/dev/null; systemctl daemon-reload`);
    });

    it('name a package that is on hold', async () => {
      await must(cluster.host('pg3'), 'apt-mark hold sysstat');
      const run = await pgprov('plan', cluster.file, '--set', 'base.prerequisites=[ca-certificates,curl,sysstat]');
      expect(
        [
          run.code,
          run.all.includes('pg3: the package sysstat is not installed, and on hold'),
          run.all.includes('`apt-mark unhold sysstat` there lets it be installed'),
        ],
        run.all,
      ).toEqual([4, true, true]);
      await must(cluster.host('pg3'), 'apt-mark unhold sysstat');
    });

    it('are accepted by all hosts again', async () => {
      expect((await pgprov('plan', cluster.file)).stdout).toBe('No changes. The cluster is as the inventory says.\n');
    });
  });

  it('let no member wait for a password that the leader could not set, and name the leader', async () => {
    await sql(cluster.host('pg1'), 'alter role postgres set default_transaction_read_only = on');
    const run = await cluster.run('apply', '--set', 'replication.password=another-one-for-the-standbys');
    await must(
      cluster.host('pg1'),
      `runuser -u postgres -- env PGOPTIONS='-c default_transaction_read_only=off' psql -XAtq -c 'alter role postgres reset default_transaction_read_only'`,
    );
    expect(run.code, run.all).toBe(1);
    expect(run.all).toMatch(/pg1 .*could not set the password of role replicator/u);
    expect(run.all.match(/the new password is not waited for any longer: pg1 failed/gu)?.length, run.all).toBeGreaterThanOrEqual(2);
    expect((await pgprov('plan', cluster.file)).stdout).toBe('No changes. The cluster is as the inventory says.\n');
    expect((await status()).code).toBe(0);
  });

  it('refuse to take a role from a host whose unit would start again', async () => {
    await must(cluster.host('pg3'), 'systemctl stop patroni');
    const without = join(cluster.directory, 'without.yml');
    const inventory = parse(await readFile(cluster.file, 'utf8')) as { hosts: Record<string, unknown> };
    inventory.hosts['pg3'] = { address: inventory.hosts['pg3'], roles: ['base', 'firewall', 'pgdg', 'etcd'] };
    await writeFile(without, stringify(inventory));
    const run = await pgprov('plan', without);
    expect(
      [
        run.code,
        run.all.includes('pgprov set up patroni there, which starts at the next boot, and none of the host’s roles'),
        run.all.includes('`systemctl disable --now patroni` there'),
      ],
      run.all,
    ).toEqual([4, true, true]);
    await must(cluster.host('pg3'), 'systemctl start patroni');
    await expect.poll(async () => (await status()).code, { timeout: patience(60_000), interval: 1000 }).toBe(0);
  });
});

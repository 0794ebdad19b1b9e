import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';
import { TestCluster } from './support/cluster.js';
import { describeMembers, etcdctl, fingerprint, must, patronictl, patronictlConfig, sql } from './support/outside.js';
import { placesOf } from './support/places.js';
import { restartInVain } from './support/restart-in-vain.js';

const ALL_STREAM = ['pg1 Leader running', 'pg2 Replica streaming', 'pg3 Replica streaming'];

describe('what is in force', () => {
  let cluster: TestCluster;
  const hba = (): string => `${placesOf(cluster.os).data}/pg_hba.conf`;
  const everywhere = (statement: string): Promise<string[]> => Promise.all(cluster.hosts.map((host) => sql(host, statement)));
  const plain = { postgresql: { parameters: { work_mem: '12MB' } } };

  beforeAll(async () => {
    cluster = await TestCluster.converged();
    await cluster.write(plain);
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('is what the inventory says on every member at the end of a run', async () => {
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    expect(await everywhere('show work_mem')).toEqual(['12MB', '12MB', '12MB']);
    await cluster.write({ postgresql: { ...plain.postgresql, hba: ['host app app 10.99.0.0/16 scram-sha-256'] } });
    const next = await cluster.run('apply');
    expect(next.code, next.all).toBe(0);
    expect(await everywhere("select count(*) from pg_hba_file_rules where address = '10.99.0.0'")).toEqual(['1', '1', '1']);
    await cluster.write(plain);
    expect((await cluster.run('apply')).code).toBe(0);
    expect((await cluster.run('apply')).all).toContain('No changes');
  });

  it('stays unchanged when PostgreSQL rejects a value', async () => {
    const before = await Promise.all(cluster.hosts.map(fingerprint));
    const config = await patronictlConfig(cluster.host('pg1'));
    const cases = [
      {
        command: 'apply',
        given: ['work_mem=64 MBs', 'shared_preload_libraries=nothere'],
        says: ['invalid value for parameter "work_mem": "64 MBs"', 'there is no library nothere'],
      },
      { command: 'plan', given: ['work_memm=64MB'], says: ['unrecognized configuration parameter "work_memm"'] },
      { command: 'plan', given: ['shared_buffers=900GB'], says: ['shared_buffers takes 900.0 GB, and the host has'] },
    ];
    for (const { command, given, says } of cases) {
      const run = await cluster.run(command, ...given.flatMap((set) => ['--set', `postgresql.parameters.${set}`]));
      expect(run.code, run.all).toBe(1);
      for (const each of says) expect(run.all).toContain(each);
    }
    expect(await patronictlConfig(cluster.host('pg1'))).toBe(config);
    expect(await Promise.all(cluster.hosts.map(fingerprint))).toEqual(before);
  });

  it('fails the run, with PostgreSQL’s sentence, when only the running server can reject a value', async () => {
    await cluster.write({ postgresql: { ...plain.postgresql, hba: ['host @nowhere.txt all 10.98.0.0/16 reject'] } });
    for (const { command, code } of [
      { command: 'apply', code: 1 },
      { command: 'diff', code: 6 },
      { command: 'status', code: 1 },
    ]) {
      const run = await cluster.run(command);
      expect(run.code, run.all).toBe(code);
      expect(run.all).toMatch(/pg_hba\.conf, line \d+: .*nowhere\.txt/u);
    }
    await cluster.write(plain);
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
  });

  it('shows an access line that somebody added, and is corrected without a restart', async () => {
    const started = await everywhere('select pg_postmaster_start_time()');
    await must(
      cluster.host('pg2'),
      `echo 'host all all 0.0.0.0/0 trust' >>${hba()} && runuser -u postgres -- psql -qc 'select pg_reload_conf()' >/dev/null`,
    );
    const diff = await cluster.run('diff');
    expect(diff.code, diff.all).toBe(6);
    const summary = `write ${hba()} from Patroni’s configuration (it holds "host all all 0.0.0.0/0 trust")`;
    expect(diff.stdout).toContain(summary);
    const status = await cluster.run('status');
    expect([status.code, status.stdout]).toEqual([
      1,
      expect.stringContaining(`pg2: somebody has edited ${hba()}: it holds "host all all 0.0.0.0/0 trust"`),
    ]);
    expect(status.stdout).toContain(`\`pgprov apply ${cluster.file}\` corrects it: ${summary}`);
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    expect(await sql(cluster.host('pg2'), "select count(*) from pg_hba_file_rules where auth_method = 'trust' or error is not null")).toBe(
      '0',
    );
    expect(await everywhere('select pg_postmaster_start_time()')).toEqual(started);
    expect((await cluster.run('diff')).code).toBe(0);
  });

  it('shows what somebody added to the dynamic configuration, which stays, while the inventory’s own values are restored', async () => {
    const set = (words: string): Promise<string> => patronictl(cluster.host('pg1'), `edit-config --force -q ${words}`);
    await set('-p work_mem=8MB -p log_min_duration_statement=7s -s failsafe_mode=true');
    const what = [
      'postgresql.parameters.log_min_duration_statement "7s", which neither the inventory nor pgprov has set',
      'failsafe_mode true, which neither the inventory nor pgprov has set',
    ];
    for (const { command, code } of [
      { command: 'status', code: 0 },
      { command: 'diff', code: 6 },
      { command: 'apply', code: 0 },
    ]) {
      const run = await cluster.run(command);
      expect(run.code, run.all).toBe(code);
      for (const each of what) expect(run.all).toContain(each);
    }
    expect(await everywhere('show work_mem')).toEqual(['12MB', '12MB', '12MB']);
    expect(await patronictlConfig(cluster.host('pg1'))).toContain('log_min_duration_statement: 7s');
    const { stdout } = await cluster.run('diff');
    const commands = [...stdout.matchAll(/`(patronictl [^`]*)`/gu)].map(([, command = '']) => command);
    expect(commands).toHaveLength(2);
    for (const command of commands) await must(cluster.host('pg1'), command);
    const clean = await cluster.run('diff');
    expect(clean.code, clean.all).toBe(0);
  });

  it('is reported by status when a running unit would not start at boot, and when others could read a key', async () => {
    const key = `${placesOf(cluster.os).etcdTls}/node.key`;
    await must(cluster.host('pg3'), `systemctl -q disable patroni && chmod 0644 ${key}`);
    const status = await cluster.run('status');
    expect([status.code, status.stdout]).toEqual([
      1,
      expect.stringContaining('pg3: the unit patroni runs, and would not start after a reboot'),
    ]);
    expect(status.stdout).toContain(`pg3: ${key} has mode 0644 instead of 0600: others on the host may read it`);
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    expect((await cluster.run('status')).code).toBe(0);
  });

  it('shows what ALTER SYSTEM has set, with the command that corrects it', async () => {
    await sql(cluster.host('pg1'), "alter system set work_mem = '8MB'");
    await sql(cluster.host('pg1'), 'select pg_reload_conf()');
    const what = 'work_mem is 8MB, set by ALTER SYSTEM, which overrides the inventory’s 12MB';
    for (const { command, code } of [
      { command: 'diff', code: 6 },
      { command: 'status', code: 1 },
      { command: 'apply', code: 1 },
    ]) {
      const run = await cluster.run(command);
      expect(run.code, run.all).toBe(code);
      expect(run.all).toContain(what);
      expect(run.all).toContain('ALTER SYSTEM RESET work_mem');
    }
    // A new value is not "done" either.
    const changed = await cluster.run('apply', '--set', 'postgresql.parameters.work_mem=16MB');
    expect(changed.code, changed.all).toBe(1);
    expect(changed.all).toContain('which overrides the inventory’s 16MB');
    await must(
      cluster.host('pg1'),
      "runuser -u postgres -- psql -qc 'alter system reset work_mem' -c 'select pg_reload_conf()' >/dev/null",
    );
    expect((await cluster.run('apply')).code).toBe(0);
    expect((await cluster.run('status')).code).toBe(0);
  });

  it('includes what ALTER SYSTEM holds beyond the inventory, which is reported and fails no run', async () => {
    await sql(cluster.host('pg1'), "alter system set log_min_duration_statement = '5s'");
    await sql(cluster.host('pg1'), 'select pg_reload_conf()');
    expect((await cluster.run('diff')).code).toBe(6);
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    expect(run.all).toContain('log_min_duration_statement is 5s, set by ALTER SYSTEM; the inventory does not give it');
    await must(cluster.host('pg1'), "runuser -u postgres -- psql -qc 'alter system reset all' -c 'select pg_reload_conf()' >/dev/null");
  });

  it('shows a drop-in that has Patroni’s unit run something else', async () => {
    const directory = '/etc/systemd/system/patroni.service.d';
    await must(
      cluster.host('pg3'),
      `mkdir -p ${directory} && printf '[Service]\\nExecStartPre=/bin/false\\n' >${directory}/theirs.conf && systemctl daemon-reload`,
    );
    for (const { command, code } of [
      { command: 'diff', code: 6 },
      { command: 'status', code: 1 },
      { command: 'apply', code: 1 },
    ]) {
      const run = await cluster.run(command);
      expect(run.code, run.all).toBe(code);
      expect(run.all).toContain(
        `${directory}/theirs.conf makes patroni run a command that neither its package nor pgprov sets: ExecStartPre=/bin/false`,
      );
    }
    await must(cluster.host('pg3'), `rm ${directory}/theirs.conf && systemctl daemon-reload`);
    expect((await cluster.run('diff')).code).toBe(0);
  });

  longCase(
    'a cache that a bootstrap left',
    'is corrected when a failed bootstrap left its cached dynamic configuration in an empty data directory',
    async () => {
      const { data } = placesOf(cluster.os);
      await must(
        cluster.host('pg3'),
        `systemctl stop patroni && mv ${data} ${data}.away && install -d -o postgres -g postgres -m 0700 ${data} && install -o postgres ${data}.away/patroni.dynamic.json ${data}/`,
      );
      const run = await cluster.run('apply');
      expect(run.code, run.all).toBe(0);
      expect(run.all).toContain('put patroni.dynamic.json, which a failed bootstrap left in');
      await expect.poll(() => describeMembers(cluster.host('pg1')), { timeout: patience(60_000) }).toEqual(ALL_STREAM);
      await must(cluster.host('pg3'), `rm -r ${data}.away`);
    },
  );

  /** What Patroni is told past pgprov. */
  async function patch(body: object): Promise<void> {
    const [{ address }] = cluster.hosts as [LabHost];
    const credentials = `patroni:${await cluster.password('patroni.restapi_password')}`;
    await must(cluster.host('pg1'), `curl -sf -u '${credentials}' -X PATCH -d '${JSON.stringify(body)}' http://${address}:8008/config`);
  }

  it('can be corrected when the dynamic configuration has stopped the loop of every Patroni', async () => {
    const host = cluster.host('pg1');
    const started = await everywhere('select pg_postmaster_start_time()');
    await patch({ postgresql: 5 });
    expect(await patronictlConfig(host)).toContain('postgresql: 5');
    const status = await cluster.run('status');
    expect([status.code, status.all]).toEqual([
      1,
      expect.stringContaining('the dynamic configuration has 5 where the section postgresql belongs'),
    ]);
    await expect
      .poll(() => must(host, 'journalctl -u patroni -n 20 -o cat --no-pager'), { timeout: patience(30_000) })
      .toContain('Unexpected exception');
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    expect(await patronictlConfig(host)).toContain('work_mem: 12MB');
    await expect.poll(() => describeMembers(host), { timeout: patience(60_000) }).toEqual(ALL_STREAM);
    expect(await everywhere('select pg_postmaster_start_time()')).toEqual(started);
  });

  longCase('no PostgreSQL starts', 'can be corrected where it keeps every PostgreSQL from starting, and loses no commit', async () => {
    const [pg1, pg2, pg3] = cluster.hosts as [LabHost, LabHost, LabHost];
    await sql(pg1, 'create table proof (n int)');
    await patch({ postgresql: { parameters: { shared_buffers: '500GB' } } });
    // The standby first, then the leader: pg2 takes over, and only pg2 has what is committed from then on.
    for (const host of [pg3, pg1]) await restartInVain(host);
    await expect.poll(() => sql(pg2, 'select pg_is_in_recovery()'), { timeout: patience(90_000) }).toBe('f');
    await sql(pg2, 'insert into proof select generate_series(1, 1000)');
    await restartInVain(pg2);
    await expect.poll(() => etcdctl(pg1, 'get /service/demo/leader --print-value-only'), { timeout: patience(60_000) }).toBe('');

    await cluster.write({ postgresql: { parameters: { ...plain.postgresql.parameters, shared_buffers: '64MB' } } });
    const plan = await cluster.run('plan');
    expect([plan.code, plan.all]).toEqual([
      0,
      expect.stringContaining('patroni starts on pg2, which has the last commits, then on pg1 and pg3'),
    ]);
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    await expect
      .poll(() => describeMembers(pg1), { timeout: patience(60_000) })
      .toEqual(['pg1 Replica streaming', 'pg2 Leader running', 'pg3 Replica streaming']);
    expect(await everywhere('select count(*) from proof')).toEqual(['1000', '1000', '1000']);
    expect((await cluster.run('diff')).code).toBe(0);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';
import { TestCluster } from './support/cluster.js';
import { controldata, must, sql } from './support/outside.js';
import { start, type Finished } from './support/pgprov.js';

const DATA = '/var/lib/postgresql/17/main';
const BIN = '/usr/lib/postgresql/17/bin';
const UNIT = 'postgresql@17-main';

describe('streaming without Patroni on Debian 13', () => {
  let cluster: TestCluster;
  let hosts: LabHost[];
  let first: Finished;

  beforeAll(async () => {
    cluster = await TestCluster.start('itstream', 'debian13', 3, 'packages');
    hosts = cluster.hosts;
    await write();
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  async function write(changes: Record<string, unknown> = {}): Promise<void> {
    await cluster.write({
      roles: ['base', 'pgdg', 'postgresql', 'replication'],
      postgresql: { version: 17, parameters: { work_mem: '6MB' } },
      ...changes,
    });
  }

  /** `pg2|streaming|pg2`: who streams from a server, and through which slot. */
  const streams = (host: LabHost): Promise<string> =>
    sql(
      host,
      "select string_agg(application_name || '|' || state || '|' || slot_name, ' ' order by application_name) from pg_stat_replication r join pg_replication_slots s on s.active_pid = r.pid",
    );

  const identity = async (): Promise<string> =>
    (
      await Promise.all(
        hosts.map(async (host) => [
          await sql(host, 'select pg_postmaster_start_time(), pg_conf_load_time()'),
          await must(host, "find /etc /var/lib/pgprov /var/lib/postgresql/.pgpass -type f -printf '%p %T@ %i\\n' | sort"),
        ]),
      )
    )
      .flat()
      .join('\n');

  it('is made although pgprov is killed in the middle of a copy, by the same command, and the copy goes on meanwhile', async () => {
    // A copy that waits until it is let go, so that the kill comes while it is under way.
    const slow = [
      '#!/bin/sh',
      ': >/tmp/copying',
      'until [ -e /tmp/copy-on ]; do sleep 0.1; done',
      `exec ${BIN}/pg_basebackup.real "$@"`,
      '',
    ];
    const copied = [cluster.host('pg2'), cluster.host('pg3')] as const;
    const [pg2, pg3] = copied;
    for (const host of copied) {
      await must(host, `mv ${BIN}/pg_basebackup ${BIN}/pg_basebackup.real`);
      expect((await host.exec(`cat >${BIN}/pg_basebackup && chmod 755 ${BIN}/pg_basebackup`, { input: slow.join('\n') })).code).toBe(0);
    }
    const run = start(['apply', cluster.file, '--yes']);
    for (const host of copied)
      await expect.poll(async () => (await host.exec('test -e /tmp/copying')).code, { timeout: patience(120_000) }).toBe(0);
    run.process.kill('SIGKILL');
    expect((await run.finished).signal).toBe('SIGKILL');
    // One copy goes on, the other is killed as well.
    await must(pg3, "kill -9 $(pgrep -u postgres -f 'pg_basebackup --no-password')");
    await must(pg2, ': >/tmp/copy-on');
    await expect.poll(async () => (await pg2.exec(`test -e ${DATA}/PG_VERSION`)).code, { timeout: patience(60_000) }).toBe(0);
    for (const host of copied) await must(host, `mv -f ${BIN}/pg_basebackup.real ${BIN}/pg_basebackup`);
    expect(await must(pg2, `ls ${DATA}/standby.signal; systemctl is-active ${UNIT} || :`)).toBe(`${DATA}/standby.signal\ninactive`);
    expect(await must(pg3, `[ ! -e ${DATA} ] && ls -d ${DATA}.*`)).toBe(`${DATA}.pgprov-copy`);

    first = await cluster.run('apply');
    expect(first.all).not.toContain('error:');
    expect(first.code).toBe(0);
    expect(await must(pg3, `ls -d ${DATA}.*`)).toMatch(/main\.pgprov-copy\.\d{8}T\d{6}$/u);
  });

  it('has one primary, and a standby on each other host with a slot of its own', async () => {
    const [pg1, pg2, pg3] = hosts as [LabHost, LabHost, LabHost];
    expect(await streams(pg1)).toBe('pg2|streaming|pg2 pg3|streaming|pg3');
    expect(await Promise.all(hosts.map((host) => sql(host, 'select pg_is_in_recovery()')))).toEqual(['f', 't', 't']);
    const identifiers = await Promise.all(hosts.map((host) => controldata(host, 'Database system identifier')));
    expect(new Set(identifiers).size).toBe(1);
    expect(await controldata(pg3, 'Data page checksum version')).toBe('1');
    await sql(pg1, 'create table written (i int)');
    await expect.poll(() => sql(pg2, "select count(*) from pg_class where relname = 'written'"), { timeout: patience(10_000) }).toBe('1');
    expect((await pg2.exec(`runuser -u postgres -- psql -XAtc 'insert into written values (1)'`)).stderr).toContain(
      'read-only transaction',
    );
    expect(await must(pg2, 'pg_lsclusters -h')).toMatch(/^17\s+main\s+5432\s+online,recovery\s/u);
    expect(await must(pg2, `systemctl is-active ${UNIT} && systemctl is-enabled ${UNIT}`)).toMatch(/^active\nenabled/u);
  });

  it('has what the standbys need in conf.d, .pgpass and pg_hba.conf, and nothing in postgresql.auto.conf', async () => {
    const pg2 = cluster.host('pg2');
    const [{ address: one }, { address: two }, { address: three }] = hosts as [LabHost, LabHost, LabHost];
    expect(await must(pg2, 'grep primary_ /etc/postgresql/17/main/conf.d/pgprov.conf')).toBe(
      [
        `primary_conninfo = 'host=${one},${three} port=5432,5432 user=replicator passfile=/var/lib/postgresql/.pgpass application_name=pg2 target_session_attrs=read-write'`,
        "primary_slot_name = 'pg2'",
      ].join('\n'),
    );
    expect(await must(pg2, `grep -c primary ${DATA}/postgresql.auto.conf || :`)).toBe('0');
    expect(await must(pg2, "sed 's/:[^:]*$//' /var/lib/postgresql/.pgpass")).toBe(
      [one, three].flatMap((address) => ['replication', 'postgres'].map((database) => `${address}:5432:${database}:replicator`)).join('\n'),
    );
    expect(
      await sql(
        pg2,
        "select string_agg(address || ' ' || auth_method, ',' order by line_number) from pg_hba_file_rules where 'replicator' = any(user_name)",
      ),
    ).toBe(`${one} scram-sha-256,${one} scram-sha-256,${two} reject,${three} scram-sha-256,${three} scram-sha-256`);
  });

  it('is not changed by a second apply, and nothing is wrong with it', async () => {
    const pg2 = cluster.host('pg2');
    await must(pg2, `echo "work_mem = '7MB'" >>/etc/postgresql/17/main/conf.d/pgprov.conf && systemctl reload ${UNIT}`);
    await expect.poll(() => sql(pg2, 'show work_mem'), { timeout: patience(30_000) }).toBe('7MB');
    // A line of somebody's in pgprov's own block lets a role in.
    await sql(cluster.host('pg1'), 'create role eve login');
    const asEve = 'runuser -u nobody -- psql -XAtU eve postgres -c "select 1"';
    await expect.poll(() => sql(pg2, "select count(*) from pg_roles where rolname = 'eve'"), { timeout: patience(30_000) }).toBe('1');
    await must(pg2, `sed -i '/^# BEGIN pgprov/a local all eve trust' /etc/postgresql/17/main/pg_hba.conf && systemctl reload ${UNIT}`);
    await expect.poll(async () => (await pg2.exec(asEve)).code, { timeout: patience(30_000) }).toBe(0);
    expect((await cluster.run('plan')).all).toMatch(/write \/etc\/postgresql\/17\/main\/pg_hba\.conf[^]*reload postgresql@17-main/u);
    expect((await cluster.run('apply')).code).toBe(0);
    await expect.poll(() => sql(pg2, 'show work_mem'), { timeout: patience(30_000) }).toBe('6MB');
    expect((await pg2.exec(asEve)).code).not.toBe(0);
    // A run that ends between the write and the reload leaves the rest to the next one.
    await must(pg2, `sed -i 's/^reload=.*/reload=due/' /var/lib/pgprov/applied/${UNIT}`);
    expect((await cluster.run('plan')).all).toContain(`reload ${UNIT}`);
    expect((await cluster.run('apply')).code).toBe(0);
    const before = await identity();
    const run = await cluster.run('apply');
    expect(run.code).toBe(0);
    expect(run.all).toContain('No changes');
    expect(await identity()).toBe(before);
    const status = await cluster.run('status');
    expect(status.all).toMatch(/streaming replication without Patroni, primary pg1[^]*pg2\s+\S+\s+standby\s+streaming[^]*healthy/u);
    expect(status.code).toBe(0);
    const doctor = await cluster.run('doctor');
    expect([doctor.code, doctor.all]).toEqual([0, expect.any(String)]);
    expect((await cluster.run('psql', '--', '-XAtc', 'select pg_is_in_recovery()')).stdout.trim()).toBe('f');
    expect((await cluster.run('psql', '--replica', '--', '-XAtc', 'select pg_is_in_recovery()')).stdout.trim()).toBe('t');
  });

  it('has commits wait for the standbys that the inventory names, until it names none, and takes a new password at once', async () => {
    const [pg1, pg2] = hosts as [LabHost, LabHost, LabHost];
    await write({ replication: { synchronous: ['pg1', 'pg2', 'pg3'], synchronous_method: 'any' } });
    const set = await cluster.run('apply');
    expect([set.code, set.all]).toEqual([0, expect.stringContaining('have commits wait for ANY 1 (pg2, pg3)')]);
    expect(await sql(pg1, 'show synchronous_standby_names')).toBe('ANY 1 (pg2, pg3)');
    expect(await sql(pg1, "select string_agg(sync_state, ' ') from pg_stat_replication")).toBe('quorum quorum');
    expect(await sql(pg2, 'show synchronous_standby_names')).toBe('');
    expect((await cluster.run('apply')).all).toContain('No changes');
    await write({ replication: { password: 'another-one' } });
    const ended = await cluster.run('apply');
    expect(ended.all).not.toContain('error:');
    expect(ended.code).toBe(0);
    expect(await sql(pg1, 'show synchronous_standby_names')).toBe('');
    expect(await must(pg2, "grep -c ':another-one$' /var/lib/postgresql/.pgpass")).toBe('4');
    await must(pg2, `systemctl restart ${UNIT}`);
    await expect.poll(() => streams(pg1), { timeout: patience(30_000) }).toBe('pg2|streaming|pg2 pg3|streaming|pg3');
  });

  it('hands over to a standby and back while clients write, without losing a commit', async () => {
    const [pg1, pg2, pg3] = hosts as [LabHost, LabHost, LabHost];
    await sql(pg1, 'create table committed (host text, i int)');
    const writers = [pg1, pg2];
    for (const { name, exec } of writers.map((host) => ({ name: host.name, exec: host.exec.bind(host) }))) {
      const insert = `runuser -u postgres -- psql -XAtqc "insert into committed values ('${name}', $i)"`;
      const loop = `i=0; until [ -e /tmp/written ]; do i=$((i+1)); ${insert} && echo $i >>/tmp/acknowledged; sleep 0.05; done`;
      expect((await exec(`cat >/tmp/write.sh; setsid sh /tmp/write.sh >/dev/null 2>&1 &`, { input: loop })).code).toBe(0);
    }
    for (const to of [pg2, pg1]) {
      const run = await cluster.run('switchover', '--to', to.name, '--yes');
      expect([run.code, run.all]).toEqual([
        0,
        expect.stringMatching(/writes paused for [\d.]+ s: from the last commit on pg\d to the first on pg\d/u),
      ]);
      const from = to === pg1 ? pg2 : pg1;
      expect(await Promise.all(hosts.map((host) => sql(host, 'select pg_is_in_recovery()')))).toEqual(
        hosts.map((host) => (host === to ? 'f' : 't')),
      );
      expect(await streams(to)).toBe([from, pg3].map(({ name }) => `${name}|streaming|${name}`).join(' '));
      expect(await sql(from, 'select count(*) from pg_replication_slots')).toBe('0');
    }
    for (const host of writers) {
      await must(host, ': >/tmp/written; while pgrep -f [/]tmp/write.sh >/dev/null; do sleep 0.1; done');
      const acknowledged = (await must(host, 'cat /tmp/acknowledged')).split('\n');
      const there = new Set((await sql(pg1, `select i from committed where host = '${host.name}'`)).split('\n'));
      expect(acknowledged.length).toBeGreaterThan(0);
      expect(acknowledged.filter((row) => !there.has(row))).toEqual([]);
    }
    expect((await cluster.run('apply')).all).toContain('No changes');
    const nothing = await cluster.run('failover', '--yes');
    expect([nothing.code, nothing.all]).toEqual([4, expect.stringContaining('pg1 is the primary and answers')]);
  });

  it('refuses what would go by Patroni', async () => {
    for (const operation of ['pause', 'recover']) {
      const run = await cluster.run(operation, '--yes');
      expect([run.code, run.all]).toEqual([2, expect.stringContaining('does not know servers that stream without Patroni')]);
    }
  });

  it('keeps a server that somebody promoted as the primary, says so, and makes the slots there', async () => {
    const [pg1, pg2] = hosts as [LabHost, LabHost, LabHost];
    await must(pg1, `systemctl stop ${UNIT}`);
    await sql(pg2, 'select pg_promote()');
    // Before anybody has made the former primary a standby it must not be started.
    for (const command of ['plan', 'apply']) {
      const run = await cluster.run(command);
      expect([run.code, run.all]).toEqual([4, expect.stringContaining('pg1 is to be a standby of pg2 and has no standby.signal')]);
      expect(run.all).toContain('stopped cleanly before pg2 took over');
    }
    await must(pg1, `install -o postgres -g postgres -m 600 /dev/null ${DATA}/standby.signal`);
    const run = await cluster.run('apply');
    expect(run.all).toContain('pg2 is the primary, and the inventory says pg1');
    expect(run.all).toContain('leader: pg2');
    expect(run.code).toBe(0);
    expect(await Promise.all(hosts.map((host) => sql(host, 'select pg_is_in_recovery()')))).toEqual(['t', 'f', 't']);
    expect(await streams(pg2)).toBe('pg1|streaming|pg1 pg3|streaming|pg3');
    expect(await sql(pg1, 'select count(*) from pg_replication_slots')).toBe('0');
    const settle = await cluster.run('settle');
    expect([settle.code, settle.all]).toEqual([0, expect.stringContaining('+ leader: pg2')]);
    expect((await cluster.run('plan')).all).not.toContain('the inventory says');
    // Its standbys try it first from now on.
    await write({ leader: 'pg2', replication: { password: 'another-one' } });
    const settled = await cluster.run('apply');
    expect(settled.code).toBe(0);
    expect(settled.all).not.toContain('the inventory says');
    expect(await streams(pg2)).toBe('pg1|streaming|pg1 pg3|streaming|pg3');
    expect((await cluster.run('apply')).all).toContain('No changes');
  });

  it('stops everything where two servers are primaries, and names both with their timelines', async () => {
    const [, , pg3] = hosts as [LabHost, LabHost, LabHost];
    await sql(pg3, 'select pg_promote()');
    for (const command of ['plan', 'apply']) {
      const run = await cluster.run(command);
      expect([run.code, run.all]).toEqual([
        4,
        expect.stringMatching(/pg2 \(timeline 4, runs\) and pg3 \(timeline 5, runs\) are both primaries/u),
      ]);
    }
    const status = await cluster.run('status');
    expect([status.code, status.all]).toEqual([1, expect.stringContaining('is a primary beside another one')]);
    // What the message says brings it back.
    expect((await cluster.run('rebuild', '--yes', '--host', 'pg3')).code).toBe(4);
    const mended = await cluster.run('rebuild', '--yes', '--host', 'pg3', '--give-up-commits');
    expect(mended.all).not.toContain('error:');
    expect(mended.code, mended.all).toBe(0);
    expect(await streams(cluster.host('pg2'))).toBe('pg1|streaming|pg1 pg3|streaming|pg3');
  });
});

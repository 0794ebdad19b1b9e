import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { patience } from '../support/patience.js';
import type { Writer } from '../walk/writer.js';
import type { TestCluster } from './support/cluster.js';
import { describeMembers, must, patronictl, sql } from './support/outside.js';
import { pgprov, start } from './support/pgprov.js';
import { placesOf } from './support/places.js';
import { WrittenCluster } from './support/written-cluster.js';

const STREAMING = ['pg1 Leader running', 'pg2 Replica streaming', 'pg3 Replica streaming'];
const { data: DATA, postgresqlBin: BIN } = placesOf('debian13');

describe('pgprov rebuild', () => {
  let written: WrittenCluster | undefined;
  let cluster: TestCluster;
  let writer: Writer;

  const members = (): Promise<string[]> => describeMembers(cluster.host('pg1'));
  /** What was put aside on pg3, the newest last. */
  const asides = async (): Promise<string[]> =>
    (await must(cluster.host('pg3'), `ls -d ${DATA}.aside-* 2>/dev/null || :`)).split('\n').filter((line) => line !== '');
  const rebuild = (...words: string[]): ReturnType<typeof pgprov> => pgprov('rebuild', cluster.file, '--host', 'pg3', ...words);
  const begun = (): Promise<string> => readFile(join(cluster.directory, '.pgprov', 'demo', 'operation.json'), 'utf8').catch(() => '');

  beforeAll(async () => {
    written = await WrittenCluster.start();
    ({ cluster, writer } = written);
  });

  afterAll(async () => {
    await written?.remove();
  });

  afterEach(async () => {
    await expect.poll(members, { timeout: patience(60_000) }).toEqual(STREAMING);
    expect(await writer.lost([])).toEqual([]);
  });

  it('shows its steps and changes nothing', async () => {
    const { code, all } = await rebuild('--check');
    expect(code, all).toBe(0);
    expect(all).toContain('1. stop Patroni on pg3 and put its data aside');
    expect(all).toContain('pg3 serves no reads until it streams again');
    expect(all).toContain('2. have Patroni copy the data of pg1 to pg3 (on pg3)');
    expect(all).toContain('3. wait until pg1 lists pg3 as streaming (on pg1)');
    expect(await asides()).toEqual([]);
  });

  it('refuses with a sentence', async () => {
    const refused = async (words: string[], sentence: string, exit: number): Promise<void> => {
      const { code, all } = await pgprov('rebuild', cluster.file, ...words, '--yes');
      expect(all).toContain(sentence);
      expect(code, all).toBe(exit);
    };
    await refused([], 'which member is to be rebuilt?', 2);
    await refused(['--host', 'pg2,pg3'], 'one member is rebuilt at a time', 2);
    await refused(['--host', 'pg1'], 'pg1 leads the cluster', 4);
    await patronictl(cluster.host('pg1'), 'pause --wait demo');
    await refused(['--host', 'pg3'], 'the cluster is in maintenance mode', 4);
    await patronictl(cluster.host('pg1'), 'resume --wait demo');
    expect(await asides()).toEqual([]);
  });

  it('copies the data anew, with a fast checkpoint, and keeps the old data', async () => {
    const identifier = await sql(cluster.host('pg1'), 'SELECT system_identifier FROM pg_control_system()');
    await sql(cluster.host('pg3'), 'SELECT 1');
    await must(cluster.host('pg3'), `touch ${DATA}/of-the-old-copy`);
    const { code, all } = await rebuild('--yes');
    expect(code, all).toBe(0);
    expect(await members()).toEqual(STREAMING);
    const [aside = '', ...others] = await asides();
    expect(others).toEqual([]);
    expect(all).toContain(`what it had before is in ${aside} there`);
    await must(cluster.host('pg3'), `test -e ${aside}/of-the-old-copy && test ! -e ${DATA}/of-the-old-copy`);
    expect(await must(cluster.host('pg3'), `${BIN}/pg_controldata ${aside}`)).toContain(identifier);
    expect(await sql(cluster.host('pg3'), 'SELECT system_identifier FROM pg_control_system()')).toBe(identifier);
    expect(await sql(cluster.host('pg1'), "SELECT active FROM pg_replication_slots WHERE slot_name = 'pg3'")).toBe('t');
    const checkpoints = await must(
      cluster.host('pg1'),
      "journalctl -u patroni -o cat --no-pager | grep 'checkpoint starting' | tail -n 3; :",
    );
    const log = await must(
      cluster.host('pg1'),
      `cat /var/log/postgresql/*.log ${DATA}/log/* 2>/dev/null | grep 'checkpoint starting' | tail -n 3; :`,
    );
    expect(`${checkpoints}${log}`).toMatch(/immediate force wait|fast force wait/u);
  });

  it('is finished by the same command, wherever it was killed', async () => {
    const before = await asides();
    const killedAt = async (moment: RegExp): Promise<void> => {
      const run = start(['rebuild', cluster.file, '--host', 'pg3', '--yes', '--output', 'plain']);
      await run.printed(moment);
      await expect.poll(begun, { timeout: patience(30_000), interval: 20 }).toContain('rebuild');
      run.process.kill('SIGKILL');
      await run.finished;
    };
    await killedAt(/lists pg3 as streaming/u);
    const other = await pgprov('apply', cluster.file, '--yes');
    expect(other.code, other.all).toBe(4);
    expect(other.all).toContain('the rebuild that');
    const contradicting = await pgprov('rebuild', cluster.file, '--host', 'pg2', '--yes');
    expect(contradicting.all).toContain('is not finished, and it was begun for pg3');
    await killedAt(/rebuild.copy +waiting/u);
    await expect
      .poll(async () => (await pgprov('rebuild', cluster.file, '--resume', '--yes')).code, { timeout: patience(120_000) })
      .toBe(0);
    expect(await members()).toEqual(STREAMING);
    expect((await asides()).length - before.length).toBe(1);
    expect(await begun()).toBe('');
  });

  it('does not discard commits that nobody else has unless told to, and keeps them even then', async () => {
    const pg3 = cluster.host('pg3');
    await must(pg3, 'systemctl stop patroni');
    const local = `runuser -u postgres -- ${BIN}/pg_ctl -D ${DATA} -w`;
    await must(
      pg3,
      `rm ${DATA}/standby.signal && ${local} -o '-c unix_socket_directories=/tmp -c port=5999 -c listen_addresses=' -l /tmp/alone start`,
    );
    await must(
      pg3,
      "runuser -u postgres -- psql -h /tmp -p 5999 -XAtqc 'CREATE TABLE only_here (id int); INSERT INTO only_here SELECT generate_series(1, 20000)'",
    );
    await must(pg3, `${local} stop`);
    const refused = await rebuild('--yes');
    expect(refused.all).toContain('pg3 may have the only copy of some commits: pg3 is at 0/');
    expect(refused.code, refused.all).toBe(4);
    const discarded = await rebuild('--yes', '--discard', '--give-up-commits');
    expect(discarded.code, discarded.all).toBe(4);
    const { code, all } = await rebuild('--yes', '--give-up-commits');
    expect(code, all).toBe(0);
    const aside = (await asides()).at(-1) ?? '';
    expect(all).toContain(aside);
    await must(
      pg3,
      `runuser -u postgres -- ${BIN}/pg_ctl -D ${aside} -w -o '-c unix_socket_directories=/tmp -c port=5999 -c listen_addresses=' -l /tmp/alone start`,
    );
    expect(await must(pg3, "runuser -u postgres -- psql -h /tmp -p 5999 -XAtqc 'SELECT count(*) FROM only_here'")).toBe('20000');
    await must(pg3, `runuser -u postgres -- ${BIN}/pg_ctl -D ${aside} -w stop`);
  });

  it('has Patroni remove the data when asked to', async () => {
    const before = await asides();
    await must(cluster.host('pg3'), `touch ${DATA}/of-the-old-copy`);
    const { code, all } = await rebuild('--yes', '--discard');
    expect(code, all).toBe(0);
    expect(await asides()).toEqual(before);
    await must(cluster.host('pg3'), `test ! -e ${DATA}/of-the-old-copy`);
  });

  it('leaves nothing to do for an apply, and only reloads when the option for the copy changes', async () => {
    const clean = await cluster.run('apply');
    expect(clean.code, clean.all).toBe(0);
    expect(clean.all).toContain('No changes');
    const pids = (): Promise<string[]> =>
      Promise.all(cluster.hosts.map((host) => must(host, `systemctl show -p MainPID patroni; head -n 1 ${DATA}/postmaster.pid`)));
    const before = await pids();
    await must(
      cluster.host('pg2'),
      `sed -i '/^  basebackup:/,/^  authentication:/{/^  authentication:/!d}' ${placesOf('debian13').patroniConfig}`,
    );
    await must(cluster.host('pg2'), "sed -i 's/^reload=.*/reload=former/' /var/lib/pgprov/applied/patroni");
    const { code, all } = await cluster.run('apply');
    expect(code, all).toBe(0);
    expect(all).toMatch(/reload patroni/u);
    expect(await pids()).toEqual(before);
  });
});

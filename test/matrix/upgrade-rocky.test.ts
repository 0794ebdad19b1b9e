import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LATER, SELINUX_LOG, SELINUX_MODE, SYSTEMS, type LabHost } from '../lab/index.js';
import { TestCluster } from '../integration/support/cluster.js';
import { startHostWriter } from '../integration/support/host-writer.js';
import { must, patronictl, patronictlList, sql } from '../integration/support/outside.js';
import { start, type Finished } from '../integration/support/pgprov.js';
import { startTimes } from '../integration/support/starts.js';
import { patience } from '../support/patience.js';

const { postgresql: older } = SYSTEMS.rocky9;

/** pg1 has a directory of its own, whose label has to be set; the others have that of the packages, which is there, and empty, once they are installed. */
const placeOn = ({ name }: LabHost, version: number): string =>
  name === 'pg1' ? `/data/${version}/main` : `/var/lib/pgsql/${version}/data`;

describe('a major upgrade on Rocky 9', () => {
  let cluster: TestCluster;
  const hosts = (): LabHost[] => cluster.hosts;
  const onAll = (command: string): Promise<string[]> => Promise.all(hosts().map((host) => must(host, command)));
  const upgrade = (...more: string[]): Promise<Finished> => cluster.run('upgrade', ...more, '--yes', '--output', 'plain');

  beforeAll(async () => {
    cluster = await TestCluster.start('mxupgrr', 'rocky9', 3, 'packages');
    await onAll(`echo Enforcing >${SELINUX_MODE}`);
    await cluster.write({
      hosts: Object.fromEntries(
        hosts().map(({ name, address }) => [
          name,
          name === 'pg1' ? { address, postgresql: { data_dir: '/data/{version}/main' } } : address,
        ]),
      ),
    });
    const run = await cluster.run('apply');
    expect(run.all).not.toContain('error:');
    await sql(await leader(), 'CREATE TABLE kept AS SELECT g AS id, md5(g::text) AS text FROM generate_series(1, 20000) g');
    await sql(await leader(), 'CREATE EXTENSION pg_trgm');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  async function leader(): Promise<LabHost> {
    for (const host of hosts()) {
      const answer = await host.exec("runuser -u postgres -- psql -XAtqc 'SELECT pg_is_in_recovery()'");
      if (answer.stdout.trim() === 'f') return host;
    }
    throw new Error('nobody takes writes');
  }

  /** Every member's version, as its own server says it, and where its data is. */
  const running = (): Promise<string[]> =>
    Promise.all(
      hosts().map((host) =>
        sql(host, "SELECT current_setting('server_version_num')::int / 10000 || ' ' || current_setting('data_directory')"),
      ),
    );
  const running15 = (): string[] => hosts().map((host) => `${older} ${placeOn(host, older)}`);
  const running17 = (): string[] => hosts().map((host) => `${LATER} ${placeOn(host, LATER)}`);
  const streaming = async (): Promise<number> =>
    (await patronictlList(hosts()[0] as LabHost)).filter(({ State }) => State === 'streaming').length;
  const kept = async (): Promise<string> =>
    sql(await leader(), 'SELECT count(*) || md5(string_agg(id || text, chr(44) ORDER BY id)) FROM kept');
  const control = (host: LabHost, version: number): Promise<string> =>
    must(host, `/usr/pgsql-${version}/bin/pg_controldata -D ${placeOn(host, version)} | sed -n 's/^Database system identifier: *//p'`);
  const conforms = async (): Promise<void> => {
    const again = await cluster.run('apply');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('No changes')]);
  };

  it('shows its steps without taking one', async () => {
    const before = await startTimes(hosts());
    const run = await upgrade('--to', String(LATER), '--check');
    expect([run.code, run.all]).toEqual([0, expect.stringMatching(/install PostgreSQL 17[^]*stop Patroni[^]*have pg_upgrade make/u)]);
    expect(await startTimes(hosts())).toEqual(before);
    expect(await onAll(`rpm -q postgresql${LATER}-server || :`)).toEqual(hosts().map(() => expect.stringContaining('not installed')));
  });

  it('is finished by the same command after kill -9 at its steps, with every row that a client was told of', async () => {
    const [first, rows] = [await leader(), await kept()];
    expect(first.name).toBe('pg1');
    const identifier = await control(first, older);
    await sql(first, 'CREATE TABLE written (n int)');
    await startHostWriter(first);
    await must(hosts()[1] as LabHost, 'dnf -y -q module enable postgresql:16 </dev/null');
    await onAll(`: >${SELINUX_LOG}`);
    for (const at of [/stop-leader +/u, /upgrade +waiting|upgrade\/upgrade/u, /lead +/u]) {
      const run = start(['upgrade', cluster.file, '--to', String(LATER), '--yes', '--output', 'plain']);
      await Promise.race([run.printed(at).catch(() => undefined), run.finished]);
      run.process.kill('SIGKILL');
      await run.finished;
    }
    const run = await upgrade('--to', String(LATER));
    await must(first, 'systemctl stop client');
    expect(run.all).not.toContain('error:');
    expect(run.code).toBe(0);
    expect(await running()).toEqual(running17());
    expect([await streaming(), await kept()]).toEqual([2, rows]);
    const lost = await must(
      first,
      `runuser -u postgres -- psql -XAtqc 'SELECT n FROM written' | sort >/root/there; sort /root/acknowledged | comm -23 - /root/there | wc -l`,
    );
    expect(lost).toBe('0');
    expect(new Set([...(await Promise.all(hosts().map((host) => control(host, LATER)))), identifier]).size).toBe(2);
    expect(await readFile(cluster.file, 'utf8')).toContain(`version: ${LATER}`);
    await conforms();
  });

  it('has labelled the new place before anything was in it, and used nothing of the packages but their programs', async () => {
    const [pg1, pg2] = hosts() as [LabHost, LabHost, LabHost];
    const calls = (await must(pg1, `grep -E '^(semanage fcontext|restorecon) .*/data/${LATER}/main' ${SELINUX_LOG}`)).split('\n');
    expect(calls[0]).toContain(`semanage fcontext -a -t postgresql_db_t /data/${LATER}/main(/.*)?`);
    // Of the empty directory, before initdb made the files that inherit its label.
    expect(calls.slice(1)).toContain(`restorecon /data/${LATER}/main`);
    expect(await must(pg1, `matchpathcon -n /data/${LATER}/main`)).toContain('postgresql_db_t');
    expect(
      await onAll(`systemctl is-enabled postgresql-${LATER} postgresql-${older}; ls /var/lib/pgsql/*/initdb.log 2>/dev/null || :`),
    ).toEqual(hosts().map(() => 'disabled\ndisabled'));
    expect(await onAll('systemctl is-active patroni')).toEqual(['active', 'active', 'active']);
    expect(await must(pg2, 'dnf -y -q module list --disabled postgresql </dev/null 2>/dev/null')).toContain('[x]');
    expect(await must(pg2, 'grep -o "^.pgprov-pgdg[0-9][0-9]*" /etc/yum.repos.d/pgdg-pgprov.repo')).toBe(`[pgprov-pgdg${LATER}`);
    const status = await cluster.run('status');
    expect(status.code, status.all).toBe(0);
  });

  it('is taken back after it is over, without what was written since', async () => {
    const rows = await kept();
    await sql(await leader(), "INSERT INTO kept VALUES (0, 'since')");
    const back = await upgrade('--undo', '--to', String(older));
    expect(back.all).not.toContain('error:');
    expect(back.code).toBe(0);
    expect(await running()).toEqual(running15());
    expect([await streaming(), await kept()]).toEqual([2, rows]);
    for (const host of hosts()) expect(await must(host, `ls -d ${placeOn(host, LATER)}.aside-* | wc -l`)).toBe('1');
    await conforms();
  });

  it('is made again, from the directory of the packages, and finished for good', async () => {
    await patronictl(hosts()[0] as LabHost, 'switchover demo --candidate pg2 --force');
    await expect.poll(streaming, { timeout: patience(60_000) }).toBe(2);
    expect((await leader()).name).toBe('pg2');
    const rows = await kept();
    const run = await upgrade('--to', String(LATER));
    expect([run.code, run.all]).toEqual([0, expect.stringMatching(/writes paused for /u)]);
    expect([await running(), await kept()]).toEqual([running17(), rows]);
    const finish = await upgrade('--finish');
    expect([finish.code, finish.all]).toEqual([0, expect.stringContaining(`data of PostgreSQL ${older} is removed`)]);
    for (const host of hosts()) expect(await must(host, `ls -d ${placeOn(host, older)} 2>/dev/null || echo gone`)).toBe('gone');
    const late = await upgrade('--undo', '--to', String(older));
    expect([late.code, late.all]).toEqual([4, expect.stringContaining('notes an upgrade')]);
    await conforms();
  });
});

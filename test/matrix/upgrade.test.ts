import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EARLIER, SYSTEMS, type LabHost } from '../lab/index.js';
import { TestCluster } from '../integration/support/cluster.js';
import { startHostWriter } from '../integration/support/host-writer.js';
import { must, sql } from '../integration/support/outside.js';
import { start, type Finished } from '../integration/support/pgprov.js';

const { postgresql: older } = EARLIER;
const { postgresql: newer } = SYSTEMS.debian13;
const OLD = `/var/lib/postgresql/${older}/main`;
const NEW = `/var/lib/postgresql/${newer}/main`;
const SPACE = '/srv/space';

describe('a major upgrade on Debian 13', () => {
  let cluster: TestCluster;
  const hosts = (): LabHost[] => cluster.hosts;
  const upgrade = (...more: string[]): Promise<Finished> => cluster.run('upgrade', ...more, '--yes', '--output', 'plain');

  beforeAll(async () => {
    cluster = await TestCluster.start('mxupgrade', 'debian13', 3, 'packages');
    await cluster.write({ postgresql: { version: older } });
    const run = await cluster.run('apply');
    expect(run.all).not.toContain('error:');
    await sql(await leader(), 'CREATE TABLE kept AS SELECT g AS id, md5(g::text) AS text FROM generate_series(1, 20000) g');
    await sql(await leader(), 'CREATE EXTENSION pg_trgm');
    for (const host of hosts()) await must(host, `install -d -o postgres -g postgres -m 0700 ${SPACE}`);
    await sql(await leader(), `CREATE TABLESPACE space LOCATION '${SPACE}'`);
    await sql(await leader(), 'CREATE TABLE spaced TABLESPACE space AS SELECT g AS id FROM generate_series(1, 50000) g');
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

  const major = async (host: LabHost): Promise<number> =>
    Number(await sql(host, "SELECT current_setting('server_version_num')::int / 10000"));
  const majors = (): Promise<number[]> => Promise.all(hosts().map(major));
  const streaming = async (): Promise<string> => sql(await leader(), "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'");
  const kept = async (): Promise<string> =>
    sql(await leader(), 'SELECT count(*) || md5(string_agg(id || text, chr(44) ORDER BY id)) FROM kept');
  /** The rows of a table in a tablespace, as every member reads them. */
  const spaced = (): Promise<string[]> => Promise.all(hosts().map((host) => sql(host, 'SELECT count(*) FROM spaced')));
  /** Majors of which a host has a tablespace: in its directory, and put aside. */
  const spacesOn = async (host: LabHost): Promise<[string, string]> => {
    const found = (at: string): Promise<string> =>
      must(host, `ls -d ${at}/PG_* 2>/dev/null | sed 's|.*/PG_||; s/_.*//' | sort -u | tr '\\n' ' '`);
    return [await found(SPACE), await found(`'${SPACE}'.aside-*`)];
  };
  const control = (host: LabHost, path: string, version: number): Promise<string> =>
    must(host, `/usr/lib/postgresql/${version}/bin/pg_controldata -D ${path} | grep -E 'system identifier|cluster state'`);
  const starts = (): Promise<string[]> => Promise.all(hosts().map((host) => sql(host, 'SELECT pg_postmaster_start_time()')));

  it('is what apply leads to where the inventory says another major version, and nothing else', async () => {
    const before = await starts();
    await cluster.write({ postgresql: { version: newer } });
    const run = await cluster.run('apply');
    expect([run.code, run.all]).toEqual([4, expect.stringMatching(new RegExp(`pgprov upgrade \\S+ --to ${newer}`, 'u'))]);
    await cluster.write({ postgresql: { version: older } });
    expect(await starts()).toEqual(before);
  });

  it('is refused, with nothing stopped and nothing left unfinished, for what pg_upgrade does not take', async () => {
    const before = await starts();
    const first = await leader();
    await sql(first, 'CREATE TABLE named (c regproc)');
    const columns = await upgrade('--to', String(newer));
    expect([columns.code, columns.all]).toEqual([4, expect.stringMatching(/reg\*[^]*public\.named\.c/u)]);
    await sql(first, 'DROP TABLE named');
    for (const host of hosts()) await must(host, `cd /usr/lib/postgresql/${older}/lib && cp pg_trgm.so only_${older}.so`);
    await sql(first, `CREATE FUNCTION lonely(text) RETURNS text[] LANGUAGE c AS 'only_${older}', 'show_trgm'`);
    const library = await upgrade('--to', String(newer), '--check');
    expect([library.code, library.all]).toEqual([4, expect.stringContaining(`only_${older}`)]);
    await sql(first, 'DROP FUNCTION lonely');
    const [standby] = hosts().filter((host) => host !== first) as [LabHost];
    await must(standby, `touch ${SPACE}/other`);
    const shared = await upgrade('--to', String(newer));
    expect([shared.code, shared.all.replace(/\s+/gu, ' ')]).toEqual([4, expect.stringContaining(`${SPACE}, has more in it`)]);
    await must(standby, `rm ${SPACE}/other`);
    const again = await cluster.run('apply');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('No changes')]);
    expect(await starts()).toEqual(before);
  });

  it('shows its steps without taking one', async () => {
    const before = await starts();
    const run = await upgrade('--to', String(newer), '--check');
    expect([run.code, run.all]).toEqual([
      0,
      expect.stringMatching(/stop Patroni[^]*have pg_upgrade make[^]*alone, and wait until it leads/u),
    ]);
    expect(await starts()).toEqual(before);
  });

  it('goes back by itself where pg_upgrade fails, and says what that said', async () => {
    const [first, rows] = [await leader(), await kept()];
    const program = `/usr/lib/postgresql/${newer}/bin/pg_restore`;
    await must(
      first,
      `mv ${program} ${program}.real && printf '#!/bin/sh\\ncase "$1" in -V|--version) exec ${program}.real "$@" ;; esac\\necho broken in the test >&2\\nexit 1\\n' >${program} && chmod +x ${program}`,
    );
    const run = await upgrade('--to', String(newer));
    await must(first, `mv ${program}.real ${program}`);
    expect([run.code, run.all]).toEqual([1, expect.stringMatching(/Failure|failure|failed/u)]);
    expect(await majors()).toEqual([older, older, older]);
    expect([await streaming(), await kept()]).toEqual(['2', rows]);
    expect(await spacesOn(first)).toEqual([`${older}`, '']);
    const again = await cluster.run('apply');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('No changes')]);
  });

  it('is taken back before the first start of the new server, after kill -9', async () => {
    const rows = await kept();
    const run = start(['upgrade', cluster.file, '--to', String(newer), '--yes', '--output', 'plain']);
    await run.printed(/upgrade\/configure|configure +/u);
    run.process.kill('SIGKILL');
    await run.finished;
    const refused = await cluster.run('apply');
    expect([refused.code, refused.all]).toEqual([4, expect.stringContaining('--undo')]);
    const back = await upgrade('--undo');
    expect([back.code, back.all]).toEqual([0, expect.stringContaining(`leads with PostgreSQL ${older} again`)]);
    expect(await majors()).toEqual([older, older, older]);
    expect([await streaming(), await kept()]).toEqual(['2', rows]);
  });

  it('is finished by the same command after kill -9 at its steps, with every row that a client was told of', async () => {
    await must(await leader(), `for each in /var/lib/postgresql/${newer}/main.aside-*; do rm -rf "$each"; done`);
    const [first, rows] = [await leader(), await kept()];
    const identifier = await control(first, OLD, older);
    await sql(first, 'CREATE TABLE written (n int)');
    await startHostWriter(first);
    for (const at of [/stop-leader +/u, /upgrade +waiting|upgrade\/upgrade/u, /store +/u, /lead +/u, /others +/u]) {
      const run = start(['upgrade', cluster.file, '--to', String(newer), '--yes', '--output', 'plain']);
      await Promise.race([run.printed(at).catch(() => undefined), run.finished]);
      run.process.kill('SIGKILL');
      await run.finished;
    }
    const run = await upgrade('--to', String(newer));
    await must(first, 'systemctl stop client');
    expect(run.all).not.toContain('error:');
    expect(run.code).toBe(0);
    expect(await majors()).toEqual([newer, newer, newer]);
    expect([await streaming(), await kept()]).toEqual(['2', rows]);
    const lost = await must(
      first,
      `runuser -u postgres -- psql -XAtqc 'SELECT n FROM written' | sort >/root/there; sort /root/acknowledged | comm -23 - /root/there | wc -l`,
    );
    expect(lost).toBe('0');
    expect(await control(first, NEW, newer)).not.toBe(identifier);
    expect(await spaced()).toEqual(['50000', '50000', '50000']);
    for (const host of hosts()) {
      const [there, aside] = await spacesOn(host);
      expect([host.name, there, aside.split(' ').filter((major) => major === String(older))]).toEqual(
        host === first ? [host.name, `${older} ${newer}`, []] : [host.name, `${newer}`, [`${older}`]],
      );
    }
    expect(await sql(first, "SELECT count(*) > 0 FROM pg_stats WHERE tablename = 'kept'")).toBe('t');
    expect(await readFile(cluster.file, 'utf8')).toContain(`version: ${newer}`);
    const again = await cluster.run('apply');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('No changes')]);
  });

  it('is taken back after it is over, without what was written since', async () => {
    const rows = await kept();
    await sql(await leader(), "INSERT INTO kept VALUES (0, 'since')");
    await sql(await leader(), 'DELETE FROM spaced');
    const back = await upgrade('--undo', '--to', String(older));
    expect(back.all).not.toContain('error:');
    expect(back.code).toBe(0);
    expect(await majors()).toEqual([older, older, older]);
    expect([await streaming(), await kept()]).toEqual(['2', rows]);
    expect(await spaced()).toEqual(['50000', '50000', '50000']);
    for (const host of hosts()) expect([host.name, ...(await spacesOn(host))]).toEqual([host.name, `${older}`, `${newer}`]);
    expect(await readFile(cluster.file, 'utf8')).toContain(`version: ${older}`);
    const again = await cluster.run('apply');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('No changes')]);
  });

  it('is made in one go, says for how long nothing could be written, and is finished for good', async () => {
    const rows = await kept();
    const run = await upgrade('--to', String(newer));
    expect(run.code, run.all).toBe(0);
    const [gap = ''] = /writes paused for [^\n]*/u.exec(run.all) ?? [];
    process.stdout.write(`\ngap of the upgrade: ${gap}\n`);
    expect(gap).not.toBe('');
    expect(await kept()).toBe(rows);
    const finish = await upgrade('--finish');
    expect([finish.code, finish.all]).toEqual([0, expect.stringContaining(`data of PostgreSQL ${older} is removed`)]);
    for (const host of hosts()) expect(await must(host, `ls -d ${OLD} 2>/dev/null || echo gone`)).toBe('gone');
    expect(await spaced()).toEqual(['50000', '50000', '50000']);
    for (const host of hosts()) expect([host.name, ...(await spacesOn(host))]).toEqual([host.name, `${newer}`, `${newer}`]);
    const late = await upgrade('--undo', '--to', String(older));
    expect([late.code, late.all]).toEqual([4, expect.stringContaining('notes an upgrade')]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { describeInTurn } from '../support/family-turn.js';
import { TestCluster } from './support/cluster.js';
import { controldata, must } from './support/outside.js';
import { start, type Finished } from './support/pgprov.js';
import { patience } from '../support/patience.js';

const ROLES = ['base', 'pgdg', 'postgresql', 'replication'];
const DATA = '/var/lib/postgresql/17/main';
const FOREIGN_LINES = ['# kept by hand', 'db.example.com:5432:app:app:with\\:colon', '*:*:*:backup:other'];

describeInTurn('servers without Patroni', 'Debian', 'PostgreSQL without Patroni on Debian 13', () => {
  let cluster: TestCluster;
  let host: LabHost;
  let first: Finished;

  beforeAll(async () => {
    cluster = await TestCluster.start('itsta', 'debian13', 1, 'packages');
    host = cluster.host('pg1');
    await write();
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  async function write(postgresql: Record<string, unknown> = {}): Promise<void> {
    await cluster.write({ roles: ROLES, postgresql: { port: 5433, parameters: { work_mem: '6MB' }, ...postgresql } });
  }

  function postmaster(): Promise<string> {
    return must(host, `runuser -u postgres -- psql -p 5433 -XAtc 'select pg_postmaster_start_time()'`);
  }

  /** SQL on the port of this cluster. */
  function ask(statement: string): Promise<string> {
    return must(host, `runuser -u postgres -- psql -p 5433 -XAtq -v ON_ERROR_STOP=1 -c "${statement}"`);
  }

  describe('an initdb that is killed half-way', () => {
    it('leaves no half-made cluster, and the next run finishes with the leftover put aside', async () => {
      // An initdb that has written everything and then does not end.
      const initdb = '/usr/lib/postgresql/17/bin/initdb';
      const slow = ['#!/bin/sh', `${initdb}.real "$@"`, ': >/tmp/initdb-at-work', 'exec sleep 600', ''].join('\n');
      expect((await host.exec('cat >/run/slow-initdb && chmod 755 /run/slow-initdb', { input: slow })).code).toBe(0);
      await must(
        host,
        `systemd-run -q sh -c 'until [ -x ${initdb} ]; do sleep 0.02; done; mv ${initdb} ${initdb}.real; cp /run/slow-initdb ${initdb}'`,
      );
      const run = start(['apply', cluster.file, '--yes']);
      await expect.poll(async () => (await host.exec('test -e /tmp/initdb-at-work')).code, { timeout: patience(120_000) }).toBe(0);
      run.process.kill('SIGKILL');
      expect((await run.finished).signal).toBe('SIGKILL');
      expect((await host.exec(`test -e ${DATA}`)).code).toBe(1);
      await must(host, `kill -9 $(pgrep -u postgres -x sleep) && mv ${initdb}.real ${initdb}`);

      first = await cluster.run('apply');
      expect(first.all).not.toContain('failed:');
      expect(first.code).toBe(0);
      expect(await must(host, `ls -d ${DATA}.pgprov-initdb* && ls ${DATA}.pgprov-initdb*/PG_VERSION`)).toMatch(
        /main\.pgprov-initdb\.\d{8}T\d{6}/u,
      );
    });
  });

  it('is a cluster with checksums that runs under Debian’s unit', async () => {
    expect(await controldata(host, 'Data page checksum version')).toBe('1');
    expect(await must(host, 'systemctl is-active postgresql@17-main && systemctl is-enabled postgresql@17-main')).toMatch(
      /^active\nenabled/u,
    );
    expect(await must(host, 'pg_lsclusters -h')).toMatch(
      /^17\s+main\s+5433\s+online\s+postgres\s+\/var\/lib\/postgresql\/17\/main\b[^\n]*$/u,
    );
    expect(await ask('show server_encoding')).toBe('UTF8');
  });

  it('has the parameters that the inventory gives', async () => {
    expect(
      await ask("select string_agg(name || '=' || setting, ',' order by name) from pg_settings where name in ('port', 'work_mem')"),
    ).toBe('port=5433,work_mem=6144');
    expect((await host.exec("ss -Hltn 'sport = :5432'")).stdout).toBe('');
  });

  it('has the replicator with a SCRAM password, and a login through .pgpass', async () => {
    expect(
      await ask(
        "select rolreplication || ' ' || (rolpassword ~ '^SCRAM-SHA-256') || ' ' || rolsuper from pg_authid where rolname = 'replicator'",
      ),
    ).toBe('true true false');
    const login = `runuser -u postgres -- env HOME=/var/lib/postgresql psql -XAtw -d 'host=${host.address} port=5433 user=replicator dbname=replication replication=true' -c IDENTIFY_SYSTEM`;
    expect(await must(host, login)).toContain(await controldata(host, 'Database system identifier'));
  });

  it('lets the members replicate in a block of pg_hba.conf, and nobody else', async () => {
    expect(await ask("select string_agg(address, ',') from pg_hba_file_rules where 'replicator' = any(user_name)")).toBe(host.address);
    expect(await must(host, 'grep -i pgprov /etc/postgresql/17/main/pg_hba.conf')).toMatch(/demo/u);
    expect(await ask("select count(*) from pg_hba_file_rules where error is not null or auth_method = 'trust'")).toBe('0');
  });

  it('keeps other lines in .pgpass, with mode 0600 and its owner', async () => {
    const ours = await must(host, 'cat /var/lib/postgresql/.pgpass');
    await must(
      host,
      `printf '%s\\n' ${FOREIGN_LINES.map((line) => `'${line}'`).join(' ')} >/var/lib/postgresql/.pgpass && chmod 644 /var/lib/postgresql/.pgpass && chown root:root /var/lib/postgresql/.pgpass`,
    );
    const run = await cluster.run('apply');
    expect(run.code).toBe(0);
    const lines = (await must(host, 'cat /var/lib/postgresql/.pgpass')).split('\n');
    expect(lines).toEqual([...ours.split('\n'), ...FOREIGN_LINES]);
    expect(await must(host, "stat -c '%U:%G %a' /var/lib/postgresql/.pgpass")).toBe('postgres:postgres 600');
    expect(run.all).not.toContain('with\\:colon');
  });

  it('is not changed by another run', async () => {
    const files = (): Promise<string> =>
      must(host, "find /etc /var/lib/pgprov /var/lib/postgresql/.pgpass -type f -printf '%p %T@ %i\\n' | sort");
    const before = [await postmaster(), await ask('select pg_conf_load_time()'), await files()];
    const run = await cluster.run('apply');
    expect(run.code).toBe(0);
    expect(run.all).toContain('No changes');
    expect([await postmaster(), await ask('select pg_conf_load_time()'), await files()]).toEqual(before);
  });

  it('reloads for a changed parameter and a new pg_hba line', async () => {
    const before = await postmaster();
    await write({
      parameters: { work_mem: '7MB', 'auto_explain.log_min_duration': '3s' },
      hba: ['host app app 10.99.0.0/16 scram-sha-256'],
    });
    const run = await cluster.run('apply');
    expect(run.code).toBe(0);
    await expect.poll(() => ask('show work_mem')).toBe('7MB');
    expect(await ask("select count(*) from pg_hba_file_rules where address = '10.99.0.0'")).toBe('1');
    expect(await postmaster()).toBe(before);
    expect((await cluster.run('apply')).all).toContain('No changes');
  });

  it('removes what the inventory no longer gives', async () => {
    await write();
    expect((await cluster.run('apply')).code).toBe(0);
    await expect.poll(() => ask('show work_mem')).toBe('6MB');
    expect(await ask("select count(*) from pg_hba_file_rules where address = '10.99.0.0'")).toBe('0');
  });

  it('reports a parameter that needs a restart as pending, and does not restart', async () => {
    const before = await postmaster();
    await write({ parameters: { work_mem: '6MB', max_connections: 77 } });
    const run = await cluster.run('apply');
    expect(run.code).toBe(0);
    expect((await cluster.run('apply')).all).toMatch(/pg1.*restart pending for max_connections/u);
    expect(await ask('show max_connections')).toBe('100');
    expect(await postmaster()).toBe(before);
    await write();
    expect((await cluster.run('apply')).all).not.toMatch(/pending for/u);
  });

  it('is corrected by one role on one host', async () => {
    await must(host, 'systemctl stop postgresql@17-main && rm /etc/postgresql/17/main/conf.d/pgprov.conf');
    const run = await cluster.run('apply', '--role', 'postgresql', '--host', 'pg1');
    expect(run.all).not.toContain('failed:');
    expect(run.code).toBe(0);
    expect(await ask('show work_mem')).toBe('6MB');
  });

  it('is refused when the data belongs to another cluster', async () => {
    await must(
      host,
      `systemctl stop postgresql@17-main && mv ${DATA} ${DATA}.ours && install -d -o postgres ${DATA} && runuser -u postgres -- /usr/lib/postgresql/17/bin/initdb -D ${DATA} >/dev/null`,
    );
    const before = await must(host, `find ${DATA} /etc -printf '%p %T@\\n' | sort`);
    for (const command of ['plan', 'apply']) {
      const run = await cluster.run(command);
      expect(run.code).toBe(4);
      expect(run.all).toContain(
        `holds a PostgreSQL cluster that pgprov did not make (system identifier ${await controldata(host, 'Database system identifier')})`,
      );
    }
    expect(await must(host, `find ${DATA} /etc -printf '%p %T@\\n' | sort`)).toBe(before);
    await must(host, `rm -r ${DATA} && mv ${DATA}.ours ${DATA}`);
    expect((await cluster.run('apply')).code).toBe(0);
    expect(await ask('select 1')).toBe('1');
  });
});

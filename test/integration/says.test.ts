import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from './support/cluster.js';
import { must, patronictl, patronictlConfig, shellWord, sql } from './support/outside.js';
import { pgprov, start } from './support/pgprov.js';
import { patience } from '../support/patience.js';

/** What a run says is what it did, and what a status says is how the cluster is. */
describe('a run and a status of a living cluster (Debian 13)', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.converged();
  });
  afterAll(() => cluster?.remove());

  const dynamic = async (): Promise<Record<string, unknown>> => parse(await patronictlConfig(cluster.host('pg1'))) as Record<string, unknown>;
  const status = async (): Promise<{ code: number | null; text: string }> => {
    const { code, stdout } = await pgprov('status', cluster.file);
    return { code, text: stdout };
  };

  it('sets what the cluster has once also where the first leader is left out, and takes back no more than it set', async () => {
    const aim = ['--host', 'pg2,pg3', '--set', 'postgresql.parameters.work_mem=9MB'];
    const set = await cluster.run('apply', ...aim);
    expect(set.code, set.all).toBe(0);
    expect(set.stdout).toContain('set postgresql.parameters.work_mem to 9MB');
    expect(await dynamic()).toMatchObject({ postgresql: { parameters: { work_mem: '9MB' } } });
    await expect.poll(() => sql(cluster.host('pg1'), 'show work_mem'), { timeout: patience(30_000), interval: 500 }).toBe('9MB');
    expect((await pgprov('plan', cluster.file, ...aim)).stdout).toBe('No changes. What the run is aimed at is as the inventory says; left out: pg1.\n');

    await patronictl(cluster.host('pg2'), `edit-config --force -s postgresql.parameters.log_min_duration_statement=500`);
    const back = await cluster.run('apply', '--host', 'pg3');
    expect(back.code, back.all).toBe(0);
    const { postgresql } = (await dynamic()) as { postgresql: { parameters: Record<string, unknown> } };
    expect(postgresql.parameters).not.toHaveProperty('work_mem');
    expect(postgresql.parameters).toMatchObject({ log_min_duration_statement: 500, wal_level: 'replica' });
  });

  it('shows a standby that receives and does not replay', async () => {
    await sql(cluster.host('pg2'), 'select pg_wal_replay_pause()');
    await sql(cluster.host('pg1'), 'create table rows as select generate_series(1, 100000) as n');
    await expect.poll(async () => (await status()).text, { timeout: patience(30_000) }).toMatch(/pg2: replay of the WAL is paused.*has \d.* left to replay, more than maximum_lag_on_failover/u);
    expect((await status()).code).toBe(1);
    await sql(cluster.host('pg2'), 'select pg_wal_replay_resume()');
    await expect.poll(async () => (await status()).code, { timeout: patience(30_000) }).toBe(0);
  });

  it('says first that the cluster is in maintenance mode', async () => {
    const words = 'maintenance mode (pause: true)';
    await patronictl(cluster.host('pg1'), 'pause --wait');
    const seen = await status();
    expect([seen.code, seen.text.split('\n\n')[1]?.startsWith(words), seen.text.trimEnd().split('\n').at(-1)]).toEqual([0, true, '! nothing is wrong, but the cluster is in maintenance mode']);
    expect((await pgprov('plan', cluster.file)).stderr).toContain(words);
    const applied = await cluster.run('apply');
    expect(applied.stdout, applied.all).toContain(words);
    await patronictl(cluster.host('pg1'), 'resume --wait');
  });

  it('refuses to make new passwords when passwords.yml is lost, and works again with what it says', async () => {
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
    await writeFile(file, [
      `postgresql.superuser_password: ${superuser.password}`,
      `replication.password: ${replication.password}`,
      `patroni.rewind_password: ${rewind.password}`,
      `patroni.restapi_password: ${yml.restapi.authentication.password}`,
      '',
    ].join('\n'), { mode: 0o600 });
    const plan = await pgprov('plan', cluster.file);
    expect([plan.code, plan.stdout], plan.all).toEqual([0, 'No changes. The cluster is as the inventory says.\n']);
    expect(parse(await readFile(file, 'utf8'))).toEqual(parse(await readFile(`${file}.lost`, 'utf8')));
  });

  it('reads the rest where one value in etcd cannot be read, and names it', async () => {
    const tls = '--cacert=/etc/etcd/tls/ca.crt --cert=/etc/etcd/tls/node.crt --key=/etc/etcd/tls/node.key';
    const etcdctl = (words: string): Promise<string> => must(cluster.host('pg1'), `ETCDCTL_API=3 etcdctl --endpoints=https://${cluster.host('pg1').address}:2379 ${tls} ${words}`);
    await etcdctl(`put /service/demo/members/ghost ${shellWord('{"torn')}`);
    const { text } = await status();
    expect(text).toContain('etcd: the value of /service/demo/members/ghost is not what Patroni writes there');
    expect(text).toMatch(/^pg2 .*streaming/mu);
    await etcdctl('del /service/demo/members/ghost');
  });

  it('ends as gracefully when the terminal is closed as when it is asked to', async () => {
    const run = start(['apply', cluster.file, '--yes', '--set', 'postgresql.parameters.work_mem=7MB'], {});
    await run.printed(/surveyed/u);
    run.process.kill('SIGHUP');
    run.process.kill('SIGHUP');
    const { code, signal, all } = await run.finished;
    expect([code, signal, all.includes('the terminal was closed')], all).toEqual([130, null, true]);
    const again = await cluster.run('apply');
    expect(again.code, again.all).toBe(0);
  });
});

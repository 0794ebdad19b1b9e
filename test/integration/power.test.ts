import { afterEach, describe, expect } from 'vitest';
import { TestCluster } from './support/cluster.js';
import { describeMembers, must } from './support/outside.js';
import { start } from './support/pgprov.js';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';

describe('a host that loses its power during the first apply', () => {
  let cluster: TestCluster;

  afterEach(async () => {
    await cluster?.remove();
  });

  longCase(
    'packages half installed',
    'has its packages half installed: the next apply finishes the job, and starts no service too early',
    async () => {
      cluster = await TestCluster.start('itpower', 'debian13');
      const pg2 = cluster.host('pg2');
      const run = start(['apply', cluster.file, '--yes']);
      await run.printed(/pg2\s+postgresql\/packages\s+changed: write/u);
      const statuses = async (): Promise<string> =>
        (await pg2.exec("dpkg-query -W -f '${db:Status-Status}\\n' postgresql-common etcd-server patroni postgresql-17")).stdout;
      // Of these some are set up and some are not, so units are enabled that have no configuration yet.
      await expect
        .poll(statuses, { interval: 50, timeout: patience(120_000) })
        .toMatch(/^(?=[^]*^installed$)(?=[^]*^(?:unpacked|half-configured)$)/mu);
      await pg2.kill();
      const { code, all } = await run.finished;
      expect([1, 3], all).toContain(code);
      await pg2.start();
      expect(await must(pg2, 'dpkg --audit')).not.toBe('');

      const next = await cluster.run('apply');
      expect(next.code, next.all).toBe(0);
      expect(next.all).toMatch(/pg2\s+postgresql\/packages\s+note: finishing an interrupted package installation/u);
      expect(await must(pg2, 'dpkg --audit; ls /usr/sbin/policy-rc.d 2>/dev/null; pg_lsclusters -h')).toBe('');
      await expect
        .poll(() => describeMembers(cluster.host('pg2')), { timeout: patience(30_000) })
        .toEqual(['pg1 Leader running', 'pg2 Replica streaming', 'pg3 Replica streaming']);
    },
  );

  longCase('power lost in initdb', 'is the first leader, in the middle of initdb: the next apply finishes the job', async () => {
    cluster = await TestCluster.start('itpower', 'debian13', 3, 'packages');
    const run = start(['apply', cluster.file, '--yes']);
    await run.printed(/pg1\s+patroni\/start\s+changed: start patroni/u);
    await expect
      .poll(async () => (await cluster.host('pg1').exec('ls /var/lib/postgresql/17/main')).stdout, {
        interval: 50,
        timeout: patience(20_000),
      })
      .toContain('PG_VERSION');
    await cluster.host('pg1').kill();
    const { code, all } = await run.finished;
    expect([1, 3], all).toContain(code);
    expect(all).toMatch(/run the same command again/u);
    await cluster.host('pg1').start();

    const next = await cluster.run('apply');
    expect(next.code, next.all).toBe(0);
    await expect
      .poll(() => describeMembers(cluster.host('pg2')), { timeout: patience(30_000) })
      .toEqual(['pg1 Leader running', 'pg2 Replica streaming', 'pg3 Replica streaming']);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MATRIX, sample } from '../support/depth.js';
import { longCase } from '../support/long-case.js';
import { TestCluster } from './support/cluster.js';
import { controldata, describeMembers, must, sql } from './support/outside.js';
import { start } from './support/pgprov.js';
import { patience } from '../support/patience.js';

/** Output that shows a step of one stage under way on a host. */
const UNDER_WAY: readonly (readonly [title: string, pattern: RegExp])[] = [
  // Installation is broken off in kill.test.ts too, so that in a run that is no matrix the hosts have their packages.
  ...(MATRIX
    ? ([
        ['while prerequisites are installed', /plan: pg1/u],
        ['while the repository is added', /pgdg\/repository\s+changed: install key/u],
        ['while packages are installed', /postgresql\/packages\s+changed: write \/etc\/postgresql-common/u],
      ] as const)
    : []),
  ['while etcd starts', /etcd\/configure\s+changed: write \/etc\/default\/etcd/u],
  ['while Patroni is configured', /patroni\/configure\s+changed/u],
  ['while the first leader bootstraps', /pg1\s+patroni\/start\s+changed: start patroni/u],
  ['while the replicas are made', /pg[23]\s+patroni\/start\s+changed: start patroni/u],
];

describe('a run that is interrupted again and again', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.start('itresume', 'debian13', 3, MATRIX ? 'bare' : 'packages');
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  for (const [title, pattern] of sample(UNDER_WAY, 2, 'resume')) {
    it(`is killed ${title}, and its lock is released`, async () => {
      const run = start(['apply', cluster.file, '--yes']);
      const reached = await Promise.race([run.printed(pattern).then(() => 'reached'), run.finished.then(() => 'finished')]);
      run.process.kill('SIGKILL');
      const { all } = await run.finished;
      expect(all).not.toContain('another pgprov run');
      // A kill that came a moment late finds the stage done already, which only the first pattern of a stage can avoid.
      expect(reached, all).toBe('reached');
    });
  }

  it('survives a power loss of a replica while it is being copied', async () => {
    const run = start(['apply', cluster.file, '--yes']);
    await Promise.race([run.printed(/plan:/u), run.finished]);
    await cluster.host('pg3').kill();
    const { code, all } = await run.finished;
    expect([0, 1, 3], all).toContain(code);
    await cluster.host('pg3').start();
  });

  it('is finished by the next apply', async () => {
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    await expect
      .poll(() => describeMembers(cluster.host('pg1')), { timeout: patience(30_000) })
      .toEqual(['pg1 Leader running', 'pg2 Replica streaming', 'pg3 Replica streaming']);
    for (const host of cluster.hosts) {
      expect(await controldata(host, 'Data page checksum version')).toBe('1');
      expect((await host.exec('dpkg --audit; ls /usr/sbin/policy-rc.d 2>/dev/null; find / -xdev -name "*.pgprov.*"')).stdout).toBe('');
    }
    expect(await sql(cluster.host('pg1'), "select count(*) from pg_stat_replication where state = 'streaming'")).toBe('2');
  });

  longCase(
    'a base backup without a server',
    'does not start Patroni on a base backup that no server has ever started on, but has it copied anew',
    async () => {
      const [pg1, pg3] = [cluster.host('pg1'), cluster.host('pg3')];
      const asides = (): Promise<string> => must(pg3, 'ls -d /var/lib/postgresql/17/main.aside-*/backup_label 2>/dev/null | wc -l');
      const before = Number(await asides());
      // As power that goes at the end of a copy leaves it. Patroni would recover it alone, and it would part from its leader.
      await must(pg3, 'systemctl disable --now patroni');
      await must(
        pg3,
        'cd /var/lib/postgresql/17 && mv main before && runuser -u postgres -- env PGPASSFILE=/var/lib/postgresql/.pgpass_patroni ' +
          `pg_basebackup -D main -X stream -c fast -d 'host=${pg1.address} user=replicator dbname=postgres'`,
      );
      const run = await cluster.run('apply');
      expect(run.code, run.all).toBe(0);
      expect(run.all).toContain('on which PostgreSQL never started');
      expect(await sql(pg1, "select application_name from pg_stat_replication where state = 'streaming' order by 1")).toBe('pg2\npg3');
      expect(Number(await asides())).toBe(before + 1);
    },
  );

  it('leaves nothing to change for a further apply', async () => {
    expect((await cluster.run('apply')).all).toContain('No changes');
  });

  it('ends in good order on Ctrl-C, and says so', async () => {
    for (const host of cluster.hosts) await must(host, 'chmod 0644 /etc/etcd/tls/node.key /etc/patroni/tls/node.key');
    const run = start(['apply', cluster.file, '--yes']);
    await run.printed(/plan:/u);
    run.process.kill('SIGINT');
    const { code, all } = await run.finished;
    expect(all).toContain('interrupted');
    expect(code).toBe(130);
    expect((await cluster.run('apply')).code).toBe(0);
    expect(await must(cluster.host('pg2'), 'stat -c %a /etc/patroni/tls/node.key')).toBe('600');
  });
});

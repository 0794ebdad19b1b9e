import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, must, sql } from '../integration/support/outside.js';
import { pgprov } from '../integration/support/pgprov.js';
import { placesOf } from '../integration/support/places.js';
import { patience } from '../support/patience.js';

const { data: DATA, postgresqlBin: BIN } = placesOf('debian13');

/** As on a host where the postmaster took more than three seconds from its start to its postmaster.pid: Patroni would not know it again. */
describe('a leader whose postmaster started slowly, in maintenance mode', () => {
  let cluster: TestCluster;

  const run = async (code: number, command: string, ...words: string[]): Promise<string> => {
    const result = await pgprov(command, cluster.file, ...words, '--yes');
    expect(result.code, result.all).toBe(code);
    return result.all;
  };
  const patroniStarts = (): Promise<string[]> =>
    Promise.all(cluster.hosts.map((host) => must(host, 'systemctl show -P ExecMainStartTimestampMonotonic patroni')));

  beforeAll(async () => {
    cluster = await TestCluster.converged();
    await run(0, 'pause');
    // Its third line is the start time; written in place, because PostgreSQL looks at its file.
    await must(
      cluster.host('pg1'),
      `awk 'NR == 3 { $1 -= 60 } { print }' ${DATA}/postmaster.pid >/root/pid && cat /root/pid >${DATA}/postmaster.pid`,
    );
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('keeps its Patroni from being restarted', async () => {
    const before = await patroniStarts();
    expect(await run(4, 'restart', '--service', 'patroni')).toMatch(
      /PostgreSQL’s process and its postmaster\.pid have start times that are (?:5|6)\d s apart: a restarted Patroni would take it for stopped/u,
    );
    expect(await patroniStarts()).toEqual(before);
    expect(await describeMembers(cluster.host('pg2'))).toContain('pg1 Leader running');
  });

  it('keeps maintenance mode from ending where its Patroni was restarted by hand, until one of the two primaries is gone', async () => {
    const pg1 = cluster.host('pg1');
    await must(pg1, 'systemctl restart patroni');
    // Patroni takes its PostgreSQL for stopped, and lets its lease go.
    await expect
      .poll(async () => (await describeMembers(cluster.host('pg2'))).filter((line) => line.includes('Leader')), {
        timeout: patience(60_000),
      })
      .toEqual([]);
    expect(await sql(pg1, 'select pg_is_in_recovery()')).toBe('f');
    expect(await run(4, 'resume')).toContain('PostgreSQL on pg1 runs as a primary, and Patroni there does not know it');
    expect(await sql(cluster.host('pg2'), 'select pg_is_in_recovery()')).toBe('t');
    await must(pg1, `runuser -u postgres -- ${BIN}/pg_ctl stop -m fast -D ${DATA}`);
    await run(0, 'resume');
    await expect
      .poll(
        async () => (await describeMembers(cluster.host('pg2'))).filter((line) => / (?:Leader running|Replica streaming)$/u.test(line)),
        {
          timeout: patience(90_000),
        },
      )
      .toHaveLength(3);
  });
});

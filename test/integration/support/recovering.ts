import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { LabHost, System } from '../../lab/index.js';
import { patience } from '../../support/patience.js';
import { TestCluster } from './cluster.js';
import { controldata, describeMembers, etcdctl, must, sql } from './outside.js';
import { pgprov, type Finished } from './pgprov.js';

/** A cluster that is broken and recovered, and the commits that a client was told of. */
export class RecoveringCluster {
  readonly cluster: TestCluster;
  #committed = 0;

  private constructor(cluster: TestCluster) {
    this.cluster = cluster;
  }

  static async start(os?: System): Promise<RecoveringCluster> {
    const cluster = await TestCluster.converged(os);
    await sql(cluster.host('pg1'), 'create table proof (n int)');
    return new RecoveringCluster(cluster);
  }

  recover(...words: string[]): Promise<Finished> {
    return pgprov('recover', this.cluster.file, ...words);
  }

  others(first: LabHost): [LabHost, LabHost] {
    return this.cluster.hosts.filter((host) => host !== first) as [LabHost, LabHost];
  }

  async commit(host: LabHost, rows = 1000): Promise<void> {
    await sql(host, `insert into proof select generate_series(${this.#committed + 1}, ${this.#committed + rows})`);
    this.#committed += rows;
  }

  async leader(): Promise<LabHost> {
    const lines = await describeMembers(this.cluster.host('pg1'));
    return this.cluster.host(lines.find((line) => line.endsWith('Leader running'))?.split(' ')[0] ?? 'pg1');
  }

  /** A key of Patroni's in etcd. */
  key(host: LabHost, name: string): Promise<string> {
    return etcdctl(host, `get /service/demo/${name} --print-value-only`);
  }

  async patch(body: object): Promise<void> {
    const credentials = `patroni:${await this.cluster.password('patroni.restapi_password')}`;
    const leader = await this.leader();
    await must(leader, `curl -sf -u '${credentials}' -X PATCH -d '${JSON.stringify(body)}' http://${leader.address}:8008/config`);
  }

  /** Only `last` has what is committed at the end; Patroni is stopped everywhere. */
  async stopAll(last: LabHost): Promise<void> {
    for (const host of this.others(last)) await must(host, 'systemctl stop patroni');
    await this.commit(last);
    await must(last, 'systemctl stop patroni');
  }

  /** By PostgreSQL, Patroni and etcd themselves: one leads, the others stream on its timeline, and every commit is on all of them. */
  async expectWhole(first: string): Promise<void> {
    const { cluster } = this;
    // As Patroni 3.0, which Debian 12 has, calls it.
    const follows = cluster.os === 'debian12' ? 'running' : 'streaming';
    await expect
      .poll(() => describeMembers(cluster.host('pg1')).catch(() => []), { timeout: patience(60_000) })
      .toEqual(cluster.hosts.map(({ name }) => (name === first ? `${name} Leader running` : `${name} Replica ${follows}`)));
    // A standby shows a commit a moment after it streams.
    await expect
      .poll(() => Promise.all(cluster.hosts.map((host) => sql(host, 'select count(*) from proof'))), { timeout: patience(20_000) })
      .toEqual(cluster.hosts.map(() => String(this.#committed)));
    const identifiers = await Promise.all(cluster.hosts.map((host) => controldata(host, 'Database system identifier')));
    const known = await this.key(cluster.host('pg1'), 'initialize');
    expect(new Set([...identifiers, known]).size).toBe(1);
    const received = "select received_tli from pg_stat_wal_receiver where status = 'streaming'";
    const timelines = await Promise.all(this.others(cluster.host(first)).map((host) => sql(host, received)));
    // The control file has a new timeline only after the next checkpoint.
    const own = await sql(cluster.host(first), "select ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int");
    expect(timelines).toEqual([own, own]);
  }
}

/**
 * Has a file's cases work on one cluster, and on a new one after a case that failed: that may have left it down.
 * @param begin is given each cluster before its first case
 * @param os what its hosts run; default: Debian 13
 */
export function onRecoveringCluster(begin: (tested: RecoveringCluster) => void | Promise<void>, os?: System): void {
  let tested: RecoveringCluster | undefined;
  const remove = async (): Promise<void> => {
    const old = tested;
    tested = undefined;
    await old?.cluster.remove();
  };
  const renew = async (): Promise<void> => {
    await remove();
    tested = await RecoveringCluster.start(os);
    await begin(tested);
  };
  beforeAll(renew);
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await renew();
  });
  afterAll(remove);
}

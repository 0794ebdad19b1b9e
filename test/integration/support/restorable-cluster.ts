import { expect } from 'vitest';
import { DEFAULT_ROLES } from '../../../src/model/index.js';
import { Writer } from '../../walk/writer.js';
import { TestCluster } from './cluster.js';
import { must, sql } from './outside.js';
import { CLIENT, withClient } from './written-cluster.js';
import { pgprov } from './pgprov.js';

/** A cluster of three that pg1 leads, with a repository on pg3 and a full backup there, and a client that writes all the while. */
export class RestorableCluster {
  readonly cluster: TestCluster;
  readonly writer: Writer;

  private constructor(cluster: TestCluster, writer: Writer) {
    this.cluster = cluster;
    this.writer = writer;
  }

  static async start(): Promise<RestorableCluster> {
    const cluster = await TestCluster.converged();
    const [pg1, pg3] = [cluster.host('pg1'), cluster.host('pg3')];
    const roles = [...DEFAULT_ROLES, 'backup'];
    await cluster.write({
      ...withClient(),
      roles,
      hosts: { pg3: { address: pg3.address, roles: [...roles, 'backup-repository'] } },
    } as never);
    const applied = await pgprov('apply', cluster.file, '--yes', '--restart');
    expect(applied.code, applied.all).toBe(0);
    await sql(pg1, `CREATE ROLE ${CLIENT.user} LOGIN PASSWORD '${CLIENT.password}'; GRANT CREATE ON SCHEMA public TO ${CLIENT.user}`);
    await must(pg3, 'systemctl start pgprov-backup@full');
    return new RestorableCluster(cluster, await Writer.start({ addresses: cluster.hosts.map(({ address }) => address), ...CLIENT }));
  }

  async remove(): Promise<void> {
    await this.writer.stop();
    await this.cluster.remove();
  }
}

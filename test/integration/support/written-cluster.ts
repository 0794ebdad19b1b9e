import { expect } from 'vitest';
import { Writer } from '../../walk/writer.js';
import { TestCluster } from './cluster.js';
import { sql } from './outside.js';

const CLIENT = { user: 'clerk', password: 'clerk-of-the-lab' };

type Sections = Record<string, Record<string, unknown>>;

/** Changes of an inventory, with the access line of the client that writes. */
export function withClient({ postgresql, ...others }: Sections = {}): Sections {
  return { ...others, postgresql: { ...postgresql, hba: [`host postgres ${CLIENT.user} 0.0.0.0/0 scram-sha-256`] } };
}

/** A cluster of three that pg1 leads, and a client that writes all the while. */
export class WrittenCluster {
  readonly cluster: TestCluster;
  readonly writer: Writer;

  private constructor(cluster: TestCluster, writer: Writer) {
    this.cluster = cluster;
    this.writer = writer;
  }

  /** @param changes what its inventory has besides what every lab needs */
  static async start(changes: Sections = {}): Promise<WrittenCluster> {
    const cluster = await TestCluster.converged();
    await cluster.write(withClient(changes));
    const applied = await cluster.run('apply');
    expect(applied.code, applied.all).toBe(0);
    const { user, password } = CLIENT;
    await sql(cluster.host('pg1'), `CREATE ROLE ${user} LOGIN PASSWORD '${password}'; GRANT CREATE ON SCHEMA public TO ${user}`);
    return new WrittenCluster(cluster, await Writer.start({ addresses: cluster.hosts.map(({ address }) => address), ...CLIENT }));
  }

  async remove(): Promise<void> {
    await this.writer.stop();
    await this.cluster.remove();
  }
}

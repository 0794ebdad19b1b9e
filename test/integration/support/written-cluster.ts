import { expect } from 'vitest';
import type { System } from '../../lab/index.js';
import { patience } from '../../support/patience.js';
import { Writer } from '../../walk/writer.js';
import { TestCluster } from './cluster.js';
import { describeMembers, sql } from './outside.js';

/** The client's role. */
export const CLIENT = { user: 'clerk', password: 'clerk-of-the-lab' };

type Sections = Record<string, Record<string, unknown>>;

/** Changes of an inventory, with the access line of the client that writes, and its way through the firewall where hosts have one. */
export function withClient({ postgresql, firewall, ...others }: Sections = {}): Sections {
  return {
    ...others,
    firewall: { ...firewall, client_networks: ['0.0.0.0/0'] },
    postgresql: { ...postgresql, hba: [`host postgres ${CLIENT.user} 0.0.0.0/0 scram-sha-256`] },
  };
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
  static async start(changes: Sections = {}, os: System = 'debian13'): Promise<WrittenCluster> {
    const cluster = await TestCluster.converged(os);
    await cluster.write(withClient(changes));
    const applied = await cluster.run('apply');
    expect(applied.code, applied.all).toBe(0);
    const { user, password } = CLIENT;
    await sql(cluster.host('pg1'), `CREATE ROLE ${user} LOGIN PASSWORD '${password}'; GRANT CREATE ON SCHEMA public TO ${user}`);
    return new WrittenCluster(cluster, await Writer.start({ addresses: cluster.hosts.map(({ address }) => address), ...CLIENT }));
  }

  /** Waits until all three work, whoever leads, and expects that no acknowledged row is lost; gives the leader. */
  async whole(): Promise<string> {
    const members = (): Promise<string[]> => describeMembers(this.cluster.host('pg1')).catch(() => []);
    await expect
      .poll(async () => (await members()).filter((line) => /(?:Leader running|(?:Replica|Sync Standby) streaming)$/u.test(line)).length, {
        timeout: patience(120_000),
      })
      .toBe(3);
    expect(await this.writer.lost([])).toEqual([]);
    return (await members()).find((line) => line.endsWith('Leader running'))?.split(' ')[0] ?? '';
  }

  async remove(): Promise<void> {
    await this.writer.stop();
    await this.cluster.remove();
  }
}

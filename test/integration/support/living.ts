import { expect } from 'vitest';
import type { LabHost } from '../../lab/index.js';
import { patience } from '../../support/patience.js';
import type { TestCluster } from './cluster.js';
import { controldata, describeMembers, must, sql } from './outside.js';
import type { Trial } from './variable-trials.js';

/** What no change of a variable may take from a cluster: its database, its leader, and the servers that run. */
export interface Life {
  identifier: string;
  members: string[];
  /** When each server started. */
  starts: string[];
}

/** Looks at the cluster past pgprov. */
export async function lifeOf(cluster: TestCluster): Promise<Life> {
  const [first] = cluster.hosts as [LabHost];
  return {
    identifier: await controldata(first, 'Database system identifier'),
    // Which standby is synchronous is for Patroni to choose.
    members: (await describeMembers(first)).map((line) => line.replace('Sync Standby', 'Replica')),
    starts: await Promise.all(cluster.hosts.map((host) => sql(host, 'SELECT pg_postmaster_start_time()'))),
  };
}

/** Everything that pgprov writes, and what the units did. */
export async function traces(cluster: TestCluster): Promise<string[]> {
  const look =
    "find /etc /var/lib/pgprov /srv -printf '%p %s %T@\\n' 2>/dev/null | sort | sha256sum; systemctl show -P ExecMainStartTimestampMonotonic patroni etcd";
  return Promise.all(cluster.hosts.map((host) => must(host, look)));
}

/** Waits until every server answers as a trial wants it. */
export async function assertInForce(cluster: TestCluster, { query, command }: Trial): Promise<void> {
  for (const host of cluster.hosts) {
    if (query !== undefined) await expect.poll(() => sql(host, query.sql), { timeout: patience(30_000) }).toBe(query.answer);
    if (command !== undefined)
      await expect.poll(async () => (await host.exec(command.line)).stdout, { timeout: patience(30_000) }).toMatch(command.prints);
  }
}

/** Takes the power from all hosts at once and gives it back; ends when the same members are there, under any leader. */
export async function powerCycle(cluster: TestCluster): Promise<void> {
  await Promise.all(cluster.hosts.map((host) => host.kill()));
  await Promise.all(cluster.hosts.map((host) => host.start()));
  await expect
    .poll(async () => (await describeMembers(cluster.hosts[0] as LabHost)).map((line) => line.replace(/^\S+ /u, '')).sort(), {
      timeout: patience(120_000),
    })
    .toEqual(['Leader running', 'Replica streaming', 'Replica streaming']);
}

import type { LabHost } from '../../lab/index.js';
import { must, sql } from './outside.js';

/** How often PostgreSQL was started on each of these hosts since they are up, in their order. */
export function postgresStarts(hosts: readonly LabHost[]): Promise<number[]> {
  return Promise.all(
    hosts.map(async (host) => Number(await must(host, "journalctl -u patroni -o cat --no-pager | grep -c 'starting PostgreSQL' || :"))),
  );
}

/** When the server of each of these hosts was started, in seconds since 1970. */
export async function startTimes(hosts: readonly LabHost[]): Promise<Record<string, number>> {
  const times = await Promise.all(
    hosts.map(async (host) => [host.name, Number(await sql(host, 'SELECT extract(epoch FROM pg_postmaster_start_time())'))] as const),
  );
  return Object.fromEntries(times);
}

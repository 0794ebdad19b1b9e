import { DATA_DIRECTORY, type DataDirectoryState } from '../resources/data-directory.js';
import { DCS, type DcsState } from '../resources/dcs.js';
import { PATRONI_MEMBER, type PatroniMemberState } from '../resources/patroni-member.js';

/** What a host answered to an observation; undefined when it was not asked. */
type Read = <State>(host: string, id: string) => State | undefined;

/**
 * The member that etcd has as the leader, as any of the hosts saw it. The key outlives its holder by the lease, and by more when
 * etcd was down as well; so a host of the run whose Patroni does not answer, and whose PostgreSQL does not run, leads no more.
 */
export function leaderInStore(hosts: readonly string[], read: Read): string | undefined {
  for (const host of hosts) {
    const store = read<DcsState>(host, DCS);
    const leader = store?.reachable === true ? store.leader : undefined;
    if (leader !== undefined && !isDown(leader, read)) return leader;
  }
  return undefined;
}

function isDown(host: string, read: Read): boolean {
  const data = read<DataDirectoryState>(host, DATA_DIRECTORY);
  const running = data?.kind === 'cluster' && data.running;
  return read<PatroniMemberState>(host, PATRONI_MEMBER)?.answers === false && !running;
}

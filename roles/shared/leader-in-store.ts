import { DATA_DIRECTORY, DCS, PATRONI_MEMBER, type TimelineEnd, type View } from '../../src/index.js';

/**
 * The member that the store has as the leader, as any of the hosts saw it. The key outlives its holder by the lease, and by more when
 * the store was down as well; so a host of the run whose Patroni does not answer, and whose PostgreSQL does not run, leads no more.
 *
 * @param stopped whether systemd has a host's Patroni stopped, so that nobody renews its lease, though its PostgreSQL may serve;
 *   default: that is not known
 */
export function leaderInStore(view: View, hosts: readonly string[], stopped: (host: string) => boolean = () => false): string | undefined {
  for (const host of hosts) {
    const store = view.read(host, DCS);
    const leader = store?.reachable === true ? store.leader : undefined;
    if (leader !== undefined && !isDown(view, leader) && !stopped(leader)) return leader;
  }
  return undefined;
}

/**
 * Whether Patroni's election of a leader counts the host's server: Patroni answers there, and PostgreSQL is up. A server that recovers from
 * a crash is passed over, and so is one whose Patroni is down, whatever commits they have.
 */
export function standsForElection(view: View, host: string): boolean {
  const member = view.read(host, PATRONI_MEMBER);
  return member?.answers === true && (member.state === 'running' || member.state === 'streaming');
}

/** The timelines that Patroni has noted as over; undefined where no host reads its store. */
export function notedEnds(view: View): readonly TimelineEnd[] | undefined {
  for (const { name } of view.hosts('patroni')) {
    const store = view.read(name, DCS);
    if (store?.reachable === true) return store.timelineEnds ?? [];
  }
  return undefined;
}

function isDown(view: View, host: string): boolean {
  const data = view.read(host, DATA_DIRECTORY);
  const running = data?.kind === 'cluster' && data.running;
  return view.read(host, PATRONI_MEMBER)?.answers === false && !running;
}

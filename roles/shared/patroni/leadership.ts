import {
  DATA_DIRECTORY,
  PATRONI_MEMBER,
  type ClusterData,
  type First,
  type Leadership,
  type StageStart,
  type View,
} from '../../../src/index.js';
import { furthest } from '../furthest.js';
import { leaderInStore, notedEnds, standsForElection } from '../leader-in-store.js';

/** The leader of Patroni's cluster, by the word of its own Patroni. */
export const patroniLeadership: Leadership = {
  leads: reportsLeader,
  stays: (leader, restarted) =>
    restarted.has('patroni') ? undefined : `PostgreSQL keeps running on every member, and ${leader} stays the leader`,
};

/**
 * The member that is started before the others: of a new cluster the inventory's leader; of one that is down the one with the last
 * commits, whoever that is. Undefined where somebody leads, and where nobody can be told to be the furthest, which the guards refuse.
 */
export function firstMember(view: View, { hosts, starts }: StageStart): First | undefined {
  if (leaderInStore(view, hosts, starts) !== undefined || hosts.some((host) => reportsLeader(view, host))) return undefined;
  const members = hosts.flatMap((host) => {
    const data = view.read(host, DATA_DIRECTORY);
    return data?.kind === 'cluster' && holdsDatabase(data) ? [{ host, data }] : [];
  });
  if (members.length === 0) return { host: view.inventory.leader, what: 'the first leader', asInventory: true };
  const found = furthest(
    members.filter(({ host, data }) => !data.running || !standsForElection(view, host)),
    notedEnds(view),
  );
  return found?.kind === 'known' ? { host: found.host, what: 'which has the last commits' } : undefined;
}

/** True when a data directory holds a database, and not what is left of a copy or an initdb that was interrupted. */
function holdsDatabase({ control, copy }: ClusterData): boolean {
  return control === 'valid' && copy === 'none';
}

function reportsLeader(view: View, host: string): boolean {
  const member = view.read(host, PATRONI_MEMBER);
  return member?.answers === true && member.role === 'leader';
}

import { enumerate, pgprov, type Inventory, type Objection, type UnitMove } from '../../src/index.js';

/** The members of a store as they were seen. */
export interface SeenMembers {
  /** Names of those with a vote. */
  voters: readonly string[];
  /** Names of those that work. */
  healthy: ReadonlySet<string>;
  /** Somebody saw a member that works. */
  anyHealthy: boolean;
  /** Names of those on hosts of the run, which starts what is stopped there. */
  inRun: ReadonlySet<string>;
}

/** How many of so many members have to agree. */
export function quorumOf(members: number): number {
  return Math.floor(members / 2) + 1;
}

/**
 * Why a restart of this member of the store would leave it without a quorum. Where there is none, nothing is lost; of one or two, none can be
 * spared.
 */
export function quorumLost(
  inventory: Inventory,
  store: string,
  { host, before }: UnitMove,
  { voters, healthy, anyHealthy, inRun }: SeenMembers,
): Objection | undefined {
  if (!anyHealthy) return undefined;
  const others = voters.filter((name) => name !== host);
  const working = others.filter((name) => healthy.has(name) || before.has(name));
  const quorum = quorumOf(voters.length);
  if (working.length >= Math.min(quorum, others.length)) return undefined;
  const down = others.filter((name) => !working.includes(name));
  return {
    kind: 'refuse',
    host,
    message: `${host}: ${enumerate(down)} ${down.length === 1 ? 'is' : 'are'} not healthy: a restart of ${store} here would leave ${working.length} of ${voters.length} members, and a quorum needs ${quorum}`,
    hint: `${wayOn(store, down, inRun)}; ${pgprov`status ${inventory}`} shows the members`,
  };
}

/** What brings these members up. */
function wayOn(store: string, down: readonly string[], inRun: ReadonlySet<string>): string {
  const leftOut = down.filter((name) => !inRun.has(name));
  if (leftOut.length > 0) {
    return `start ${store} on ${enumerate(leftOut)} first, or add ${leftOut.length === 1 ? 'that host' : 'those hosts'} to this run (--host)`;
  }
  return `see the journal of ${store} on ${enumerate(down)} and the network between the members, and run it again when all are healthy`;
}

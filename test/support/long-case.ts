import { it } from 'vitest';
import { sample, SEED } from './depth.js';

/** Cases on hosts that take half a minute to two, most of it waiting; every run takes some of them and in two weeks or three nearly all had a turn. */
const LONG_CASES = [
  'certificates that have expired',
  'a second etcd',
  'a replaced member of etcd',
  'a member of etcd that the run leaves out',
  'another cluster in etcd',
  'no PostgreSQL starts',
  'packages half installed',
  'synchronous failover',
  'failover without a synchronous standby',
  'failover over standbys that lag',
  'a server kept down by maintenance mode',
  'a boot after a stop',
  'two turns of limits',
  'a restart that fails',
  'power lost in initdb',
  'etcd without any data',
  'etcd with the data of one member',
  'etcd without its WAL',
  'a host that is given up',
  'WAL that is gone',
  'a power cut of all members',
  'a member that cannot start',
  'what keeps all members down',
  'a restore that is taken back',
  'a drill that is killed',
  'a standby from the repository',
  'power lost in an earlier stage',
  'a snapshot without a quorum',
  'etcd without client certificates',
  'a pending restart',
  'a data directory that does not exist',
  'stop and start killed at each step',
  'a base backup without a server',
  'an operation while members come up',
  'Patroni’s keys are gone',
  'another authority’s certificate',
  'a Patroni of root',
  'a cache that a bootstrap left',
  'a scope without its identity',
] as const;

/** The name of one of the long cases. */
export type LongCase = (typeof LONG_CASES)[number];

const TURNS = 3;
const taken: readonly LongCase[] = sample(LONG_CASES, TURNS, 'long cases');

/**
 * A test that runs when it is its turn: three of the long cases in each run, chosen by the seed, and all in the matrix. A skipped one says why
 * in its title.
 */
export function longCase(name: LongCase, title: string, test: () => Promise<void>): void {
  const turn = taken.includes(name);
  it.skipIf(!turn)(turn ? title : `${title} (skipped: a long case, not in the sample of seed ${SEED}; PGPROV_MATRIX=1 takes all)`, test);
}

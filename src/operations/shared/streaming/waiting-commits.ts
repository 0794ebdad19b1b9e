import type { OperationRun } from '../../../index.js';
import { primaryOf } from '../../../../roles/shared/streaming/seen.js';
import { synchronousOf } from '../../../../roles/shared/streaming/synchronous.js';

type Seen = Pick<OperationRun<object>, 'view' | 'inventory'>;

/** Whether commits have fewer standbys to wait for than they need while some standbys are away. */
export function commitsWait({ view, inventory }: Seen, away: readonly string[]): boolean {
  const primary = primaryOf(view);
  const host = inventory.hosts.find(({ name }) => name === primary?.name);
  if (primary?.says === undefined || host === undefined) return false;
  const { number } = synchronousOf(host);
  if (number === 0) return false;
  const there = primary.says.sends.filter(
    ({ name, state, sync }) => state === 'streaming' && sync !== undefined && sync !== 'async' && !away.includes(name),
  );
  return there.length < number;
}

/** What clients of the primary notice of standbys that are away, as a clause. */
export function waitingCommits(run: Seen, away: readonly string[]): string {
  return commitsWait(run, away) ? 'commits wait until it streams again: they need it as a synchronous standby' : 'writes continue';
}

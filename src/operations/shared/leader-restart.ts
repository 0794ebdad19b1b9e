import type { OperationObjection } from '../../index.js';
import { hostsWith } from '../../../roles/shared/layout.js';
import { isSynchronous } from '../../../roles/shared/synchronous.js';
import { answerOf, membersBut, unfit } from './members.js';
import { isSelected, type RestartRun } from './restart/options.js';
import type { Turn } from './restart/order.js';

/**
 * Whether a restart that begins now restarts the leader by a switchover. Both ways stop it alike, and in place it is up again before a standby
 * would be promoted; but with `synchronous_mode` commits then wait until a synchronous standby has connected again, which PostgreSQL tries
 * every five seconds.
 */
export function handsOverByDefault({ view }: Pick<RestartRun, 'view'>): boolean {
  return isSynchronous(view);
}

/** Whether the leader is restarted by a switchover, where somebody can take over. */
export function isByHandOver({ options: { inPlace, switchover, handsOver } }: RestartRun): boolean {
  return switchover === true || (inPlace !== true && handsOver === true);
}

/** Whom the leader hands the lead to before it is restarted: the first standby that can lead and has no restart pending by then. */
export function candidateOf(run: RestartRun, leader: string): string | undefined {
  const { view, inventory } = run;
  return hostsWith(inventory, 'patroni')
    .map(({ name }) => name)
    .filter((name) => name !== leader && unfit(view, leader, name) === undefined)
    .find((name) => isSelected(run, name) || answerOf(view, name)?.pendingRestart !== true);
}

/** `--switchover`, and nobody can take the lead. */
export function noHeir(run: RestartRun, leader: string, turns: readonly Turn[]): OperationObjection[] {
  const { options, view, inventory } = run;
  if (options.switchover !== true || !turns.some(({ as }) => as === 'leader') || candidateOf(run, leader) !== undefined) return [];
  const reasons = membersBut(inventory, leader).map((name) => `\n  ${name} ${unfit(view, leader, name) ?? 'has a restart pending'}`);
  return [
    {
      kind: 'refuse',
      message: `no standby can take the lead from ${leader}:${reasons.join('') || ' there is none'}`,
      hint: `with --in-place instead of --switchover ${leader} is restarted where it is`,
      settles: true,
    },
  ];
}

import { enumerate, type OperationRun, type OperationStep, type Resource, type RoleContext } from '../../index.js';
import { memberGate } from '../../../roles/shared/patroni/start.js';
import { followStep } from './recover/starts.js';

/** Seconds in which a copy that does not grow is waited for: a checkpoint comes first. */
const STANDS_STILL = 900;

/**
 * Members that copy the data of another one, and then stream from it.
 * @param startsEmpty what a member needs for that: a directory to copy to, and Patroni started
 */
export function copiedMembers(
  run: OperationRun<object>,
  { leader, late, startsEmpty }: { leader: string; late: readonly string[]; startsEmpty: (context: RoleContext) => Resource[] },
): OperationStep[] {
  if (late.length === 0) return [];
  const start: OperationStep[] = run.done.has('others')
    ? []
    : [
        {
          id: 'others',
          title: `start Patroni on ${enumerate(late)}, which ${late.length === 1 ? 'copies' : 'copy'} the data of ${leader}`,
          on: late,
          resources: startsEmpty,
          gates: (context) => [memberGate(context, { timeout: STANDS_STILL })],
        },
      ];
  return [...start, ...followStep(run, leader, late)];
}

import { enumerate, type OperationStep } from '../../../index.js';
import { memberGate } from '../../../../roles/shared/patroni/start.js';
import { patroniStarts } from '../patroni-starts.js';
import type { RecoverRun } from './seen.js';
import { streamingGate } from '../streaming-gate.js';

/**
 * Starts Patroni on members and waits until each leads or streams.
 * @param waiting how it is waited for, where more than a start is
 */
export function startStep(members: readonly string[], leader: string, waiting: Parameters<typeof memberGate>[1] = {}): OperationStep[] {
  if (members.length === 0) return [];
  return [
    {
      id: 'start-others',
      title: `start Patroni on ${enumerate(members)}, and wait until ${members.length === 1 ? 'it streams' : 'they stream'} from ${leader}`,
      on: members,
      resources: (context) => [patroniStarts(context)],
      gates: (context) => [memberGate(context, waiting)],
    },
  ];
}

/** Waits until the leader's Patroni lists all of them as streaming. */
export function followStep({ done }: Pick<RecoverRun, 'done'>, leader: string, members: readonly string[]): OperationStep[] {
  if (members.length === 0 || done.has('follow')) return [];
  return [
    {
      id: 'follow',
      title: `wait until ${leader} lists ${enumerate(members)} as streaming on its timeline`,
      on: [leader],
      gates: (context) => [streamingGate(context, members)],
    },
  ];
}

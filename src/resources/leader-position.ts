import { formatLsn } from '../postgres/lsn.js';
import type { DcsKeys } from './dcs.js';
import { answerText, digestOf, UnknownAnswer, type Resource } from './resource.js';
import { printAnswer } from './shared-question.js';

interface LeaderPositionState {
  status: Record<string, unknown>;
  revision: string;
}

/** How far the leader was, by Patroni's key `status`, put back to `bytes`, so that a member that has no more may lead. */
export function leaderPosition({ keys, bytes }: { keys: DcsKeys; bytes: number }): Resource<LeaderPositionState> {
  const id = 'leader-position';
  return {
    id,
    sharedQuestions: [keys.question],
    probe: () => printAnswer(keys.question),
    parse: (answer) => {
      const found = keys.find(answerText(answer));
      if (typeof found === 'string') throw new UnknownAnswer(id, answer);
      const key = found.get('status');
      return { status: JSON.parse(key?.value ?? '{}') as Record<string, unknown>, revision: key?.revision ?? keys.absent };
    },
    diff: ({ status: { optime } }) =>
      typeof optime === 'number' && optime > bytes
        ? [{ action: 'update', summary: `put the leader’s position in ${keys.show('status').path} back to ${formatLsn(bytes)}` }]
        : [],
    apply: (_changes, { status, revision }) => keys.put('status', JSON.stringify({ ...status, optime: bytes }), revision),
    digest: () => digestOf(id, String(bytes)),
  };
}

import { pgprov, type OperationObjection, type OperationRun } from '../../index.js';
import { hostsWith } from '../../../roles/shared/layout.js';
import { answerOf, listedBy, streamsFrom } from './members.js';
import { untilLed, untilUp } from './passing.js';

type Seen = Pick<OperationRun<object>, 'view' | 'inventory'>;

/** States of a member that pass by themselves, mostly. */
const PASSING = /^(?:running|starting|restarting|stopping|stopped|in archive recovery|streaming)$/u;

/** Nobody leads, which passes where a switchover or a restart is under way. */
export function noLeader({ view, inventory }: Seen): OperationObjection[] {
  return untilLed(view, [
    {
      kind: 'refuse',
      message: 'the cluster has no leader',
      hint: `nothing was changed; see ${pgprov`status ${inventory}`}`,
      settles: true,
    },
  ]);
}

/**
 * The first member that does not stream: while one is down no other one may be.
 * @param isMended says of which one it does not matter, because the next step brings it back; default: of none
 */
export function notReady(
  { view, inventory }: Seen,
  leader: string,
  isMended: (name: string) => boolean = () => false,
): OperationObjection[] {
  const all = hostsWith(inventory, 'patroni').map(({ name }) => name);
  const down = all.filter((each) => each !== leader && !streamsFrom(view, leader, each));
  const name = down.length === 1 ? down.find((each) => !isMended(each)) : down[0];
  if (name === undefined) return [];
  const state = answerOf(view, name)?.state;
  const listed = listedBy(view, leader, name)?.state;
  const shown = state === undefined ? 'its Patroni does not answer' : `it is ${JSON.stringify(listed ?? state)}`;
  return untilUp(
    view,
    [name],
    [
      {
        kind: 'refuse',
        message: `${name} does not stream from ${leader}: ${shown}; while one member is down no other one is restarted`,
        hint: `nothing more was changed; \`journalctl -u patroni\` on ${name} says why, and ${pgprov`status ${inventory}`} shows the members`,
        ...(state === undefined || PASSING.test(state) ? { settles: true as const } : {}),
      },
    ],
  );
}

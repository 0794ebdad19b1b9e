import { enumerate, pgprov, type OperationObjection } from '../../../index.js';
import { comingUp } from '../../../../roles/shared/coming-up.js';
import { heldByTags, heldWords } from '../../../../roles/shared/tags.js';
import { untilLed, untilUp } from '../passing.js';
import { givenUp, recovering, standing, type RecoverRun } from './seen.js';

/**
 * Members that Patroni holds an election among: a leader may be there in a moment. Who gives a host up wants the others to go on without it, which
 * Patroni may never do by itself: then they are stopped, and the one with the last commits is started. So are members that only their tags keep
 * from leading.
 */
export function elections(run: RecoverRun): OperationObjection[] {
  const { view, inventory } = run;
  const members = standing(view);
  if (members.length === 0 || givenUp(run).length > 0) return [];
  const held = heldByTags(view);
  if (held.length > 0) {
    const settles = comingUp(view);
    const message = `nobody leads: ${heldWords(view, held)}`;
    const hint = 'nothing was changed: a member that is on its way up may take the lead';
    return settles === undefined ? [] : [{ kind: 'refuse', message, hint, settles }];
  }
  return untilLed(view, [
    {
      kind: 'refuse',
      message: `nobody leads, but PostgreSQL runs on ${enumerate(members)}, where Patroni holds an election by itself`,
      hint: `nothing was changed: where none of them takes the lead, ${pgprov`failover ${inventory}`} says why and makes one the leader`,
      settles: true,
    },
  ]);
}

/** Members whose PostgreSQL replays WAL, which comes to its end by itself. */
export function replays({ view, inventory }: RecoverRun): OperationObjection[] {
  const members = recovering(view);
  if (members.length === 0) return [];
  const hosts = members.map(({ host }) => host);
  return untilUp(view, hosts, [
    {
      kind: 'refuse',
      message: members.map(({ host, words }) => `PostgreSQL on ${host} ${words}`).join(', and '),
      hint: `nothing needs to be recovered there: it comes up by itself, and one that is stopped begins again. ${pgprov`status ${inventory}`} shows how far it is`,
      settles: true,
    },
  ]);
}

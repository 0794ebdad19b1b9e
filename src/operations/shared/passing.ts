import type { OperationObjection, Settling, View } from '../../index.js';
import { comingUp, electing } from '../../../roles/shared/coming-up.js';
import { listedLeader } from './members.js';

/**
 * Objections that are about members: they are waited for while one of these members comes up by itself, as after a run that was killed or
 * a power failure.
 */
export function untilUp<Found extends OperationObjection>(view: View, members: readonly string[], found: readonly Found[]): Found[] {
  return whileMoving(
    comingUp(
      view,
      view.hosts('patroni').filter(({ name }) => members.includes(name)),
    ),
    found,
  );
}

/** The same of objections that follow from there being no leader: its Patroni may have just been started, or an election be under way. */
export function untilLed<Found extends OperationObjection>(view: View, found: readonly Found[]): Found[] {
  const listed = listedLeader(view);
  return listed === undefined ? whileMoving(electing(view), found) : untilUp(view, [listed], found);
}

function whileMoving<Found extends OperationObjection>(settles: Settling | undefined, found: readonly Found[]): Found[] {
  return settles === undefined ? [...found] : found.map((objection) => ({ ...objection, settles }));
}

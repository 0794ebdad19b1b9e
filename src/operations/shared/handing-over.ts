import { pgprov, type Inventory, type OperationObjection, type View } from '../../index.js';
import { leaderOf, listedLeader, unfit } from './members.js';
import { untilLed, untilUp } from './passing.js';
import { busyObjection, maintenanceObjection } from './quiet-cluster.js';

/** What is to be judged: the cluster as it was seen. */
interface Seen {
  view: View;
  inventory: Inventory;
}

/** Why the present leader cannot be asked to hand over the lead, whoever is to have it. */
export function handingOverObjections({ view, inventory }: Seen): OperationObjection[] {
  const refuse = (message: string, hint: string): OperationObjection[] => [{ kind: 'refuse', message, hint }];
  const status = pgprov`status ${inventory}`;
  const leader = leaderOf(view);
  if (leader === undefined) {
    const listed = listedLeader(view);
    const out = listed !== undefined && !view.surveyed(listed);
    return out
      ? refuse(
          `${listed} leads, and cannot be reached from here, so it cannot be asked to hand the lead over`,
          `see why with ${pgprov`ping ${inventory}`}; where its host is lost: ${pgprov`failover ${inventory}`}`,
        )
      : untilLed(
          view,
          refuse(
            'the cluster has no leader that could hand the lead over',
            `nothing was changed; see ${status}, and ${pgprov`failover ${inventory}`} for one that does not come back`,
          ),
        );
  }
  return [...maintenanceObjection({ view, inventory }), ...busyObjection({ view, inventory })].slice(0, 1);
}

/** Why this member cannot take the lead from the present leader. */
export function cannotLead({ view, inventory }: Seen, leader: string, to: string): OperationObjection[] {
  const reason = view.surveyed(to) ? unfit(view, leader, to) : 'cannot be reached';
  if (reason === undefined) return [];
  const status = pgprov`status ${inventory}`;
  const hint = `nothing was changed; see ${status}, or leave out --to for the standby that is the least behind`;
  return untilUp(view, [to], [{ kind: 'refuse', message: `${to} cannot take the lead: it ${reason}`, hint }]);
}

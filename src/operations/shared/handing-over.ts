import { pgprov, type Inventory, type OperationObjection, type View } from '../../index.js';
import { leaderOf, listedLeader } from './members.js';
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
      : refuse(
          'the cluster has no leader that could hand the lead over',
          `nothing was changed; see ${status}, and ${pgprov`failover ${inventory}`} for one that does not come back`,
        );
  }
  return [...maintenanceObjection({ view, inventory }), ...busyObjection({ view, inventory })].slice(0, 1);
}

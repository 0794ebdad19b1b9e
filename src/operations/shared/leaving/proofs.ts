import { enumerate, type CheckResult } from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { leaderOf } from '../members.js';
import { streamChecks } from '../stream-checks.js';
import { fenceProofs } from './fence.js';
import type { LeavingRun as Run } from './options.js';
import { isOver } from './over.js';
import { isInPatroni, isInPlace, isInStore, nameOf, servesThere, slotsLeft, stayingHosts, storeRunsThere } from './seen.js';
import { slotsTtlOf } from './slots-ttl.js';

/** The cluster is whole without the host, and nothing of it is left. */
export function leavingProofs(run: Run): CheckResult[] {
  const { view, inventory, options } = run;
  const name = nameOf(run);
  const { name: store, role, isHealthy } = dcsOf(inventory);
  const leader = leaderOf(view);
  const { by } = options;
  const all =
    by === undefined ? { hosts: stayingHosts(run) } : { hosts: inventory.hosts.filter((host) => host.name !== name || isInPlace(run)) };
  const members = hostsWith(all, 'patroni').map((host) => host.name);
  const inStore = hostsWith(all, role).map((host) => host.name);
  const sick = inStore.filter((each) => isHealthy(view, each) !== true);
  const slots = slotsLeft(run);
  return [
    {
      title: isInPlace(run) ? 'a member leads' : `Patroni lists ${name} no more, and another member leads`,
      ok: leader !== undefined && (isInPlace(run) || (leader !== name && !isInPatroni(run))),
      detail: leader === undefined ? 'nobody leads' : `${leader} leads ${enumerate(members)}`,
      settles: true,
    },
    {
      title: isInPlace(run) ? `${store} has all of its members` : `${store} does without ${name}`,
      ok: !isInStore(run) && sick.length === 0,
      detail: sick.length === 0 ? `${enumerate(inStore)} are healthy`.replace(/^(\S+) are/u, '$1 is') : `${enumerate(sick)} not healthy`,
      settles: true,
    },
    {
      title: `no member has a slot of ${name}, and member_slots_ttl is as it was`,
      ok: slots.length === 0 && slotsTtlOf(run) === (options.slotsTtl ?? null),
      detail: slots.length === 0 ? `member_slots_ttl ${slotsTtlOf(run) ?? 'not set'}` : `there is one on ${enumerate(slots)}`,
    },
    ...fenceProofs(run, isOver(run)),
    ...streamChecks(view, leader, members),
    ...(view.surveyed(name) && !isInPlace(run)
      ? [
          {
            host: name,
            title: 'nothing of the cluster runs there, or starts at a boot',
            ok: !servesThere(run) && !storeRunsThere(run),
            detail: 'its units are stopped and disabled',
          },
        ]
      : []),
  ];
}

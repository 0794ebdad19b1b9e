import { enumerate, type CheckResult, type Operation } from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { slotsLeft } from '../leaving/seen.js';
import { LEFT_SLOTS_TTL, slotsTtlBefore, slotsTtlOf } from '../leaving/slots-ttl.js';
import { leaderOf, leastBehind } from '../members.js';
import { streamChecks } from '../stream-checks.js';
import { movingObjections, movingProblems } from './guards.js';
import type { MovingOptions, MovingRun as Run } from './options.js';
import {
  asLeaving,
  asMoving,
  asNamedNow,
  isFormerAddressInStore,
  isFormerKnown,
  isFormerMember,
  movingObservations,
  nameNow,
  nameOf,
  otherMembers,
} from './seen.js';
import { movingSteps } from './steps.js';

/** What operations that give a member another name or address have in common. */
export const MOVING = {
  roles: ({ catalog }) => catalog.map(({ name }) => name),
  // What the inventory says of the member is what differs.
  requiresConverged: false,
  // The member that gets another name or address is not the one that the inventory has until it is over.
  bears: ({ options }, name) => name !== '' && [options.host, options.to].includes(name),
  unreachable: 'go-on',
  patience: 60,
  inventory: asMoving,
  problems: movingProblems,
  observations: movingObservations,
  choose: chosen,
  guards: movingObjections,
  remaining: (run) => ({ steps: movingSteps(run) }),
  checks: movingProofs,
  hinders: LEFT_SLOTS_TTL,
} satisfies Partial<Operation<MovingOptions>>;

/** Who leads in its place, and what is given back in the end. */
function chosen(run: Run): MovingOptions {
  const { view } = asNamedNow(run);
  const successor = leaderOf(view) === nameNow(run) ? leastBehind(view, otherMembers(run)) : undefined;
  return { ...run.options, slotsTtl: slotsTtlBefore(run), ...(successor === undefined ? {} : { successor }) };
}

/** The cluster is whole with the member as the inventory says, and nothing of the former one is left. */
function movingProofs(run: Run): CheckResult[] {
  const { view, inventory, options } = run;
  const name = nameOf(run);
  const { name: store, role, isHealthy, moving } = dcsOf(inventory);
  const leader = leaderOf(view);
  const members = hostsWith(inventory, 'patroni').map((host) => host.name);
  const inStore = hostsWith(inventory, role);
  const sick = inStore.filter((host) => isHealthy(view, host.name) !== true).map((host) => host.name);
  const host = inStore.find((each) => each.name === name);
  const listed = host && moving?.listed(view, host);
  const slots = options.to === undefined ? [] : slotsLeft(asLeaving(run));
  return [
    {
      title: `Patroni has the member as the inventory says, and another one leads, or it does`,
      ok: leader !== undefined && !isFormerMember(run) && !isFormerKnown(run),
      detail: leader === undefined ? 'nobody leads' : `${leader} leads ${enumerate(members)}`,
      settles: true,
    },
    {
      title: `${store} has all of its members${host === undefined ? '' : `, and ${name} as the inventory says`}`,
      ok: sick.length === 0 && (host === undefined || (listed?.name === name && isFormerAddressInStore(run) !== true)),
      detail: sick.length === 0 ? `${enumerate(inStore.map((each) => each.name))} are healthy` : `${enumerate(sick)} not healthy`,
      settles: true,
    },
    ...(options.to === undefined
      ? []
      : [
          {
            title: `no member has a slot of ${options.host ?? ''}, and member_slots_ttl is as it was`,
            ok: slots.length === 0 && slotsTtlOf(run) === (options.slotsTtl ?? null),
            detail: slots.length === 0 ? `member_slots_ttl ${slotsTtlOf(run) ?? 'not set'}` : `there is one on ${enumerate(slots)}`,
          },
        ]),
    ...streamChecks(view, leader, members),
  ];
}

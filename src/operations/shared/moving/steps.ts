import { enumerate, topologyOf, type OperationStep } from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { followStep, handOverStep, takesUpPending } from '../hand-over.js';
import { retired } from '../leaving/seen.js';
import { dropSlots, forget } from '../leaving/steps.js';
import { leaderOf, notStreamingWhy } from '../members.js';
import { stopped } from '../stopped.js';
import type { MovingRun as Run } from './options.js';
import {
  asLeaving,
  asNamedNow,
  isFormerAddressInStore,
  isFormerKnown,
  isFormerMember,
  isOver,
  movingHost,
  nameNow,
  nameOf,
  otherHosts,
  otherMembers,
  othersInStore,
  runs,
  storeRuns,
} from './seen.js';

/** What is left to do until the member has its new name or address, and nothing has the former one. */
export function movingSteps(run: Run): OperationStep[] {
  if (isOver(run)) return [];
  return [
    ...handOver(run),
    ...stop(run),
    ...stopStore(run),
    ...tellStore(run),
    ...forgetMember(run),
    ...bring(run),
    ...dropFormerSlots(run),
  ];
}

/** Somebody else leads while it is down. */
function handOver(run: Run): OperationStep[] {
  const { options, done } = run;
  const { successor = '' } = options;
  const { view } = asNamedNow(run);
  const now = nameNow(run);
  // From its new address the others let it in only after they were told of it.
  const followers = run.options.to === undefined ? otherMembers(run) : [...otherMembers(run), now];
  const others = followers.filter((other) => other !== successor);
  if (leaderOf(view) === now && isFormerMember(run))
    return [
      { ...handOverStep(now, successor, { effect: takesUpPending(view, now) }), on: [nameOf(run)] },
      ...(others.length === 0 ? [] : [followStep(successor, others)]),
    ];
  const late = others.filter((other) => notStreamingWhy(view, successor, other) !== undefined);
  const isDue = done.has('hand-over') && !done.has('follow') && isFormerMember(run) && late.length > 0;
  return isDue ? [followStep(successor, others, late)] : [];
}

/** Its Patroni and PostgreSQL end cleanly; the slot that the others keep for it holds the WAL that it needs when it is back. */
function stop(run: Run): OperationStep[] {
  if (!isFormerMember(run) || !runs(run)) return [];
  const name = nameOf(run);
  return [
    {
      id: 'stop',
      title: `stop Patroni and PostgreSQL on ${name}; its data stays, and serves the member again`,
      effect: `connections to ${name} are cut, and it serves no reads until it is back`,
      on: [name],
      resources: (context) => [stopped(context, true)],
    },
  ];
}

/** Its member of the store listens at its new address only when it is started anew. */
function stopStore(run: Run): OperationStep[] {
  if (isFormerAddressInStore(run) !== true || !storeRuns(run)) return [];
  const name = nameOf(run);
  const { name: store } = dcsOf(run.inventory);
  const others = othersInStore(run);
  return [
    {
      id: 'stop-store',
      title: `stop ${store} on ${name}`,
      effect: `${store} goes on with ${enumerate(others)} until ${name} is back`,
      on: [name],
      resources: (context) => retired(context).slice(1),
    },
  ];
}

/** The others are told where it will be. */
function tellStore(run: Run): OperationStep[] {
  const host = movingHost(run);
  const { name: store, moving, isHealthy, worksGate } = dcsOf(run.inventory);
  const teller = othersInStore(run).find((each) => isHealthy(run.view, each) === true);
  if (host === undefined || moving === undefined || teller === undefined || isFormerAddressInStore(run) !== true) return [];
  return [
    {
      id: 'tell-store',
      title: `tell ${store} that ${host.name} is at ${host.clusterAddress}`,
      pointOfNoReturn: true,
      on: [teller],
      resources: (context) => [moving.readdressed(context, host)],
      gates: (context) => [worksGate(context)],
    },
  ];
}

/** A member that was stopped cleanly is gone from the list at once, another one when its lease is over. */
function forgetMember(run: Run): OperationStep[] {
  return isFormerMember(run) && isFormerKnown(run) ? forget(asLeaving(run)) : [];
}

/** The host as the inventory has it, and the others, which let it in under its new name or address before it starts. */
function bring(run: Run): OperationStep[] {
  const { catalog, done, inventory } = run;
  if (done.has('bring')) return [];
  const host = movingHost(run);
  const name = nameOf(run);
  const others = enumerate(otherHosts(run).map((each) => each.name));
  const as = run.options.to === undefined ? `at ${host?.clusterAddress ?? ''}` : `under that name`;
  const member = host === undefined || topologyOf(host) !== 'patroni' ? '' : `, and start ${name} ${as} with the data that it has`;
  return [
    {
      id: 'bring',
      title: `bring ${others} to what the inventory says${member}`,
      ...(run.options.to === undefined ? {} : { pointOfNoReturn: true as const }),
      converge: { roles: catalog.map((role) => role.name).filter((role) => hostsWith(inventory, role).length > 0), proves: true },
    },
  ];
}

/** What holds WAL for a member of the former name. */
function dropFormerSlots(run: Run): OperationStep[] {
  return run.options.to === undefined ? [] : dropSlots(asLeaving(run));
}

import {
  DATA_DIRECTORY,
  enumerate,
  gate,
  psql,
  sh,
  SLOT_NAMES,
  slotNameOf,
  topologyOf,
  wakeMember,
  type Gate,
  type InventoryEdit,
  type OperationStep,
  type RoleContext,
} from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { accountsOf, hostsWith, localServer, restApiUrl } from '../../../../roles/shared/layout.js';
import { followStep, handOverStep, takesUpPending } from '../hand-over.js';
import { leaderOf, notStreamingWhy } from '../members.js';
import { stopped } from '../stopped.js';
import { bringList, comingBack, fence, revoke } from './fence.js';
import type { LeavingRun as Run } from './options.js';
import { isOver } from './over.js';
import {
  absentInStore,
  isBack,
  isInPatroni,
  isInPlace,
  isInStore,
  isWanted,
  leaderThen,
  leavingHost,
  nameOf,
  retired,
  servesThere,
  slotsLeft,
  stayingHosts,
  stayingInStore,
  stayingMembers,
  storeRunsThere,
} from './seen.js';
import { keepsNone, NONE_KEPT, slotsTtlBack, slotsTtlOf, slotsTtlStep } from './slots-ttl.js';

/** What is left to do until nothing of the cluster knows the host. */
export function leavingSteps(run: Run): OperationStep[] {
  if (isOver(run)) return [];
  return [
    ...handOver(run),
    ...stop(run).map((step) => ({ ...step, ...toldOfReturn(run) })),
    ...inOrder(
      run,
      leaveStore(run),
      stopStore(run).map((step) => (run.done.has('stop') || servesThere(run) ? step : { ...step, ...toldOfReturn(run) })),
    ),
    ...forget(run),
    ...dropSlots(run),
    ...revoke(run),
    ...bringList(run),
    ...bringOthers(run),
    ...fence(run),
    ...mark(run),
  ];
}

/** That a machine is back which was taken for dead, and so goes as one that lives. */
function toldOfReturn(run: Run): { tells?: string } {
  return isBack(run)
    ? { tells: `${nameOf(run)} answers again, though it was given as dead: it goes on as one that lives, and is stopped first` }
    : {};
}

/** A store that would have a member back which runs is without it only once that is stopped. */
function inOrder({ inventory }: Run, leave: OperationStep[], stop: OperationStep[]): OperationStep[] {
  return dcsOf(inventory).leaving?.stopsFirst === true ? [...stop, ...leave] : [...leave, ...stop];
}

/** Somebody else leads before it goes. */
function handOver(run: Run): OperationStep[] {
  const { view, options, done } = run;
  const name = nameOf(run);
  const to = leaderOf(view) === name ? (leaderThen(run) ?? '') : (options.to ?? leaderOf(view) ?? '');
  const others = stayingMembers(run)
    .map((host) => host.name)
    .filter((other) => other !== to);
  if (leaderOf(view) === name)
    return [handOverStep(name, to, { effect: takesUpPending(view, name) }), ...(others.length === 0 ? [] : [followStep(to, others)])];
  const late = others.filter((other) => notStreamingWhy(view, to, other) !== undefined);
  return to === '' || done.has('follow') || !done.has('hand-over') || late.length === 0 ? [] : [followStep(to, others, late)];
}

/** Nothing of it serves any more; its data stays where it is. */
function stop(run: Run): OperationStep[] {
  const { view } = run;
  const name = nameOf(run);
  if (isInPlace(run) || !view.surveyed(name) || !servesThere(run)) return [];
  const host = leavingHost(run);
  const isMember = host !== undefined && topologyOf(host) === 'patroni';
  const what = isMember ? `Patroni and PostgreSQL on ${name}` : `what serves on ${name}`;
  return [
    {
      id: 'stop',
      title: `stop and disable ${what}; its data stays where it is`,
      effect: `connections to ${name} are cut`,
      on: [name],
      resources: (context) => {
        const [services] = retired(context);
        return [...(services === undefined ? [] : [services]), ...(isMember ? [stopped(context, true)] : [])];
      },
    },
  ];
}

/** A host of the store that works, and is asked for what concerns all of its members. */
function teller(run: Run): string | undefined {
  const { isHealthy } = dcsOf(run.inventory);
  return stayingInStore(run).find(({ name }) => isHealthy(run.view, name) === true)?.name;
}

/** Another member of the store is told that this one is none any more. */
export function leaveStore(run: Run): OperationStep[] {
  const { inventory } = run;
  const on = teller(run);
  const { name: store, leaving } = dcsOf(inventory);
  if (on === undefined || leaving === undefined || !isInStore(run)) return [];
  const name = nameOf(run);
  const left = stayingInStore(run).length + absentInStore(run).length;
  return [
    {
      id: 'leave-store',
      title: `take ${name} out of the members of ${store}`,
      ...(comesToStore(run) ? {} : { effect: bears(store, left) }),
      pointOfNoReturn: true,
      on: [on],
      resources: (context) => [leaving.removed(context, { name, host: leavingHost(run) })],
      gates: (context) => [dcsOf(inventory).worksGate(context)],
    },
  ];
}

/** Whether another member joins at once. */
function comesToStore({ inventory, options: { by } }: Run): boolean {
  return hostsWith(inventory, dcsOf(inventory).role).some(({ name }) => name === by);
}

/** How many losses the store bears with so many members. */
export function bears(store: string, members: number): string {
  const losses = Math.floor((members - 1) / 2);
  if (losses > 0) return `${store} then has ${members} members and bears the loss of ${losses}`;
  const few = members === 1 ? 'one member' : `${members} members`;
  return `${store} then has ${few} and bears the loss of none: when ${members === 1 ? 'it' : 'one of them'} fails, the cluster takes no writes until it is back; add another soon`;
}

/** Its own member ends by itself when it hears that it is none any more, and must not come back at a boot. */
function stopStore(run: Run): OperationStep[] {
  const { view, inventory } = run;
  const name = nameOf(run);
  if (isInPlace(run) || !view.surveyed(name) || !storeRunsThere(run)) return [];
  return [
    {
      id: 'stop-store',
      title: `stop and disable ${dcsOf(inventory).name} on ${name}`,
      on: [name],
      resources: (context) => retired(context),
    },
  ];
}

/** Patroni lists it until its key is gone, which a clean stop or the end of its lease takes away. */
export function forget(run: Run): OperationStep[] {
  const { done } = run;
  const name = nameOf(run);
  const leader = leaderThen(run);
  if (leader === undefined || done.has('forget') || !isInPatroni(run)) return [];
  return [
    {
      id: 'forget',
      title: `wait until Patroni lists ${name} no more`,
      on: [leader],
      gates: (context) => [forgottenGate(context, name)],
    },
  ];
}

/** Open when the cluster, as the leader's Patroni has it, is without this member. */
function forgottenGate(context: RoleContext, name: string): Gate {
  const { host, platform } = context;
  const { name: user, password } = accountsOf(context).restApi;
  const url = restApiUrl(host);
  return gate({
    name: 'forgotten',
    title: `Patroni lists ${name} no more`,
    unit: platform.patroni.unit,
    fatalLogPatterns: [],
    includeJournal: false,
    timeout: 300,
    nudge: wakeMember(url, { user, password }),
    check: sh`listed=$(curl -s -m 3 ${`${url}/cluster`}) || { echo 'Patroni does not answer'; exit 1; }
case "$listed" in
*${`"name": "${name}"`}*) echo 'it is listed yet'; exit 1 ;;
*'"members"'*) ;;
*) echo 'Patroni does not tell'; exit 1 ;;
esac`,
  });
}

/**
 * Since its version 4 Patroni keeps the slot of a member that is gone for `member_slots_ttl`, half an hour by default, in which WAL piles up. That is
 * nothing for a moment, and as it was before again.
 */
export function dropSlots(run: Run): OperationStep[] {
  const { options } = run;
  const name = nameOf(run);
  const leader = leaderThen(run);
  const hosts = slotsLeft(run);
  const before = options.slotsTtl ?? null;
  const now = slotsTtlOf(run);
  if (leader === undefined || (hosts.length === 0 && now === before)) return [];
  const changes = !keepsNone(before);
  const none = `have Patroni keep no slot of a member that is gone (member_slots_ttl: ${NONE_KEPT})`;
  return [
    ...(changes && hosts.length > 0 && !keepsNone(now) ? [slotsTtlStep(leader, { id: 'slots-ttl', title: none, wanted: NONE_KEPT })] : []),
    ...(hosts.length === 0
      ? []
      : [
          {
            id: 'slots',
            title: `wait until Patroni has dropped the slot of ${name} on ${enumerate(hosts)}`,
            on: hosts,
            gates: (context: RoleContext) => [slotGate(context, name)],
          },
        ]),
    ...(changes ? [slotsTtlBack(leader, before)] : []),
  ];
}

/** Open when the server has no slot of this member. */
function slotGate(context: RoleContext, name: string): Gate {
  const { host, platform } = context;
  const { name: user, password } = accountsOf(context).restApi;
  return gate({
    name: 'slot-dropped',
    title: `the slot of ${name} is gone on ${host.name}`,
    unit: platform.patroni.unit,
    fatalLogPatterns: [],
    timeout: 180,
    nudge: wakeMember(restApiUrl(host), { user, password }),
    check: sh`slots=$(${psql(localServer(host, platform), ['-c', SLOT_NAMES])}) || { echo 'the server does not answer'; exit 1; }
! printf '%s\n' "$slots" | grep -qxF ${slotNameOf(name)} || { echo 'it is there yet'; exit 1; }`,
  });
}

/** The others as the inventory has them without it: access lines, passwords, names, firewalls, addresses of the store, proxies. */
function bringOthers(run: Run): OperationStep[] {
  const {
    catalog,
    done,
    options: { by },
  } = run;
  if (done.has('others')) return [];
  const name = nameOf(run);
  const without = isInPlace(run) ? [] : [name];
  const members = stayingHosts(run)
    .map((host) => host.name)
    .filter((each) => each !== by);
  const others = `bring ${enumerate(members)} to what the inventory says`;
  const roles = catalog
    .map((role) => role.name)
    .filter((role) => hostsWith({ hosts: run.inventory.hosts.filter((host) => !without.includes(host.name)) }, role).length > 0);
  return [
    {
      id: 'others',
      title: by === undefined ? `${others} without ${name}` : `${others}, and have ${by} join them as a new member`,
      converge: { roles, without, proves: true, leavesAbsent: true },
    },
  ];
}

/** The inventory says that it is gone, so no `apply` takes it for a member that is to be made. */
function mark(run: Run): OperationStep[] {
  const { done } = run;
  const name = nameOf(run);
  if (!isWanted(run) || done.has('mark')) return [];
  return [
    {
      id: 'mark',
      title: `write into the inventory that ${name} is absent`,
      atDesk: (desk) => desk.write(absentEdits(name), `write \`absent: true\` below ${name} there, or take it out`),
    },
  ];
}

/** The host is absent, and nobody is named any more where it was to lead a new cluster. */
function absentEdits(name: string): InventoryEdit[] {
  return [
    { path: ['hosts', name, 'absent'], value: true },
    { path: ['leader'], value: undefined, only: name },
  ];
}

/** Where its data is, as far as it was seen. */
export function dataWords(run: Run): string {
  const { view } = run;
  const name = nameOf(run);
  const data = view.read(name, DATA_DIRECTORY);
  if (!view.surveyed(name)) return `it was not reached: ${comingBack(run)}`;
  return data?.kind === 'cluster' ? 'its data stays where it is, for you to remove' : 'it has no data';
}

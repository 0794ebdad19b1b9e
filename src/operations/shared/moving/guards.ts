import {
  enumerate,
  pgprov,
  SOURCE_ADDRESS,
  topologyOf,
  unknownName,
  type OperationObjection,
  type OperationStart,
} from '../../../index.js';
import { guardChanges } from '../../../../roles/shared/changes.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { hostPort, hostsWith } from '../../../../roles/shared/layout.js';
import { quorumOf } from '../../../../roles/shared/quorum.js';
import { isSynchronous } from '../../../../roles/shared/synchronous.js';
import { cannotLead } from '../handing-over.js';
import { leaderOf, notStreamingWhy, unfit } from '../members.js';
import { untilLed, untilUp } from '../passing.js';
import { variables } from '../../../../roles/shared/variables.js';
import { busyObjection, maintenanceObjection, quorumObjection } from '../quiet-cluster.js';
import type { MovingOptions, MovingRun as Run } from './options.js';
import {
  asNamedNow,
  isFormerMember,
  isOver,
  movingHost,
  nameNow,
  nameOf,
  otherHosts,
  otherMembers,
  othersInStore,
  patroniHas,
  runs,
  serverAddress,
} from './seen.js';

function refuse(message: string, hint: string): OperationObjection[] {
  return [{ kind: 'refuse', message, hint }];
}

/** What speaks against it before any host is connected to. */
export function movingProblems(start: OperationStart<MovingOptions>): OperationObjection[] {
  const { inventory, options } = start;
  const { host: given, to } = options;
  const names = inventory.hosts.map(({ name }) => name);
  const input = (message: string, hint: string): OperationObjection[] => [{ kind: 'input', error: 'move/host', message, hint }];
  if (given === undefined || given === '') return input('which host is it about?', `give it with --host: ${enumerate(names)}`);
  const name = nameOf(start);
  const host = movingHost(start);
  if (host === undefined) {
    const { message, hint } = unknownName('host', name, names);
    return [{ kind: 'input', error: 'aim/unknown-host', message, hint: to === undefined ? hint : calling(given, name) }];
  }
  const { name: store, role, moving } = dcsOf(inventory);
  if (topologyOf(host) !== 'patroni' && !host.roles.includes(role))
    return input(
      `${name} is a member neither of Patroni nor of ${store}`,
      `${pgprov`apply ${inventory}`} brings what the inventory says of it to all hosts`,
    );
  if (moving === undefined)
    return input(
      `no member of a cluster that is kept in ${store} gets another name or address`,
      `nothing was done; take the host out, and have it join as a new one: see docs/consul.md`,
    );
  if (topologyOf(host) === 'patroni' && otherMembers(start).length === 0)
    return refuse(`${name} is the only member of ${inventory.cluster}, which would be down meanwhile`, 'add another one first');
  const inStore = othersInStore(start);
  if (host.roles.includes(role) && inStore.length < 2)
    return refuse(
      `${store} would have no quorum while ${name} is down: it has ${inStore.length + 1} ${inStore.length === 0 ? 'member' : 'members'}`,
      `give the role ${role} to another host first, and run ${pgprov`apply ${inventory}`}`,
    );
  return [];
}

/** How the inventory has to be for a host that gets another name. */
export function calling(from: string, to: string): string {
  return `call the host ${to} in the inventory first, in place of ${from}, also where groups, \`leader\` and other settings name it; its address stays`;
}

/** Why a member must not get another name or address, or not now. The first says it. */
export function movingObjections(run: Run): OperationObjection[] {
  const away = [...otherHosts(run), ...[movingHost(run)].filter((host) => host !== undefined)].filter(
    ({ name }) => !run.view.surveyed(name),
  );
  if (away.length > 0)
    return [
      outOfReach(
        run,
        away.map(({ name }) => name),
      ),
    ];
  if (isOver(run)) return [];
  return [...other(run), ...fixed(run), ...source(run), ...unled(run), ...handsOver(run), ...lastSynchronous(run), ...quorum(run)].slice(
    0,
    1,
  );
}

/** What the others have of it could not be changed there. */
function outOfReach(run: Run, names: readonly string[]): OperationObjection {
  const own = names.includes(nameOf(run)) && run.options.to === undefined;
  return {
    kind: 'unreachable',
    message: `${enumerate(names)} cannot be reached, and every host has to know ${nameOf(run)} by its new ${run.options.to === undefined ? 'address' : 'name'}`,
    hint: own
      ? `its machine must have the address that the inventory says, best beside the former one until this is over; ${pgprov`ping ${run.inventory}`} tells more`
      : `nothing more was changed; bring what is missing back first (${pgprov`ping ${run.inventory}`})`,
  };
}

/** Another member, or more than the one thing. */
function other(run: Run): OperationObjection[] {
  const { options } = run;
  const has = patroniHas(run);
  const host = movingHost(run);
  if (host === undefined || topologyOf(host) !== 'patroni') return [];
  if (has === undefined)
    return refuse(`${host.name} has never been a member of this cluster`, `${pgprov`apply ${run.inventory}`} makes it one`);
  const known = [host.name, ...(options.to === undefined ? [] : [options.host])];
  if (!known.includes(has.name))
    return refuse(
      `the member on ${host.name} is ${has.name}`,
      options.to === undefined
        ? `give it its name first: ${pgprov`rename ${run.inventory} --host ${has.name} --to ${host.name}`}, while the inventory has its former address`
        : `if that is the one: ${pgprov`rename ${run.inventory} --host ${has.name} --to ${host.name}`}`,
    );
  const port = variables(host, 'postgresql').port;
  if (options.to === undefined && ![serverAddress(run), hostPort(options.from ?? '', port)].includes(has.address))
    return refuse(
      `the member on ${host.name} is at ${has.address}, and not at ${options.from ?? ''}`,
      'give the address that it has with --from, without the port',
    );
  if (options.to !== undefined && has.address !== serverAddress(run))
    return refuse(
      `the member on ${host.name} is at ${has.address}, and the inventory has it at ${serverAddress(run) ?? ''}`,
      `one after the other: set its address back, then run this again; its address has an operation of its own, readdress`,
    );
  return [];
}

/** What else the inventory says that no run brings: better known before anything is stopped. */
function fixed({ view, inventory }: Run): OperationObjection[] {
  return ['postgresql', dcsOf(inventory).role, 'patroni'].flatMap((role) =>
    guardChanges(view, role).map(({ settles: _settles, ...objection }) => objection),
  );
}

/** It connects to the others from its former address yet, at which they will let it in no more. */
function source(run: Run): OperationObjection[] {
  const { view, inventory, options } = run;
  const host = movingHost(run);
  const has = patroniHas(run);
  if (host === undefined || options.to !== undefined || (has !== undefined && !isFormerMember(run))) return [];
  const froms = view.read(host.name, SOURCE_ADDRESS) ?? new Map<string, string>();
  const others = inventory.hosts.filter(({ clusterAddress }) => froms.get(clusterAddress) === options.from);
  const [first] = others;
  if (first === undefined) return [];
  return refuse(
    `${host.name} connects to ${enumerate(others.map(({ name }) => name))} from its former address, at which the others would let it in no more`,
    `nothing was changed; make ${host.clusterAddress} the one that it connects from: the first on its interface, with the former one, where that is needed, behind it (\`ip route get ${first.clusterAddress}\` on ${host.name} shows \`src\`)`,
  );
}

/** Nobody leads, or Patroni is about something else. */
function unled(run: Run): OperationObjection[] {
  const { view, inventory } = asNamedNow(run);
  const seen = { view, inventory };
  const lost = quorumObjection(seen);
  if (lost !== undefined) return [lost];
  if (leaderOf(view) === undefined)
    return untilLed(view, [
      {
        kind: 'refuse',
        message: 'the cluster has no leader, so no member of it is stopped',
        hint: `see ${pgprov`status ${run.inventory}`}, and ${pgprov`failover ${run.inventory}`} where the leader is lost`,
        settles: true,
      },
    ]);
  return [...maintenanceObjection(seen), ...busyObjection(seen)].slice(0, 1);
}

/** It leads, and the member that is to lead then cannot. */
function handsOver(run: Run): OperationObjection[] {
  const { view, inventory } = asNamedNow(run);
  const now = nameNow(run);
  const { successor } = run.options;
  if (leaderOf(view) !== now || !isFormerMember(run)) return [];
  if (successor !== undefined && successor !== '') return cannotLead({ view, inventory }, now, successor);
  const others = otherMembers(run);
  const reasons = others.map((each) => `\n  ${each} ${unfit(view, now, each) ?? 'could'}`);
  if (others.some((each) => unfit(view, now, each) === undefined)) return [];
  const former =
    run.options.to === undefined
      ? ': where its machine has lost its former address, give it back beside the new one until this is over'
      : '';
  return untilUp(view, others, [
    {
      kind: 'refuse',
      message: `${now} leads, and no standby can take the lead from it:${reasons.join('')}`,
      hint: `nothing was changed; see ${pgprov`status ${run.inventory}`}${former}`,
    },
  ]);
}

/** Commits would wait for it until it is back. */
function lastSynchronous(run: Run): OperationObjection[] {
  const { view } = asNamedNow(run);
  const now = nameNow(run);
  const leads = leaderOf(view);
  const leader = leads === now ? run.options.successor : leads;
  if (leads === undefined || leader === undefined || !isSynchronous(view) || !runs(run) || !isFormerMember(run)) return [];
  const others = otherMembers(run).filter((each) => each !== leader);
  if (others.some((each) => notStreamingWhy(view, leads, each) === undefined)) return [];
  return untilUp(view, others, [
    {
      kind: 'refuse',
      message: `with synchronous_mode ${leader} needs a standby that streams, and while ${now} is down there is none`,
      hint: 'add another standby first, or bring one back',
    },
  ]);
}

/** Too few of the others work while its member of the store is down. */
function quorum(run: Run): OperationObjection[] {
  const { view, inventory } = run;
  const { name: store, role, isHealthy } = dcsOf(inventory);
  if (movingHost(run)?.roles.includes(role) !== true) return [];
  const others = othersInStore(run);
  const down = others.filter((name) => isHealthy(view, name) !== true);
  if (others.length - down.length >= quorumOf(others.length + 1)) return [];
  return untilUp(view, others, [
    {
      kind: 'refuse',
      message: `${enumerate(down)} ${down.length === 1 ? 'is' : 'are'} not healthy: while ${nameOf(run)} is down too few of the ${hostsWith(inventory, role).length} members of ${store} would work for a quorum`,
      hint: `bring ${store} back there first; ${pgprov`status ${inventory}`} shows its members`,
      settles: true,
    },
  ]);
}

import { enumerate, pgprov, unknownName, type Host, type OperationObjection, type OperationStart } from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { quorumOf } from '../../../../roles/shared/quorum.js';
import { untilUp } from '../passing.js';
import { busyObjection } from '../quiet-cluster.js';
import type { LeavingOptions, LeavingRun as Run } from './options.js';
import { absentInStore, hasBegun } from './seen.js';
import { formerMembers, isListed, isOfOther, isRoleTaken, losers, runsThere } from './role-seen.js';

function refuse(message: string, hint: string): OperationObjection[] {
  return [{ kind: 'refuse', message, hint }];
}

/** What speaks against taking the store's role from hosts that stay, before any host is connected to. */
export function roleProblems({ inventory, options }: OperationStart<LeavingOptions>): OperationObjection[] {
  const { role: given = '', dead } = options;
  const names = options.host?.split(',') ?? [];
  const { name: store, role, leaving } = dcsOf(inventory);
  const all = inventory.hosts.map((each) => each.name);
  const input = (message: string, hint: string): OperationObjection[] => [{ kind: 'input', error: 'remove/role', message, hint }];
  // Where members are stopped first, what is left of the store on a host has the same unit.
  if (given !== role || leaving === undefined || leaving.stopsFirst === true)
    return input(
      `no operation takes the role ${given} from a host`,
      `take it from the host in the inventory; ${pgprov`apply ${inventory}`} then says how what runs there is stopped`,
    );
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) return [{ kind: 'input', error: 'aim/unknown-host', ...unknownName('host', unknown, all) }];
  if (dead === true)
    return input(
      `with --role the host stays in the cluster, so its machine is not lost`,
      `leave out --dead; a host whose machine is lost goes as a whole: leave out --role`,
    );
  const having = names.filter((name) => hostsWith(inventory, role).some((host) => host.name === name));
  if (having.length > 0)
    return input(
      `the inventory gives ${enumerate(having)} the role ${role}, so the next run would make it a member of ${store} again`,
      `take the role from ${enumerate(having)} there first, and leave the other roles; then run this again`,
    );
  if (hostsWith(inventory, role).length > 0) return [];
  return refuse(
    `no host of the inventory has the role ${role}: without a member of ${store} Patroni could not go on`,
    `give other hosts the role ${role} beside those that have it now, and run ${pgprov`apply ${inventory}`}, before any loses it`,
  );
}

/** Why the role must not be taken from the hosts, or not now. The first says it. */
export function roleObjections(run: Run): OperationObjection[] {
  const { view, inventory } = run;
  const away = inventory.hosts.filter(({ name, roles }) => roles.length > 0 && !view.surveyed(name)).map(({ name }) => name);
  if (away.length > 0)
    return [
      {
        kind: 'unreachable',
        message: `${enumerate(away)} cannot be reached, and every host has to know the members of ${dcsOf(inventory).name}`,
        hint: `${hasBegun(run) ? 'nothing more was changed' : 'nothing was changed'}; bring ${away.length === 1 ? 'it' : 'them'} back first (${pgprov`ping ${inventory}`})`,
      },
    ];
  if (isRoleTaken(run)) return [];
  return [...others(run), ...newcomers(run), ...busyObjection(run), ...quorum(run)].slice(0, 1);
}

/** Hosts that were not named and have lost the role as well, or whose unit is somebody else's. */
function others(run: Run): OperationObjection[] {
  const { inventory } = run;
  const { name: store, role } = dcsOf(inventory);
  const named = losers(run);
  const more = formerMembers(run).filter((name) => !named.includes(name));
  if (more.length > 0)
    return refuse(
      `${enumerate(more)} ${more.length === 1 ? 'has' : 'have'} the role ${role} no more in the inventory either, and ${more.length === 1 ? 'is a member' : 'are members'} of ${store}`,
      `to take it from all of them, one after the other: ${pgprov`remove ${inventory} --role ${role}`}; otherwise give it back to ${enumerate(more)} first`,
    );
  const foreign = named.find((name) => isOfOther(run, name));
  if (foreign === undefined) return [];
  return refuse(
    `the unit of ${store} on ${foreign} is one of another inventory, which is not to be stopped`,
    `see with that inventory what runs on ${foreign}`,
  );
}

/** Hosts that are to be members in their place join before they leave, so that there are never fewer than there were. */
function newcomers(run: Run): OperationObjection[] {
  const { view, inventory } = run;
  const { name: store, role, leaving, hasData } = dcsOf(inventory);
  // Where none of the former members is asked any more, nobody tells who is one.
  const isMember = (host: Host): boolean => leaving?.lists(view, { name: host.name, host }) ?? hasData(view, host.name) === true;
  const joining = hostsWith(inventory, role).filter((host) => !isMember(host));
  const going = losers(run).filter((name) => isListed(run, name) || runsThere(run, name));
  if (joining.length === 0 || going.length === 0) return [];
  const come = enumerate(joining.map((host) => host.name));
  const names = enumerate(going);
  return refuse(
    `${come} ${joining.length === 1 ? 'has the role' : 'have the role'} ${role}, and ${joining.length === 1 ? 'is no member' : 'are no members'} of ${store} yet, which would have fewer members than now without ${names}`,
    `give ${names} the role ${role} back, beside ${come}, and run ${pgprov`apply ${inventory}`}, which has ${come} join; then take it from ${names}, and run this again`,
  );
}

/** Too few of the others work for the next one to leave. */
function quorum(run: Run): OperationObjection[] {
  const { view, inventory } = run;
  const { name: store, role, isHealthy } = dcsOf(inventory);
  const [next, ...later] = losers(run).filter((name) => isListed(run, name));
  if (next === undefined) return [];
  const staying = hostsWith(inventory, role).map(({ name }) => name);
  const absent = absentInStore(run);
  const down = [...staying.filter((name) => isHealthy(view, name) !== true), ...absent, ...later.filter((name) => !runsThere(run, name))];
  const left = staying.length + absent.length + later.length;
  const works = left - down.length;
  if (works >= quorumOf(left) && works + (runsThere(run, next) ? 1 : 0) >= quorumOf(left + 1)) return [];
  return untilUp(view, staying, [
    {
      kind: 'refuse',
      message: `${enumerate(down)} ${down.length === 1 ? 'is' : 'are'} not healthy: without ${next} too few of the ${left} members of ${store} that are left would work for a quorum`,
      hint: `bring ${store} back there first; ${pgprov`status ${inventory}`} shows its members`,
      settles: true,
    },
  ]);
}

import { DCS, notWanted, pgprov, removal, slotNameOf, type DcsState, type Objection, type View } from '../../src/index.js';
import { dcsOf } from './dcs-of.js';
import { hostPort, hostsWith, scopeOf } from './layout.js';
import { placeOf } from './provenance.js';
import { variables } from './variables.js';

type Store = Extract<DcsState, { reachable: true }>;

/**
 * Members that keep running while the inventory no longer has them, but for those that are borne: the others would refuse their connections, and they
 * may take the lead.
 */
export function guardLeftMembers(view: View, bears: (name: string) => boolean = () => false): Objection[] {
  const wanted = hostsWith(view.inventory, 'patroni');
  const [first] = view.hosts('patroni');
  const store = view
    .hosts('patroni')
    .map(({ name }) => view.read(name, DCS))
    .find((state) => state?.reachable === true);
  if (first === undefined || store?.reachable !== true) return [];
  // Who is a member of the store as well is told by the store's list.
  const inStore = dcsOf(view.inventory).memberNames(view);
  // A host with another name than it had is told by its own guard.
  const addresses = new Set(wanted.map((host) => hostPort(host.clusterAddress, variables(host, 'postgresql').port)));
  const isLeft = (name: string): boolean => view.inventory.leftForLater?.includes(name) === true;
  const left = store.members
    .filter(
      ({ name, state, connUrl }) =>
        state !== 'stopped' &&
        !bears(name) &&
        !isLeft(name) &&
        !wanted.some((host) => host.name === name) &&
        !addresses.has(/\/\/([^/]+)/u.exec(connUrl)?.[1] ?? ''),
    )
    .flatMap(({ name, connUrl }): Objection[] => {
      const host = view.inventory.hosts.find((candidate) => candidate.name === name);
      if (host === undefined && inStore.includes(name)) return [];
      const what =
        host === undefined
          ? `${name} (${connUrl}) ${notWanted(view.inventory, name)}`
          : `${name} has no role patroni${placeOf(host, 'roles')}`;
      const hint =
        host === undefined
          ? removal(view.inventory, name)
          : `put it back; to take Patroni off ${name} for good${store.leader === name ? `, hand the lead over first (${pgprov`switchover ${view.inventory}`}, with the role in its place), then` : ','} stop it: \`systemctl disable --now patroni\` there, and run this again`;
      return [
        {
          kind: 'refuse',
          message: `${what}, but runs as a member of the cluster ${scopeOf(view.inventory, first)}`,
          hint,
          decisive: true,
        },
      ];
    });
  return left.length > 0 ? left : guardDownMembers(view, store, { told: [...inStore, ...store.members.map(({ name }) => name)], bears });
}

/**
 * A member that is down, and for which Patroni keeps a slot yet: were it only down for maintenance, the others would refuse it when it is back. After
 * `member_slots_ttl` nobody knows of it any more.
 */
function guardDownMembers(
  { inventory }: View,
  { retainedSlots = [], config }: Store,
  { told, bears }: { /** Members of which another guard tells. */ told: readonly string[]; bears(name: string): boolean },
): Objection[] {
  const members = hostsWith(inventory, 'patroni').flatMap(({ name, formerly }) => [
    name,
    ...(formerly?.name === undefined ? [] : [formerly.name]),
  ]);
  const wanted = [...members, ...told, ...(inventory.leftForLater ?? [])].map(slotNameOf);
  const given = Object.keys((config?.['slots'] as object | undefined) ?? {});
  return retainedSlots
    .filter((slot) => !wanted.includes(slot) && !given.includes(slot))
    .flatMap((slot): Objection[] => {
      const name = inventory.absent.find((host) => slotNameOf(host.name) === slot)?.name ?? slot;
      const host = inventory.hosts.find((each) => slotNameOf(each.name) === slot);
      if (bears(host?.name ?? name)) return [];
      if (host !== undefined)
        return [
          {
            kind: 'refuse',
            message: `${host.name} has no role patroni${placeOf(host, 'roles')}, and Patroni keeps a slot for it (${slot}), as for a member that is only down`,
            hint: 'put the role back; or wait until Patroni has dropped the slot, which it does after `member_slots_ttl` (30 minutes by default), and run this again',
            decisive: true,
          },
        ];
      return [
        {
          kind: 'refuse',
          message: `${name} ${notWanted(inventory, name)}, and Patroni keeps a slot for it (${slot}), as for a member that is only down`,
          hint: removal(inventory, name),
          decisive: true,
        },
      ];
    });
}

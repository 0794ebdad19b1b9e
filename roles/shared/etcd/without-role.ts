import { enumerate, LEFT_UNITS, pgprov, type Host, type Objection, type View } from '../../../src/index.js';
import { hostsWith } from '../layout.js';
import { placeOf } from '../provenance.js';
import { onWorkingMember } from './etcdctl.js';
import { listedMembers } from './membership.js';

/** Hosts from which the inventory takes etcd, while it runs there or would at the next boot. */
export function guardTakenRole(view: View): Objection[] {
  const left = view.inventory.hosts.filter((host) => !host.roles.includes('etcd') && hasUnit(view, host));
  const [first] = left;
  if (first === undefined) return [];
  const names = enumerate(left.map(({ name }) => name));
  const it = left.length === 1 ? 'it runs a member' : 'they run members';
  return [
    {
      kind: 'refuse',
      about: 'roles',
      message: `${names} ${left.length === 1 ? 'has' : 'have'} no role etcd${placeOf(first, 'roles')}, and ${it} of etcd: no run of apply takes one out`,
      hint: listedMembers(view) === undefined ? movingEtcd(view, names) : takingOut(view, first.name),
      decisive: true,
    },
  ];
}

function hasUnit(view: View, { name }: Host): boolean {
  const unit = view.platform(name)?.etcd.unit;
  const left = view.read(name, LEFT_UNITS) ?? [];
  return left.some((found) => found.unit === unit && (found.cluster === undefined || found.cluster === view.inventory.cluster));
}

/** How a host that stays in the cluster is taken out of etcd, where the others work. */
export function takingOut(view: View, name: string): string {
  const unit = view.platform(name)?.etcd.unit ?? 'etcd';
  return `give ${name} the role back; or, one host after the other, while all members are healthy: ${onWorkingMember(view, name)}; \`etcdctl member remove $(etcdctl member list | grep -F ', ${name}, ' | cut -d , -f 1)\`; then \`systemctl disable --now ${unit}\` on ${name}, and run this again; its data stays there`;
}

/** None of those that the inventory has with the role is a member: they join before any other one leaves. */
function movingEtcd(view: View, names: string): string {
  const wanted = enumerate(hostsWith(view.inventory, 'etcd').map(({ name }) => name));
  return `give ${names} the role etcd back, beside ${wanted}, and run ${pgprov`apply ${view.inventory}`}, which has ${wanted} join one after the other; then take the role from one of ${names} after the other, and each time the refusal says how it leaves etcd`;
}

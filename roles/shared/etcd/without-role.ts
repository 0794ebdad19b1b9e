import { enumerate, LEFT_UNITS, pgprov, type Host, type Inventory, type Objection, type View } from '../../../src/index.js';
import { hostsWith } from '../layout.js';
import { placeOf } from '../provenance.js';
import { listedMembers, type Listed } from './membership.js';
import { peerUrl } from './peer-url.js';

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
      hint: hintOf(view, names, listedMembers(view)),
      decisive: true,
    },
  ];
}

function hasUnit(view: View, { name }: Host): boolean {
  const unit = view.platform(name)?.etcd.unit;
  const left = view.read(name, LEFT_UNITS) ?? [];
  return left.some((found) => found.unit === unit && (found.cluster === undefined || found.cluster === view.inventory.cluster));
}

/** What is done about hosts that the inventory takes from etcd: who comes in their place joins before. */
function hintOf({ inventory }: View, names: string, listed: readonly Listed[] = []): string {
  const joining = hostsWith(inventory, 'etcd').filter((host) => !listed.some(({ peerUrls }) => peerUrls.includes(peerUrl(host))));
  if (joining.length === 0) return takingOut(inventory, names);
  const come = enumerate(joining.map(({ name }) => name));
  return `give ${names} the role etcd back, beside ${come}, and run ${pgprov`apply ${inventory}`}, which has ${come} join; then take it from ${names}, and run ${pgprov`remove ${inventory} --role etcd`}`;
}

/** How hosts that stay in the cluster are taken out of etcd. */
export function takingOut(inventory: Inventory, names: string): string {
  return `give ${names} the role back; or take ${names} out of etcd, while all else there goes on: ${pgprov`remove ${inventory} --role etcd`}`;
}

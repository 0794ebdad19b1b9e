import { expect, it } from 'vitest';
import { guardTakenRole } from '../../../../roles/shared/etcd/without-role.js';
import { View } from '../../../../src/plan/view.js';
import { ETCD_MEMBER } from '../../../../src/resources/etcd/member.js';
import { HOST_FACTS } from '../../../../src/resources/host-facts.js';
import { LEFT_UNITS, type LeftUnit } from '../../../../src/resources/left-units.js';
import { inventoryOf, THREE } from '../../../support/inventory.js';

const MEMBERS = [1, 2, 3].map((number) => ({ name: `pg${number}`, peerUrls: [`https://10.0.0.${number}:2380`] }));
const taken = THREE.replace(
  'cluster_address: 10.0.0.3',
  'cluster_address: 10.0.0.3, roles: [base, pgdg, postgresql, replication, patroni]',
);
const moved = `cluster: demo
roles: [base, pgdg, postgresql, replication, patroni]
hosts:
  pg1: {address: 192.0.2.1, cluster_address: 10.0.0.1}
  pg2: {address: 192.0.2.2, cluster_address: 10.0.0.2}
  e1: {address: 192.0.2.9, cluster_address: 10.0.0.9, roles: [base, etcd]}
`;

it.each<{ title: string; yaml: string; left: Record<string, LeftUnit[]>; says: RegExp[]; advises?: RegExp[] }>([
  {
    title: 'a host that the others still count on is taken from etcd first',
    yaml: taken,
    left: { pg3: [{ unit: 'etcd', active: true, cluster: 'demo' }] },
    says: [/^pg3 has no role etcd .*, and it runs a member of etcd: no run of apply takes one out$/u],
    advises: [/^give pg3 the role back; or take pg3 out of etcd, while all else there goes on: `pgprov remove \S+ --role etcd`$/u],
  },
  {
    title: 'other hosts join before the former ones leave',
    yaml: moved,
    left: { pg1: [{ unit: 'etcd', active: true }], pg2: [{ unit: 'etcd', active: true }] },
    says: [/^pg1 and pg2 have no role etcd/u],
    advises: [
      /^give pg1 and pg2 the role etcd back, beside e1, and run `pgprov apply \S+`, which has e1 join; then take it from pg1 and pg2, and run `pgprov remove \S+ --role etcd`$/u,
    ],
  },
  {
    title: 'one that comes in the place of a host joins before that leaves',
    yaml: `${taken}  e1: {address: 192.0.2.9, cluster_address: 10.0.0.9, roles: [base, etcd]}\n`,
    left: { pg3: [{ unit: 'etcd', active: true, cluster: 'demo' }] },
    says: [/^pg3 has no role etcd/u],
    advises: [/^give pg3 the role etcd back, beside e1, and run `pgprov apply \S+`, which has e1 join/u],
  },
  {
    title: 'that of another cluster is none of ours',
    yaml: taken,
    left: { pg3: [{ unit: 'etcd', active: true, cluster: 'other' }] },
    says: [],
  },
  { title: 'another unit is told elsewhere', yaml: taken, left: { pg3: [{ unit: 'haproxy', active: true }] }, says: [] },
  { title: 'a host that was stopped has none', yaml: taken, left: {}, says: [] },
])('$title', async ({ yaml, left, says, advises = [] }) => {
  const inventory = await inventoryOf(yaml);
  const states = inventory.hosts.map(({ name, roles }) => [
    name,
    new Map<string, unknown>([
      [HOST_FACTS.id, { os: 'debian', version: '13' }],
      [LEFT_UNITS.id, left[name] ?? []],
      ...(roles.includes('etcd') && name !== 'e1' ? [[ETCD_MEMBER.id, { healthy: true, hasData: true, members: MEMBERS }] as const] : []),
    ]),
  ]);
  const found = guardTakenRole(new View(inventory, new Map(states as [string, Map<string, unknown>][])));
  expect(found.map(({ message }) => message)).toEqual(says.map((each) => expect.stringMatching(each)));
  expect(found.map(({ hint }) => hint)).toEqual(advises.map((each) => expect.stringMatching(each)));
});

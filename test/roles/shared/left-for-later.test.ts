import { describe, expect, it } from 'vitest';
import etcd from '../../../roles/etcd.js';
import { guardLeftMembers } from '../../../roles/shared/left-members.js';
import { leavingAbsent, withoutHosts, type Inventory } from '../../../src/model/index.js';
import { View } from '../../../src/plan/view.js';
import { DCS } from '../../../src/resources/dcs.js';
import { ETCD_MEMBER } from '../../../src/resources/etcd/member.js';
import { inventoryOf, THREE } from '../../support/inventory.js';

const ABSENT = THREE.replace('cluster_address: 10.0.0.3', 'cluster_address: 10.0.0.3, absent: true');
const MEMBERS = [1, 2, 3].map((number) => ({ name: `pg${number}`, peerUrls: [`https://10.0.0.${number}:2380`] }));

/** pg3 is absent, and a member yet of etcd (`inStore`), of Patroni, or has a slot there. */
function objections(inventory: Inventory, { inStore = false, registered = false, slot = false }): string[] {
  const members = registered ? [{ name: 'pg3', state: 'running', role: 'replica', connUrl: 'postgres://10.0.0.3:5432/postgres' }] : [];
  const states = new Map<string, unknown>([
    [ETCD_MEMBER.id, { healthy: true, hasData: true, members: inStore ? MEMBERS : MEMBERS.slice(0, 2) }],
    [DCS.id, { reachable: true, leader: 'pg1', members, config: {}, retainedSlots: slot ? ['pg3'] : [] }],
  ]);
  const view = new View(inventory, new Map(['pg1', 'pg2'].map((name) => [name, states])));
  return [...(etcd.preflight?.(view) ?? []), ...guardLeftMembers(view)].map(({ message }) => message);
}

describe('a host that is absent and a member yet', () => {
  it.each([{ inStore: true }, { registered: true }, { slot: true }, { inStore: true, registered: true, slot: true }])(
    'is in the way of a run, and not of an operation that takes another one out: %j',
    async (seen) => {
      const inventory = await inventoryOf(ABSENT);
      expect(objections(inventory, seen)).not.toEqual([]);
      expect(objections(leavingAbsent(inventory, []), seen)).toEqual([]);
      expect(objections(leavingAbsent(inventory, ['pg3']), seen)).not.toEqual([]);
      const both = withoutHosts(await inventoryOf(THREE), ['pg3']);
      expect(objections(leavingAbsent(both, ['pg3']), seen)).not.toEqual([]);
    },
  );
});

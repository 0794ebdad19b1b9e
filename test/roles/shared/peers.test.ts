import { expect, it } from 'vitest';
import { reachesPeers } from '../../../roles/shared/peers.js';
import { inventoryOf, THREE } from '../../support/inventory.js';

it('asks a host only for the ports that its roles use', async () => {
  const inventory = await inventoryOf(`${THREE}  repo: {address: 192.0.2.9, roles: [base]}
  etcd4: {address: 192.0.2.4, cluster_address: 10.0.0.4, roles: [base, etcd]}
`);
  const asked = (name: string): number[] => {
    const host = inventory.hosts.find((each) => each.name === name);
    if (host === undefined) throw new Error(name);
    const state = reachesPeers(host, inventory).parse({ status: 0, out: Buffer.of() }) as { address: string; port: number }[];
    return state.filter(({ address }) => address === '10.0.0.2').map(({ port }) => port);
  };
  expect(asked('pg1')).toEqual([5432, 2379, 2380, 8008]);
  expect(asked('etcd4')).toEqual([5432, 2379, 2380, 8008]);
  // Who is no member may still be a client of PostgreSQL, as a balancer is.
  expect(asked('repo')).toEqual([5432, 8008]);
});

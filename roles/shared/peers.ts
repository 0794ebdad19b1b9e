import { reachability, type Host, type Inventory, type Observation } from '../../src/index.js';

/** Whether a host reaches the ports of the other hosts that are open to the members and that its roles use. */
export function reachesPeers(host: Host, inventory: Inventory): Observation {
  const peers = inventory.hosts.filter(({ name }) => name !== host.name);
  return reachability(
    peers.flatMap(({ clusterAddress: address, ports }) =>
      ports
        .filter(({ openTo, usedBy }) => openTo.members === true && usedBy?.some((role) => host.roles.includes(role)) !== false)
        .map(({ port }) => ({ address, port })),
    ),
  );
}

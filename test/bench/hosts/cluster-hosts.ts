import { LabHost, removeLab, type System } from '../../lab/index.js';
import { startContainer } from '../../lab/container.js';
import { ensureNetwork, freeAddress, networkId, releaseAddress } from '../../lab/network.js';
import { networkName } from './networks.js';

/** The names of a cluster's members. */
export const MEMBERS = ['pg1', 'pg2', 'pg3'];

/** Fresh machines in a network of their own, three unless others are named, in place of those that it had. */
export async function freshHosts(of: string, os: System, image: string, names: readonly string[] = MEMBERS): Promise<LabHost[]> {
  const network = networkName(of);
  await removeLab(network);
  const inNetwork = await ensureNetwork(network);
  const hosts: LabHost[] = [];
  for (const name of names) {
    const host = new LabHost({ name, os, network, address: await freeAddress(inNetwork), container: `${networkId(network)}-${name}` });
    await startContainer({ ...host, image, network: inNetwork, labels: {}, mounts: [] });
    releaseAddress(host.address);
    hosts.push(host);
  }
  await Promise.all(hosts.map((host) => host.ready()));
  return hosts;
}

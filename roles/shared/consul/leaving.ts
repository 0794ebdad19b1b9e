import { CONSUL_MEMBER, consulRemoved, type Host } from '../../../src/index.js';
import type { Dcs } from '../dcs.js';
import { addressInPort, consulClient, CONSUL_PORTS } from './servers.js';

/** How an agent of Consul, be it a server or not, is taken out by a server. */
export const CONSUL_LEAVING: NonNullable<Dcs['leaving']> = {
  stopsFirst: true,
  lists: (view, { name }) => {
    // What the server itself says may be from before it was taken out.
    const told = view
      .hosts('consul')
      .filter((each) => each.name !== name)
      .map((each) => view.read(each.name, CONSUL_MEMBER))
      .find((state) => state?.servers !== undefined && state.servers.length > 0);
    if (told === undefined) return undefined;
    return told.agents?.includes(name) === true || told.servers?.some((server) => server.name === name) === true;
  },
  removed: ({ platform }, { name, host }) => consulRemoved({ name, ...serverAddress(host), client: consulClient(platform, 'management') }),
};

function serverAddress(host: Host | undefined): { address?: string } {
  if (host?.roles.includes('consul') !== true) return {};
  return { address: `${addressInPort(host.clusterAddress)}:${CONSUL_PORTS.rpc}` };
}

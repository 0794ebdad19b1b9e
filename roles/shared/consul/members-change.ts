import { CONSUL_MEMBER, notWanted, removal, type Objection, type View } from '../../../src/index.js';
import { isConsulAgent } from './servers.js';

/** Agents that Consul has, and the inventory has not: they are taken out, or put back, and never dropped silently. */
export function membershipObjections(view: View): Objection[] {
  const { inventory } = view;
  const told = view
    .hosts('consul')
    .map(({ name }) => view.read(name, CONSUL_MEMBER))
    .find((state) => state?.leader !== undefined && state.servers !== undefined);
  const known = [...new Set([...(told?.agents ?? []), ...(told?.servers ?? []).map(({ name }) => name)])];
  return known
    .filter((name) => !inventory.hosts.some((host) => host.name === name && isConsulAgent(host)))
    .map((name): Objection => {
      const stays = inventory.hosts.some((host) => host.name === name);
      return {
        kind: 'preflight',
        message: `Consul has the agent ${name}, which ${stays ? 'has no role of Consul in the inventory' : notWanted(inventory, name)}`,
        hint: stays ? `give ${name} the role consul-agent, or consul for a server` : removal(inventory, name),
      };
    });
}

import { CONSUL_MEMBER, DCS, notWanted, removal, type Drift, type Objection, type View } from '../../../src/index.js';
import { isConsulAgent } from './servers.js';

/** Agents that Consul has, and the inventory has not, but for those that are borne: they are taken out, or put back, and never dropped silently. */
export function membershipObjections(view: View, bears: (name: string) => boolean = () => false): Objection[] {
  return strangers(view)
    .filter(({ name }) => !bears(name))
    .map(({ what, mend }): Objection => ({ kind: 'preflight', message: what, hint: mend }));
}

/** The same for those that Patroni does not have either, as a server that was taken out and comes back: of those that it has, it tells. */
export function membershipDrift(view: View): Drift[] {
  const ofPatroni = view.hosts('patroni').flatMap(({ name }) => {
    const store = view.read(name, DCS);
    return store?.reachable === true ? store.members.map((member) => member.name) : [];
  });
  return strangers(view)
    .filter(({ name }) => !ofPatroni.includes(name))
    .map(({ teller, what, mend }) => ({ host: teller, what, mend }));
}

interface Stranger {
  name: string;
  /** The host whose server tells of it. */
  teller: string;
  what: string;
  mend: string;
}

function strangers(view: View): Stranger[] {
  const { inventory } = view;
  const servers = view.hosts('consul').flatMap(({ name }) => {
    const state = view.read(name, CONSUL_MEMBER);
    return state?.leader === undefined || state.servers === undefined
      ? []
      : [{ teller: name, agents: state.agents ?? [], list: state.servers }];
  });
  const [told] = servers;
  if (told === undefined) return [];
  const inRaft = told.list.map(({ name }) => name);
  return [...new Set([...told.agents, ...inRaft])]
    .filter((name) => inventory.leftForLater?.includes(name) !== true)
    .filter((name) => !inventory.hosts.some((host) => host.name === name && isConsulAgent(host)))
    .map((name) => {
      const stays = inventory.hosts.some((host) => host.name === name);
      return {
        name,
        teller: told.teller,
        what: `Consul has the ${inRaft.includes(name) ? 'server' : 'agent'} ${name}, which ${stays ? 'has no role of Consul in the inventory' : notWanted(inventory, name)}`,
        mend: stays ? `give ${name} the role consul-agent, or consul for a server` : removal(inventory, name),
      };
    });
}

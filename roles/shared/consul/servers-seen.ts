import { CONSUL_MEMBER, serviceHandle, type ConsulServer, type Examination, type Host } from '../../../src/index.js';
import { consulServers } from './servers.js';

/** What is seen of one host's server of Consul. */
export interface SeenServer {
  host: Host;
  /** It could be asked; of one that could not nothing else is known. */
  seen: boolean;
  /** Who leads, as it says: then there is a quorum, and it knows it. */
  leader: string | undefined;
  /** The leader, by whoever asked it, calls it healthy; undefined: nobody tells. */
  healthy: boolean | undefined;
  /** systemd says that it runs. */
  runs: boolean;
}

/** The servers as the leader sees them, by the first host that was told. */
export function serversTold({ view }: Pick<Examination, 'view'>): { by: string; servers: readonly ConsulServer[] } | undefined {
  for (const { name } of view.hosts('consul')) {
    const servers = view.read(name, CONSUL_MEMBER)?.servers;
    if (servers !== undefined && servers.length > 0) return { by: name, servers };
  }
  return undefined;
}

/** The servers that the inventory has. */
export function consulServersSeen(examination: Pick<Examination, 'view'>): SeenServer[] {
  const { view } = examination;
  const told = serversTold(examination);
  return consulServers(view.inventory).map((host) => {
    const state = view.read(host.name, CONSUL_MEMBER);
    const unit = view.platform(host.name)?.consul.unit ?? '';
    return {
      host,
      seen: state !== undefined,
      leader: state?.leader,
      healthy: told?.servers.some(({ name, healthy }) => name === host.name && healthy),
      runs: view.read(host.name, serviceHandle(unit))?.active === 'active',
    };
  });
}

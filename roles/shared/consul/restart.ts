import { allServersCheck, CONSUL_MEMBER } from '../../../src/index.js';
import type { Dcs } from '../dcs.js';
import { allServersGate, leaderGate } from './health.js';
import { consulClient, consulServers } from './servers.js';

/** How servers of Consul are restarted one after the other; each says in any run who leads. */
export const CONSUL_RESTART: Dcs['restart'] = {
  observations: () => [],
  leads: (view, host) => view.read(host, CONSUL_MEMBER)?.servers?.some(({ name, leader }) => name === host && leader) === true,
  unless: ({ inventory, platform }) => allServersCheck(consulClient(platform, 'management'), consulServers(inventory).length),
  gates: (context) => [leaderGate(context), allServersGate(context)],
};

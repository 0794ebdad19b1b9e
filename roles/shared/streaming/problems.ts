import { enumerate, topologyOf, type Host, type NamedHosts, type VariableProblem } from '../../../src/index.js';
import { variables } from '../variables.js';
import { streamingServers, upstreamOf } from './servers.js';

/** What is wrong with how servers are to stream that the schema cannot say. */
export function streamingProblems(hosts: readonly Host[], { leader }: NamedHosts): VariableProblem[] {
  return [...hosts.flatMap((host) => upstreamProblems(host, hosts, leader)), ...synchronousProblems(hosts, leader)];
}

const ELSEWHERE = 'is for servers that stream without Patroni, which these are not';

function upstreamProblems(host: Host, hosts: readonly Host[], leader: string): VariableProblem[] {
  const upstream = upstreamOf(host);
  if (upstream === undefined) return [];
  const at = { host, path: 'replication.upstream' };
  if (topologyOf(host) !== 'streaming') return [{ ...at, message: ELSEWHERE, hint: 'leave it out' }];
  const others = streamingServers(hosts).filter(({ name }) => name !== host.name);
  const direct = others.filter((other) => upstreamOf(other) === undefined).map(({ name }) => name);
  if (host.name === leader)
    return [{ ...at, message: `${host.name} is the primary of the inventory (leader), which streams from nobody`, hint: 'leave it out' }];
  if (direct.includes(upstream)) return [];
  const why = others.some(({ name }) => name === upstream) ? 'streams from a standby itself' : 'is none of the other servers';
  return [{ ...at, message: `is ${upstream}, which ${why}`, hint: `it can be ${enumerate(direct)}` }];
}

/** Names that are no standby's, and more of them than there are. */
function synchronousProblems(hosts: readonly Host[], leader: string): VariableProblem[] {
  return hosts.slice(0, 1).flatMap((host): VariableProblem[] => {
    const { synchronous, synchronous_number: number } = variables(host, 'replication');
    if (synchronous.length === 0) return [];
    const at = { host, path: 'replication.synchronous' };
    if (topologyOf(host) !== 'streaming') {
      return [{ ...at, message: ELSEWHERE, hint: topologyOf(host) === 'patroni' ? 'set patroni.synchronous_mode' : 'leave it out' }];
    }
    const servers = streamingServers(hosts)
      .filter((server) => upstreamOf(server) === undefined)
      .map(({ name }) => name);
    const unknown = synchronous.filter((name) => !servers.includes(name));
    if (unknown.length > 0) {
      const message = `names ${enumerate(unknown)}, which is none of the servers that stream from the primary`;
      return [{ ...at, message, hint: `it can be ${enumerate(servers)}` }];
    }
    const standbys = synchronous.filter((name) => name !== leader).length;
    if (number <= standbys) return [];
    const message = `is ${number}, and there are ${standbys} standbys to wait for`;
    return [{ host, path: 'replication.synchronous_number', message, hint: 'name more hosts in replication.synchronous, or lower it' }];
  });
}

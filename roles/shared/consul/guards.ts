import {
  CONSUL_MEMBER,
  enumerate,
  fileHandle,
  serviceHandle,
  type ClusterCredentials,
  type Host,
  type NamedHosts,
  type Objection,
  type VariableProblem,
  type View,
} from '../../../src/index.js';
import { isIP } from 'node:net';
import { hostsWith, tlsFiles } from '../layout.js';
import { foreignAuthority, madeForOther } from '../other-cluster.js';
import { STORES } from '../stores.js';
import { CLUSTER_META } from './agent.js';
import { writtenConfiguration } from './fixed-variables.js';
import { isConsulAgent } from './servers.js';

/** What is wrong with who has the roles of Consul; the same for both of them. */
export function consulProblems(hosts: readonly Host[], { hosts: all }: NamedHosts): VariableProblem[] {
  const problem = (host: Host, message: string, hint: string): VariableProblem => ({ host, path: 'roles', message, hint });
  const [first] = hosts;
  const inventory = { hosts: all };
  const servers = hostsWith(inventory, 'consul');
  const others = STORES.filter(({ role }) => role !== 'consul' && hostsWith(inventory, role).length > 0);
  const alone = hostsWith(inventory, 'patroni').filter((host) => !isConsulAgent(host));
  return [
    ...(first === undefined || others.length === 0
      ? []
      : [
          problem(
            first,
            `Patroni keeps its cluster in one store, and hosts have the roles consul and ${enumerate(others.map(({ role }) => role))}`,
            'leave the roles of one of them out',
          ),
        ]),
    ...(first === undefined || servers.length > 0
      ? []
      : [problem(first, 'no host has the role consul, so the agents have no server', 'give three hosts the role consul')]),
    ...(first === undefined || alone.length === 0
      ? []
      : [
          problem(
            alone[0] ?? first,
            `Patroni asks the agent of Consul on its own host, and ${enumerate(alone.map(({ name }) => name))} ${alone.length === 1 ? 'has' : 'have'} none`,
            'add the role consul-agent there, or consul for a server',
          ),
        ]),
    ...hosts.flatMap((host) => [
      ...(host.roles.includes('consul') && host.roles.includes('consul-agent')
        ? [problem(host, 'a server of Consul is an agent already', 'leave the role consul-agent out')]
        : []),
      ...(isIP(host.clusterAddress) === 0
        ? [
            {
              host,
              path: 'cluster_address',
              message: `Consul takes IP addresses only, and this is the name ${host.clusterAddress}`,
              hint: 'give the host’s IP address as cluster_address',
            },
          ]
        : []),
    ]),
  ];
}

/** Systems on which nobody has tried it. */
export function untriedSystem(view: View, role: string): Objection[] {
  return view.hosts(role).flatMap((host): Objection[] => {
    const platform = view.platform(host.name);
    if (platform === undefined || platform.family === 'debian') return [];
    return [
      {
        kind: 'preflight',
        host: host.name,
        message: `${host.name}: pgprov was not tried with Consul on ${platform.title}: neither it nor PGDG has a package of Consul`,
        hint: `use Debian for the hosts with Consul and for the members, or ${STORES[0].name} as the store: the role ${STORES[0].role} in place of consul`,
      },
    ];
  });
}

/** An agent that somebody else set up, or that belongs to another of our clusters, is left alone. */
export function guardAgent(view: View, host: Host, credentials: ClusterCredentials): Objection[] {
  const platform = view.platform(host.name);
  if (platform === undefined) return [];
  const written = writtenConfiguration(view, host);
  const unit = view.read(host.name, serviceHandle(platform.consul.unit));
  const hasData = view.read(host.name, CONSUL_MEMBER)?.hasData === true;
  if (written === undefined) {
    if (!hasData && unit?.active !== 'active') return [];
    return [
      {
        kind: 'refuse',
        host: host.name,
        message: `${host.name} ${hasData ? `has data of a Consul in ${platform.consul.dataDirectory}` : 'runs a Consul'} that pgprov did not make`,
        hint: 'leave that Consul alone and give the cluster other hosts, or remove it yourself if it is not needed',
      },
    ];
  }
  const ca = view.read(host.name, fileHandle(tlsFiles(platform.consul).ca));
  return [
    ...madeForOther(view, host, written.node_meta?.[CLUSTER_META]),
    ...foreignAuthority(view, host, ca?.type === 'file' ? ca.content.toString('utf8') : '', credentials),
  ];
}

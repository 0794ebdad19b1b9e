import { consulMember, CONSUL_MEMBER, defineRole, onlyThoroughly, type CheckResult, type StatusLine, type View } from '../src/index.js';
import { guardChanges, unknownMembers, whatRuns } from './shared/changes.js';
import { agentStages, consulPackage } from './shared/consul/agent.js';
import { membershipDrift, membershipObjections } from './shared/consul/members-change.js';
import { consulDcs } from './shared/consul/dcs.js';
import { consulProblems, guardAgent, untriedSystem } from './shared/consul/guards.js';
import { agentHandshakes, agentUsesItsFiles } from './shared/consul/handshakes.js';
import { allServersGate, leaderGate } from './shared/consul/health.js';
import { agentToken, patroniToken } from './shared/consul/patroni-token.js';
import { consulSaves } from './shared/consul/saves.js';
import { consulClient, CONSUL_PORTS, consulServers, DATACENTER } from './shared/consul/servers.js';
import { MANAGEMENT_TOKEN } from './shared/consul/tokens.js';
import { consulUnitGuard } from './shared/consul/unit-guard.js';
import { holdStage, programOf, versionLines } from './shared/programs.js';
import { quorumElsewhere } from './shared/elsewhere.js';
import { tlsCopies } from './shared/layout.js';
import { installation } from './shared/packages.js';
import { reachesPeers } from './shared/peers.js';
import { quorumOf } from './shared/quorum.js';
import { CONSUL_VARIABLES } from './shared/sections/consul.js';

export default defineRole({
  name: 'consul',
  description:
    'A server of Consul on every host, as Patroni’s store: TLS, encrypted gossip, and tokens, of which Patroni’s may do what Patroni needs.',
  isStore: true,
  variables: CONSUL_VARIABLES,
  problems: consulProblems,
  ports: () => {
    const shared = { units: ['consul.service'], openTo: { members: true }, usedBy: ['consul', 'consul-agent'] } as const;
    return [
      { port: CONSUL_PORTS.rpc, what: 'Consul’s servers', ...shared },
      { port: CONSUL_PORTS.gossip, udp: true, what: 'gossip of Consul’s agents', ...shared },
    ];
  },
  ownPasswords: [{ name: 'consul', path: MANAGEMENT_TOKEN }],
  inspections: (context) => [agentHandshakes(context)],
  observations: (context) => [
    whatRuns(context),
    consulMember(consulClient(context.platform, 'management'), context.platform.consul.dataDirectory),
    reachesPeers(context.host, context.inventory),
    onlyThoroughly(programOf(context, 'consul')),
  ],
  saves: consulSaves,
  tls: () => ({
    names: ['127.0.0.1', `server.${DATACENTER}.consul`],
    copies: ({ consul }) => tlsCopies(consul),
    inUse: agentUsesItsFiles,
  }),
  install: (context) =>
    installation(context, { what: 'Consul', packages: [consulPackage(context)], disable: [context.platform.consul.unit] }),
  stages: (context) => {
    const byOne = (states: ReadonlyMap<string, unknown>): boolean =>
      (states.get(CONSUL_MEMBER.id) as { leader?: string } | undefined)?.leader !== undefined;
    return [
      ...holdStage(context, 'consul'),
      ...agentStages(context, {
        server: true,
        gates: [leaderGate(context), allServersGate(context)],
        unitGuard: consulUnitGuard(context),
      }),
      {
        name: 'access',
        title: 'give agents and Patroni their access to Consul',
        crossing: 'independent',
        byOne,
        resources: [agentToken(context), ...patroniToken(context)],
      },
    ];
  },
  preflight: (view) => [...untriedSystem(view, 'consul'), ...membershipObjections(view)],
  drift: membershipDrift,
  missingPrerequisites: quorumElsewhere,
  guards: (view, credentials) => [
    ...guardChanges(view, 'consul'),
    ...view.hosts('consul').flatMap((host) => guardAgent(view, host, credentials)),
  ],
  strangers: (view, bears) => unknownMembers(view, 'consul', { bears, others: membershipObjections }),
  status: (view, host) => [...serverLine(view, host.name), ...versionLines(view, host, 'consul', 'Consul')],
  checks: (view) => view.hosts('consul').flatMap(({ name }) => checkServer(view, name)),
});

function serverLine(view: View, host: string): StatusLine[] {
  const member = view.read(host, CONSUL_MEMBER);
  if (member === undefined) return [];
  if (member.leader === undefined) return [{ level: 'problem', text: 'the server of Consul does not answer, or has no quorum' }];
  const { servers } = member;
  const own = servers?.find(({ name }) => name === host);
  if (servers === undefined || own === undefined)
    return [
      {
        level: 'problem',
        text: 'the leader of Consul does not tell the state of this server: its token, or the server itself, is not known to it',
      },
    ];
  const all = consulServers(view.inventory).length;
  const text = `Consul ${own.version}: ${own.leader ? 'leader' : 'follower'}, ${servers.filter(({ healthy }) => healthy).length} of ${Math.max(all, servers.length)} servers healthy`;
  if (!own.healthy) return [{ level: 'problem', text: `${text}; its leader calls this one not healthy` }];
  return [{ text: own.voter ? text : `${text}; it does not vote yet` }];
}

function checkServer(view: View, host: string): CheckResult[] {
  const member = view.read(host, CONSUL_MEMBER);
  if (member === undefined) return [];
  const ok = consulDcs.isHealthy(view, host) === true;
  const count = member.servers?.length ?? 0;
  return [
    {
      title: 'Consul is healthy',
      ok,
      detail: ok
        ? `${count} servers, of which ${quorumOf(count)} are a quorum`
        : 'the server does not answer, has no quorum, or is not healthy to its leader',
      host,
      settles: true,
    },
  ];
}

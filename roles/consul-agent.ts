import { consulAgent, CONSUL_AGENT, defineRole, type StatusLine, type View } from '../src/index.js';
import { agentStages, consulPackage } from './shared/consul/agent.js';
import { consulProblems, guardAgent, untriedSystem } from './shared/consul/guards.js';
import { agentHandshakes, agentUsesItsFiles } from './shared/consul/handshakes.js';
import { leaderGate } from './shared/consul/health.js';
import { consulClient, CONSUL_PORTS } from './shared/consul/servers.js';
import { tlsCopies } from './shared/layout.js';
import { installation } from './shared/packages.js';
import { CONSUL_AGENT_VARIABLES } from './shared/sections/consul-agent.js';
import { reachesPeers } from './shared/peers.js';
import { unitSaves } from './shared/unit-saves.js';

export default defineRole({
  name: 'consul-agent',
  description: 'Consul’s agent for Patroni, on members that are no servers of Consul.',
  variables: CONSUL_AGENT_VARIABLES,
  problems: consulProblems,
  ports: () => [
    {
      port: CONSUL_PORTS.gossip,
      udp: true,
      what: 'gossip of Consul’s agents',
      units: ['consul.service'],
      openTo: { members: true },
      usedBy: ['consul', 'consul-agent'],
    },
  ],
  inspections: (context) => [agentHandshakes(context)],
  observations: (context) => [consulAgent(consulClient(context.platform, 'management')), reachesPeers(context.host, context.inventory)],
  saves: ({ platform }, { form }) => [...unitSaves('consul', platform.consul.unit, form)],
  tls: () => ({ names: ['127.0.0.1'], copies: ({ consul }) => tlsCopies(consul), inUse: agentUsesItsFiles }),
  install: (context) =>
    installation(context, { what: 'Consul', packages: [consulPackage(context)], disable: [context.platform.consul.unit] }),
  stages: (context) => agentStages(context, { server: false, gates: [leaderGate(context)] }),
  preflight: (view) => untriedSystem(view, 'consul-agent'),
  guards: (view, credentials) => view.hosts('consul-agent').flatMap((host) => guardAgent(view, host, credentials)),
  status: (view, { name }) => agentLine(view, name),
  checks: (view) =>
    view.hosts('consul-agent').flatMap(({ name: host }) => {
      const seen = view.read(host, CONSUL_AGENT);
      if (seen === undefined) return [];
      const ok = seen.leader !== undefined;
      return [
        { title: 'the agent of Consul reaches its servers', ok, detail: ok ? `${seen.leader} leads` : 'it does not', host, settles: true },
      ];
    }),
});

function agentLine(view: View, host: string): StatusLine[] {
  const seen = view.read(host, CONSUL_AGENT);
  if (seen === undefined) return [];
  return seen.leader === undefined
    ? [{ level: 'problem', text: 'the agent of Consul does not answer, or reaches no servers that have a leader' }]
    : [{ text: `reaches the servers of Consul, which ${seen.leader} leads` }];
}

import {
  defineRole,
  gate,
  HAPROXY,
  haproxyStatistics,
  readStatistics,
  selinuxBoolean,
  service,
  sh,
  type CheckResult,
  type Gate,
  type Resource,
  type RoleContext,
  type Stage,
  type View,
} from '../src/index.js';
import { startsAgain } from './shared/drop-in.js';
import { HAPROXY_UNIT, proxyConfiguration, STATISTICS_SOCKET, STATS_PASSWORD } from './shared/haproxy/config-file.js';
import { proxyProblems, unadmittedProxies } from './shared/haproxy/members.js';
import { proxyLine, proxyLines } from './shared/haproxy/told.js';
import { installation } from './shared/packages.js';
import { reachesPeers } from './shared/peers.js';
import { HAPROXY_VARIABLES } from './shared/sections/haproxy.js';
import { variables } from './shared/variables.js';

export default defineRole({
  name: 'haproxy',
  description: 'HAProxy, which leads clients to the member that leads, and readers to the replicas, as Patroni tells it.',
  variables: HAPROXY_VARIABLES,
  problems: proxyProblems,
  warnings: unadmittedProxies,
  ports: (host) => {
    const { primary_port, replica_port, stats_port, stats_networks } = variables(host, 'haproxy');
    const units = [`${HAPROXY_UNIT}.service`];
    return [
      { port: primary_port, what: 'HAProxy’s way to the leader', units, openTo: { clients: true }, leadsTo: 'leader' },
      { port: replica_port, what: 'HAProxy’s way to the replicas', units, openTo: { clients: true }, leadsTo: 'replicas' },
      { port: stats_port, what: 'HAProxy’s statistics', units, openTo: { networks: stats_networks } },
    ];
  },
  // Debian's package starts it at once, with a configuration that listens nowhere.
  install: ({ host }) => installation({ host }, { what: 'HAProxy', packages: ['haproxy'], disable: [HAPROXY_UNIT] }),
  ownPasswords: [{ name: 'haproxy', path: STATS_PASSWORD }],
  observations: ({ host, inventory }) => [haproxyStatistics(STATISTICS_SOCKET), reachesPeers(host, inventory)],
  stages: (context) => [configured(context)],
  checks: (view) => view.hosts('haproxy').flatMap(({ name }) => checkProxy(view, name)),
  status: proxyLines,
});

function configured(context: RoleContext): Stage {
  const { platform } = context;
  const { file, mark } = proxyConfiguration(context);
  const unit = startsAgain(context, HAPROXY_UNIT, 'the package of Rocky leaves an HAProxy down that was killed.');
  // The policy lets it connect and listen on the ports of the Web alone.
  const allowed = platform.family === 'el' ? [selinuxBoolean('haproxy_connect_any') as Resource] : [];
  return {
    name: 'serve',
    title: 'start HAProxy',
    // One proxy after the other, so that clients which know several always find one.
    crossing: 'rolling',
    resources: [
      ...allowed,
      ...unit,
      file,
      service({
        unit: HAPROXY_UNIT,
        cluster: context.inventory.cluster,
        reloadOn: [...unit, file],
        reads: ['/etc/haproxy/haproxy.cfg'],
        broughtBy: { name: 'haproxy', manager: platform.packageManager },
      }),
    ],
    gates: [inForce(mark)],
  };
}

/** A reload says nothing of whether the new process took over from the old one. */
function inForce(mark: string): Gate {
  return gate({
    name: 'haproxy-in-force',
    title: 'HAProxy runs with its configuration',
    check: sh`told=$(curl -q -s -m 3 --unix-socket ${STATISTICS_SOCKET} 'http://localhost/;csv')
case "$told" in
*${`\n${mark},`}*) : ;;
'# '*) echo 'HAProxy runs with another configuration'; exit 1 ;;
*) echo 'HAProxy does not answer'; exit 1 ;;
esac`,
    look: {
      probe: () => haproxyStatistics(STATISTICS_SOCKET).probe(),
      parse: (answer) => ({ open: readStatistics(answer.out.toString('utf8')).backends.has(mark), seen: '' }),
    },
    unit: HAPROXY_UNIT,
    fatalLogPatterns: ['\\[ALERT\\]', 'cannot bind socket'],
    timeout: 30,
  });
}

function checkProxy(view: View, host: string): CheckResult[] {
  const seen = view.read(host, HAPROXY);
  if (seen === undefined) return [];
  const { level, text } = proxyLine(seen);
  return [{ title: 'HAProxy leads to the leader', ok: level !== 'problem', detail: text, host, settles: true }];
}

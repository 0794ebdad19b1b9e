import { defineDiagnosis, enumerate, pgprov, type Examination, type Finding } from '../../index.js';
import { consulServersSeen, type SeenServer } from '../../../roles/shared/consul/servers-seen.js';
import { quorumOf } from '../../../roles/shared/quorum.js';
import { asEvidence } from '../shared/lines.js';

/** What a server writes when it loses the others, or the lead. */
const ALONE = /[Ff]ailed to contact quorum|[Nn]o cluster leader|stepping down|[Nn]ot enough voters|heartbeat timeout reached/u;

/** No server of Consul leads: fewer work than must agree, or they do not find each other. */
export default defineDiagnosis({
  name: 'consul-quorum',
  looksAt: 'the quorum and the leader of Consul',
  role: 'consul',
  find: (examination) => {
    const servers = consulServersSeen(examination);
    const seen = servers.filter((server) => server.seen);
    const majority = quorumOf(servers.length);
    if (seen.length === 0 || seen.some(({ leader }) => leader !== undefined)) return [];
    // A majority of hosts that were not asked may well be one.
    if (seen.length < majority && !seen.some(({ runs }) => runs)) return [];
    return [lost(examination, servers, majority)];
  },
});

function lost(examination: Examination, servers: readonly SeenServer[], majority: number): Finding {
  const missing = servers.filter(({ runs }) => !runs);
  const enough = servers.length - missing.length >= majority;
  const lines = servers
    .flatMap(({ host }) => examination.log(host.name, 'consul').filter(({ text }) => ALONE.test(text)))
    .sort((a, b) => a.at - b.at);
  const names = enumerate(missing.map(({ host }) => host.name));
  return {
    level: 'broken',
    what: enough
      ? `no server of Consul leads, though ${missing.length === 0 ? `all ${servers.length}` : `${servers.length - missing.length} of ${servers.length}`} run`
      : `Consul has no quorum: of its ${servers.length} servers ${names} ${missing.length === 1 ? 'does not run' : 'do not run'}`,
    evidence: [
      ...servers.map((server) => ({ host: server.host.name, source: 'consul', line: wordsOf(server) })),
      ...lines.slice(-2).map(asEvidence),
    ],
    follows: 'Patroni cannot keep its lease: without failsafe mode the leader becomes a standby, and nobody can write; nobody fails over',
    mend: mendOf(examination, missing),
    explains: ['consul-server-down', 'consul-agent', 'consul-token', 'unit-stopped/consul', 'unit-failed/consul', 'no-leader', 'failsafe'],
  };
}

function wordsOf({ seen, runs }: SeenServer): string {
  if (!seen) return 'the host could not be asked';
  return runs ? 'the server runs, and knows no leader' : 'the server does not run';
}

function mendOf({ view: { inventory } }: Examination, missing: readonly SeenServer[]): string {
  const startable = missing.filter(({ seen }) => seen).map(({ host }) => host.name);
  // Without --no-block systemctl waits for the quorum, which may not come before the next one is started.
  if (startable.length > 0)
    return `start the missing ones: \`systemctl start --no-block consul\`, as root on ${enumerate(startable)}; servers that have lost their data join again, and where all have, ${pgprov`recover ${inventory}`} gives Consul the cluster's identity back`;
  if (missing.length > 0)
    return `bring back ${enumerate(missing.map(({ host }) => host.name))}; if they are gone for good, Consul's way is a file raft/peers.json of those that are left ("outage recovery" in its documentation)`;
  return `let them reach each other on the ports 8300 and 8301: ${pgprov`logs ${inventory} --unit consul`} shows what they say of each other`;
}

import { defineDiagnosis, pgprov } from '../../index.js';
import { consulServersSeen, serversTold } from '../../../roles/shared/consul/servers-seen.js';
import { quorumOf } from '../../../roles/shared/quorum.js';
import { asEvidence } from '../shared/lines.js';

/** One server of Consul does not work while the others do. */
export default defineDiagnosis({
  name: 'consul-server-down',
  looksAt: 'the servers of Consul',
  role: 'consul',
  find: (examination) => {
    const { view, log } = examination;
    const servers = consulServersSeen(examination);
    const told = serversTold(examination);
    if (told === undefined) return [];
    const working = servers.filter(({ healthy }) => healthy).length;
    const spare = working - quorumOf(Math.max(servers.length, told.servers.filter(({ voter }) => voter).length));
    return servers
      .filter(({ seen, healthy, leader }) => seen && (healthy !== true || leader === undefined))
      .map(({ host: { name: host }, runs, healthy }) => ({
        level: 'danger' as const,
        host,
        what: !runs
          ? 'its server of Consul does not run'
          : healthy === true
            ? 'its server of Consul runs, and knows no leader'
            : told.servers.some(({ name }) => name === host)
              ? 'its server of Consul runs, and the leader does not call it healthy'
              : 'its server of Consul runs, and is not among those that vote',
        evidence: [
          { host: told.by, source: 'consul', line: `${working} of ${servers.length} servers are healthy` },
          ...log(host, 'consul')
            .filter(({ text }) => /\[(?:WARN|ERROR|ERR)\]/u.test(text))
            .slice(-2)
            .map(asEvidence),
        ],
        follows:
          spare > 0
            ? `Consul works on, and can do without ${spare} more`
            : 'Consul works on, and with the next server that fails nobody can write',
        mend: runs
          ? `see what keeps it out: ${pgprov`logs ${view.inventory} --unit consul`}`
          : `start it: \`systemctl start consul\`, as root on ${host}`,
      }));
  },
});

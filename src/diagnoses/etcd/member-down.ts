import { defineDiagnosis } from '../../index.js';
import { etcdMembersSeen, hasQuorum } from '../../../roles/shared/etcd/members-seen.js';
import { asEvidence } from '../shared/lines.js';

/** One member of etcd does not work while the others do. */
export default defineDiagnosis({
  name: 'store-member-down',
  looksAt: 'the members of etcd',
  role: 'etcd',
  find: (examination) => {
    const members = etcdMembersSeen(examination);
    if (!hasQuorum(members)) return [];
    const working = members.filter(({ healthy }) => healthy).length;
    const spare = working - (Math.floor(members.length / 2) + 1);
    return members
      .filter(({ seen, healthy }) => seen && !healthy)
      .map(({ host: { name: host }, runs }) => ({
        level: 'danger' as const,
        host,
        what: runs ? 'its member of etcd runs, and is not part of the quorum' : 'its member of etcd does not run',
        evidence: [
          { host, source: 'etcd', line: `${working} of ${members.length} members are healthy` },
          ...examination
            .log(host, 'etcd')
            .filter(({ text }) => /"level":"(?:warn|error|fatal|panic)"|panic/u.test(text))
            .slice(-2)
            .map(asEvidence),
        ],
        follows:
          spare > 0
            ? `etcd works on, and can do without ${spare} more`
            : 'etcd works on, and with the next member that fails nobody can write',
        mend: runs
          ? `see what keeps it out: \`journalctl -u etcd -n 100\`, as root on ${host}`
          : `start it: \`systemctl start etcd\`, as root on ${host}`,
      }));
  },
});

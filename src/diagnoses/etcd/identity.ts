import { defineDiagnosis, type Host, type LoggedLine, type Platform, type View } from '../../index.js';
import { etcdDataDirectory } from '../../../roles/shared/etcd/data-directory.js';
import { etcdMembersSeen, hasQuorum } from '../../../roles/shared/etcd/members-seen.js';
import { onWorkingMember } from '../../../roles/shared/etcd/etcdctl.js';
import { peerUrl } from '../../../roles/shared/etcd/unit-guard.js';
import { asEvidence } from '../shared/lines.js';

/** What a member says that is not the one the others have in their list; the first that matches counts. */
const WORDS: readonly { pattern: RegExp; what: string }[] = [
  {
    pattern: /permanently removed from the cluster|member has been removed|removed from cluster/u,
    what: 'its member of etcd was removed from the list of members, and is still there',
  },
  { pattern: /cluster ID mismatch|cluster ID mis-match/u, what: 'its member of etcd has the data of another etcd (cluster ID mismatch)' },
  { pattern: /has already been bootstrapped/u, what: 'its member of etcd has lost its data, and the others still count on the one it was' },
  { pattern: /is out of range \[lastIndex/u, what: 'its member of etcd has older data than it had told the others' },
  {
    pattern: /unmatched member while checking PeerURLs|member count is unequal/u,
    what: 'its member of etcd knows other members than the list has',
  },
];

const RECENT = 60_000;

/** After this a member has been let in. */
const LET_IN = /ready to serve client requests|published local member to cluster/u;

/** A member of etcd is not who the others think it is: it has other data than it should. */
export default defineDiagnosis({
  name: 'store-identity',
  looksAt: 'whether etcd’s members are those of its list',
  role: 'etcd',
  find: (examination) => {
    const { view } = examination;
    const members = etcdMembersSeen(examination);
    // Without a quorum nothing tells which data is the right one, and nobody may be told to give his up.
    if (!hasQuorum(members)) return [];
    return members
      .filter(({ seen, healthy }) => seen && !healthy)
      .flatMap(({ host, runs }) => {
        const platform = view.platform(host.name);
        // A member that runs says it again and again; one that ended said it last.
        const lines = sinceLetIn(examination.log(host.name, 'etcd')).filter(({ at }) => !runs || examination.now - at < RECENT);
        const word = WORDS.find(({ pattern }) => lines.some(({ text }) => pattern.test(text)));
        const matching = lines.filter(({ text }) => word?.pattern.test(text));
        const [first] = matching;
        if (word === undefined || first === undefined || platform === undefined) return [];
        const data = etcdDataDirectory({ host, platform, inventory: view.inventory });
        return [
          {
            level: 'danger' as const,
            host: host.name,
            what: word.what,
            since: first.at,
            evidence: matching.slice(-2).map(asEvidence),
            follows: 'it is no part of the quorum, and never becomes one by waiting',
            mend: `let it join anew: ${leavingAndComing(view, host)}; then \`${startingAnew(platform.etcd, data)}\`, as root on ${host.name}`,
            explains: ['store-member-down', 'unit-failed', 'unit-restarts', 'unit-stopped', 'store-members'],
          },
        ];
      });
  },
});

/** The member that was leaves the list, and a new one is put on it. */
function leavingAndComing(view: View, host: Host): string {
  const url = peerUrl(host);
  return `${onWorkingMember(view, host.name)}; \`for id in $(etcdctl member list | grep -F ${url}, | cut -d , -f 1); do etcdctl member remove $id; done; etcdctl member add ${host.name} --peer-urls=${url}\``;
}

/** Its data is kept beside, so that nothing is lost should it be needed. */
function startingAnew({ unit, user, group, environmentFile }: Platform['etcd'], data: string): string {
  return [
    `systemctl stop ${unit}`,
    `mv ${data} ${data}.$(date +%s)`,
    `install -d -o ${user} -g ${group} -m 700 ${data}`,
    `sed -i 's/^ETCD_INITIAL_CLUSTER_STATE=.*/ETCD_INITIAL_CLUSTER_STATE="existing"/' ${environmentFile}`,
    `systemctl start ${unit}`,
  ].join('; ');
}

function sinceLetIn(lines: readonly LoggedLine[]): readonly LoggedLine[] {
  return lines.slice(lines.findLastIndex(({ text }) => LET_IN.test(text)) + 1);
}

import { defineDiagnosis } from '../../index.js';
import { etcdMembersSeen, hasQuorum } from '../../../roles/shared/etcd/members-seen.js';
import { sinceLetIn } from '../../../roles/shared/etcd/told-lines.js';
import { joiningAnew } from '../../../roles/shared/etcd/joining-anew.js';
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
        // A member that runs says it again and again; one that ended said it last.
        const lines = sinceLetIn(examination, host.name).filter(({ at }) => !runs || examination.now - at < RECENT);
        const word = WORDS.find(({ pattern }) => lines.some(({ text }) => pattern.test(text)));
        const matching = lines.filter(({ text }) => word?.pattern.test(text));
        const [first] = matching;
        if (word === undefined || first === undefined) return [];
        return [
          {
            level: 'danger' as const,
            host: host.name,
            what: word.what,
            since: first.at,
            evidence: matching.slice(-2).map(asEvidence),
            follows: 'it is no part of the quorum, and never becomes one by waiting',
            mend: joiningAnew(view, host),
            // Where all its data is lost, etcd begins a database and finds only then that the others know it.
            explains: [
              'store-damaged',
              'store-member-down',
              'unit-failed/etcd',
              'unit-restarts/etcd',
              'unit-stopped/etcd',
              'store-members',
            ],
          },
        ];
      });
  },
});

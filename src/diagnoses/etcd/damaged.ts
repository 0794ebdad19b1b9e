import { damageWords, defineDiagnosis, pgprov } from '../../index.js';
import { etcdMembersSeen, hasQuorum } from '../../../roles/shared/etcd/members-seen.js';
import { damageLines } from '../../../roles/shared/etcd/told-lines.js';
import { joiningAnew } from '../../../roles/shared/etcd/joining-anew.js';
import { asEvidence } from '../shared/lines.js';

/** A member of etcd cannot read its own data. */
export default defineDiagnosis({
  name: 'store-damaged',
  looksAt: 'whether etcd’s members can read their data',
  role: 'etcd',
  find: (examination) => {
    const { view } = examination;
    const members = etcdMembersSeen(examination);
    const others = hasQuorum(members);
    return members
      .filter(({ seen, healthy }) => seen && !healthy)
      .flatMap(({ host }) => {
        const lines = damageLines(examination, host.name);
        const [first] = lines;
        const last = lines.at(-1);
        if (first === undefined || last === undefined) return [];
        return [
          {
            level: 'danger' as const,
            host: host.name,
            what: `its member of etcd cannot read its data, which is damaged (${damageWords(last.text)})`,
            since: first.at,
            evidence: lines.slice(-2).map(asEvidence),
            follows: others
              ? 'it is no part of the quorum, however often it is started; what it had the others have as well'
              : 'it cannot help the others to a quorum, however often it is started',
            mend: others
              ? joiningAnew(view, host)
              : `start the members that can read theirs first; where they are too few for a quorum, ${pgprov`recover ${view.inventory}`} makes a new etcd of the newest data that can be read`,
            explains: ['store-member-down', 'unit-failed/etcd', 'unit-restarts/etcd', 'unit-stopped/etcd'],
          },
        ];
      });
  },
});

import { defineDiagnosis, pgprov } from '../../index.js';
import { memberOf, membersOf, storeOf } from '../shared/members.js';

/** Nobody leads, so nobody can write. */
export default defineDiagnosis({
  name: 'no-leader',
  looksAt: 'the leader',
  role: 'patroni',
  find: (examination) => {
    const { view } = examination;
    const store = storeOf(examination);
    const members = membersOf(examination);
    if (members.length === 0 || members.some((host) => memberOf(examination, host)?.role === 'leader')) return [];
    if (store?.leader !== undefined && !view.complete('patroni')) return [];
    const states = members.map((host) => ({
      host,
      source: 'Patroni’s REST API',
      line: memberOf(examination, host)?.state ?? 'it does not answer',
    }));
    return [
      {
        level: 'broken',
        what: 'no member leads',
        evidence: states,
        follows: 'no client can write',
        mend: `${pgprov`recover ${view.inventory}`} finds the member with the last commits and starts the cluster from it`,
      },
    ];
  },
});

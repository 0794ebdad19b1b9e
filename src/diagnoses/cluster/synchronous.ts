import { defineDiagnosis, pgprov, type Finding } from '../../index.js';
import { cutOff, leaderOf, stateEvidence } from '../shared/leading.js';
import { memberOf, membersOf, storeOf } from '../shared/members.js';

/** Milliseconds that Patroni may take to name a standby after a change of leader. */
const SETTLING = 90_000;

/** Commits are to wait for a standby, and there is none that they could wait for. */
export default defineDiagnosis({
  name: 'synchronous',
  looksAt: 'synchronous standbys',
  role: 'patroni',
  find: (examination): Finding[] => {
    const { view, now } = examination;
    const store = storeOf(examination);
    const leader = leaderOf(examination);
    const mode = store?.config?.['synchronous_mode'];
    if (store === undefined || leader === undefined || (mode !== true && mode !== 'on' && mode !== 'quorum')) return [];
    const standbys = (store.sync?.standbys ?? []).filter((name) => name !== leader);
    const changed = Date.parse(store.lastPromotion?.at ?? '');
    if (standbys.length > 0 || changed > now - SETTLING) return [];
    const strict = store.config?.['synchronous_mode_strict'] === true;
    const away = cutOff(examination);
    const connected = (memberOf(examination, leader)?.replication ?? []).map(
      ({ application, state, syncState }) => `${application} ${state} ${syncState}`,
    );
    return [
      {
        level: strict ? 'broken' : 'danger',
        what: 'synchronous replication is on, and no standby is synchronous',
        evidence: [
          {
            host: leader,
            source: 'the store',
            line: `sync: leader ${store.sync?.leader ?? 'none'}, no standby; synchronous_mode ${String(mode)}`,
          },
          { host: leader, source: 'pg_stat_replication', line: connected.join(', ') || 'nobody receives' },
          ...away.map((host) => stateEvidence(examination, host)),
        ],
        follows: strict
          ? 'every commit waits until a standby is back'
          : 'commits wait for nobody: what was committed meanwhile is lost if the leader is',
        mend:
          away.length > 0
            ? `${pgprov`start ${view.inventory}`} starts members that are down; bring ${away.join(' and ')} back`
            : membersOf(examination).length < 2
              ? 'add a second member, or take synchronous_mode out of the inventory'
              : `see with ${pgprov`logs ${view.inventory} --host ${leader} --grep sync`} why Patroni names none: tags nosync and nofailover keep a member from it`,
      },
    ];
  },
});

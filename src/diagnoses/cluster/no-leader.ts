import { defineDiagnosis, pgprov } from '../../index.js';
import { heldByTags, heldWords, tagsInForce, mendTags } from '../../../roles/shared/tags.js';
import { leaderOf, stateEvidence } from '../shared/leading.js';
import { workedLast } from '../shared/lines.js';
import { membersOf, storeOf } from '../shared/members.js';

/** Milliseconds within which an election may be under way. */
const ELECTION = 60_000;

/** Nobody leads, so nobody can write. */
export default defineDiagnosis({
  name: 'no-leader',
  looksAt: 'the leader',
  role: 'patroni',
  find: (examination) => {
    const { view, now } = examination;
    const members = membersOf(examination);
    if (members.length === 0 || leaderOf(examination) !== undefined) return [];
    if (storeOf(examination)?.leader !== undefined && !view.complete('patroni')) return [];
    const since = Math.max(...members.map((host) => workedLast(examination, host) ?? 0));
    const held = heldByTags(view);
    const recover =
      held.length > 0
        ? mendTags(view, held)
        : `${pgprov`recover ${view.inventory}`} finds the member with the last commits and starts the cluster from it`;
    return [
      {
        level: 'broken',
        what: held.length === 0 ? 'no member leads' : `no member leads: ${heldWords(view, held)}`,
        ...(since === 0 ? {} : { since }),
        evidence: [
          ...members.map((host) => stateEvidence(examination, host)),
          ...held.map(({ name }) => ({
            host: name,
            source: 'Patroni’s REST API',
            line: `tags ${JSON.stringify(tagsInForce(view, name))}`,
          })),
        ],
        follows: 'no client can write',
        mend: since > now - ELECTION ? `an election may be under way; if nobody leads in half a minute, ${recover}` : recover,
        explains: ['member-down'],
      },
    ];
  },
});

import { defineDiagnosis, pgprov, type Finding } from '../../index.js';
import { asEvidence, sinceFirst, standingLines } from '../shared/lines.js';
import { membersOf } from '../shared/members.js';

/** The store is out of reach, and the leader goes on because all members answer it. */
export default defineDiagnosis({
  name: 'failsafe',
  looksAt: 'failsafe mode',
  role: 'patroni',
  find: (examination) =>
    membersOf(examination).flatMap((host): Finding[] => {
      const lines = standingLines(examination, host, {
        units: ['patroni'],
        pattern: /continue to run as a leader because failsafe mode is enabled/u,
      });
      // It is over once the member reaches its store again, which its next loop shows.
      const last = lines.at(-1);
      if (last === undefined || examination.now - last.at > RECENT) return [];
      return [
        {
          level: 'danger',
          host,
          what: 'it leads by failsafe mode alone: Patroni cannot reach its store',
          ...sinceFirst(lines),
          evidence: [asEvidence(last)],
          follows: 'as soon as one member does not answer the leader becomes a standby, and nobody can write; no switchover is possible',
          mend: `bring the store back: ${pgprov`status ${examination.view.inventory}`} shows its members`,
        },
      ];
    }),
});

/** Milliseconds; Patroni writes it once a loop. */
const RECENT = 90_000;

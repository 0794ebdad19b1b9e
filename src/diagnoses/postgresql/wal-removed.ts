import { defineDiagnosis, pgprov, type Finding } from '../../index.js';
import { cutOff, leaderOf, stateEvidence } from '../shared/leading.js';
import { asEvidence, linesOfTries, sinceFirst } from '../shared/lines.js';

const REMOVED =
  /requested WAL segment \w+ has already been removed|can no longer (get changes|access) from replication slot|can no longer access replication slot/u;

/** The leader no longer has the WAL that a standby needs. */
export default defineDiagnosis({
  name: 'wal-removed',
  looksAt: 'WAL that standbys still need',
  role: 'patroni',
  find: (examination) => {
    const leader = leaderOf(examination);
    if (leader === undefined) return [];
    return cutOff(examination).flatMap((host): Finding[] => {
      const lines = linesOfTries(examination, host, REMOVED);
      const last = lines.at(-1);
      if (last === undefined) return [];
      return [
        {
          level: 'danger',
          host,
          what: `it needs WAL that ${leader} has already removed`,
          ...sinceFirst(lines),
          evidence: [stateEvidence(examination, host), asEvidence(last)],
          follows: 'it never catches up by itself: it shows older and older data, and nobody can fail over to it',
          mend: `${pgprov`rebuild ${examination.view.inventory} --host ${host}`} copies the leader’s data anew`,
          explains: ['lag', 'member-down'],
        },
      ];
    });
  },
});

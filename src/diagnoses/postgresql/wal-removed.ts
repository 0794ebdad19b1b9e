import { defineDiagnosis, pgprov, type Finding } from '../../index.js';
import { cutOff, leaderOf, stateEvidence } from '../shared/leading.js';
import { asEvidence, linesSince, POSTGRESQL_LOGS, sinceFirst, STREAMS } from '../shared/lines.js';

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
      // A receiver says that it streams before its sender finds the file gone: only one that has streamed for a while has overcome it.
      const lines = linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern: REMOVED });
      const streamed = linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern: STREAMS }).at(-1);
      const last = lines.at(-1);
      if (last === undefined || (streamed !== undefined && streamed.at > last.at + BETWEEN_TRIES)) return [];
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

/** Milliseconds. */
const BETWEEN_TRIES = 60_000;

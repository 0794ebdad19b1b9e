import { controlTrouble, defineDiagnosis, pgprov, type Finding } from '../../index.js';
import { leaderOf, serves } from '../shared/leading.js';
import { asEvidence, POSTGRESQL_LOGS, sinceFirst, standingLines } from '../shared/lines.js';
import { dataOf, membersOf } from '../shared/members.js';

const SAID = /incorrect checksum in control file|control file contains invalid|could not (?:open|read) file "global\/pg_control"/u;

/** A member's data cannot be read, because its control file is gone or damaged. */
export default defineDiagnosis({
  name: 'control-damaged',
  looksAt: 'the control files of the data directories',
  role: 'patroni',
  find: (examination) => {
    const { view } = examination;
    const led = leaderOf(examination) !== undefined;
    return membersOf(examination).flatMap((host): Finding[] => {
      const data = dataOf(examination, host);
      const trouble = data === undefined ? undefined : controlTrouble(data);
      if (trouble === undefined || serves(examination, host)) return [];
      const lines = standingLines(examination, host, { units: POSTGRESQL_LOGS, pattern: SAID });
      return [
        {
          level: 'broken',
          host,
          what: `its data cannot be read: ${trouble}`,
          ...sinceFirst(lines),
          evidence: [{ host, source: 'global/pg_control', line: trouble }, ...lines.slice(-1).map(asEvidence)],
          follows: led
            ? 'PostgreSQL does not start there; the cluster has one member fewer'
            : `PostgreSQL does not start there, and nobody knows whether ${host} has the last commits`,
          mend: led
            ? `${pgprov`rebuild ${view.inventory} --host ${host}`} copies the leader’s data, and keeps what ${host} has beside it`
            : `repair it or bring the data back; ${pgprov`recover ${view.inventory} --without ${host}`} goes on without what only ${host} may have`,
          explains: ['member-down', 'start-failed', 'unit-failed/patroni', 'unit-restarts/patroni', 'unit-stopped/patroni'],
        },
      ];
    });
  },
});

import { defineDiagnosis, pgprov, type Examination, type Finding } from '../../index.js';
import { askHealth, healthOf } from '../shared/health.js';
import { leaderOf } from '../shared/leading.js';
import { asEvidence, linesSince, POSTGRESQL_LOGS } from '../shared/lines.js';
import { dataOf } from '../shared/members.js';

const DAMAGED = /page verification failed, calculated checksum|invalid page in block \d+ of relation/u;

/** Data checksums are off, or pages were found damaged by theirs. */
export default defineDiagnosis({
  name: 'checksums',
  looksAt: 'data checksums',
  role: 'postgresql',
  asks: askHealth,
  find: (examination): Finding[] => [...damaged(examination), ...off(examination)],
});

function damaged(examination: Examination): Finding[] {
  const { view, now } = examination;
  return healthOf(examination).flatMap(({ host, health: { checksumFailures: failed } }): Finding[] => {
    if (failed.length === 0) return [];
    const lines = linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern: DAMAGED });
    const [first] = lines;
    const ago = failed.flatMap((each) => each.ago ?? []);
    return [
      {
        level: 'broken',
        host,
        what: `pages of ${failed.map(({ database }) => database).join(', ')} were found damaged: their checksums do not match`,
        // The statistics know of the last failure of a database, the log of the first.
        ...(first !== undefined ? { since: first.at } : ago.length === 0 ? {} : { since: now - 1000 * Math.max(...ago) }),
        evidence: [
          ...failed.map(({ database, failures }) => ({
            host,
            source: 'pg_stat_database',
            line: `${database}: checksum_failures ${failures}`,
          })),
          ...lines.slice(-2).map(asEvidence),
        ],
        follows: 'queries that read these pages fail; the disk or the memory of the host is not to be trusted',
        mend:
          leaderOf(examination) === host
            ? `${pgprov`switchover ${view.inventory}`} hands the lead to another member; look at the disk of ${host}, then rebuild it`
            : `${pgprov`rebuild ${view.inventory} --host ${host}`} copies the leader’s pages; look at the disk first`,
      },
    ];
  });
}

function off(examination: Examination): Finding[] {
  const { view } = examination;
  const hosts = view.hosts('postgresql').flatMap(({ name }) => (dataOf(examination, name)?.checksums === 0 ? [name] : []));
  if (hosts.length === 0) return [];
  return [
    {
      level: 'notice',
      what: 'data checksums are off',
      evidence: hosts.map((host) => ({ host, source: 'pg_controldata', line: 'Data page checksum version: 0' })),
      follows: 'a page that a disk has damaged is not noticed, and spreads to standbys and backups',
      mend: '`pg_checksums --enable -D DATA` turns them on, on a member whose PostgreSQL was stopped cleanly, standbys first',
    },
  ];
}

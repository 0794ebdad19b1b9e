import { defineDiagnosis, pgprov, type Finding } from '../../index.js';
import { askHealth, primaryOf } from '../shared/health.js';

/** The system sorts text otherwise than when a database was made. */
export default defineDiagnosis({
  name: 'collations',
  looksAt: 'versions of collations',
  role: 'postgresql',
  asks: askHealth,
  find: (examination): Finding[] => {
    const primary = primaryOf(examination);
    const [first, ...more] = primary?.health.collations ?? [];
    if (primary === undefined || first === undefined) return [];
    const { host } = primary;
    const name = `"${first.database.replaceAll('"', '""')}"`;
    const commands = ['-c', `REINDEX DATABASE ${name}`, '-c', `ALTER DATABASE ${name} REFRESH COLLATION VERSION`];
    return [
      {
        level: 'danger',
        host,
        what: `${[first, ...more].map(({ database }) => database).join(', ')}: made with another version of the collation than the system has now`,
        evidence: [first, ...more].map(({ database, recorded, actual }) => ({
          host,
          source: 'pg_database',
          line: `${database}: datcollversion ${recorded}, the system has ${actual}`,
        })),
        follows: 'indexes on text may be in the wrong order: rows are not found, and unique ones come twice',
        mend: `${pgprov`psql ${examination.view.inventory} -- -d ${first.database} ${commands}`}${more.length === 0 ? '' : ', and the same for the others'}`,
      },
    ];
  },
});

import { defineDiagnosis, pgprov, type Finding } from '../../index.js';
import { askHealth, primaryOf } from '../shared/health.js';

/** Of the 2^31 transaction numbers; PostgreSQL takes no more commands that need one when about 3 million are left. */
const ALL = 2 ** 31;
const DANGER = 1_200_000_000;
const STOPS = ALL - 3_000_000;

/** A database runs out of transaction numbers. */
export default defineDiagnosis({
  name: 'wraparound',
  looksAt: 'transaction numbers that are left',
  role: 'postgresql',
  asks: askHealth,
  find: (examination): Finding[] => {
    const primary = primaryOf(examination);
    const oldest = primary?.health.oldest;
    if (primary === undefined || oldest === undefined || oldest.transactions < DANGER) return [];
    const { database, transactions } = oldest;
    const part = Math.round((100 * transactions) / ALL);
    return [
      {
        level: transactions >= STOPS ? 'broken' : 'danger',
        host: primary.host,
        what: `the database ${database} has used ${part}% of the transaction numbers that it has until it is vacuumed`,
        evidence: [{ host: primary.host, source: 'pg_database', line: `${database}: age ${transactions} of ${ALL}` }],
        follows: 'when none are left PostgreSQL takes no more writes, to protect the data',
        mend: `${pgprov`psql ${examination.view.inventory} -- -d ${database} -c ${'VACUUM (FREEZE, VERBOSE)'}`}, after old transactions, prepared ones and slots that hold it back are gone`,
      },
    ];
  },
});

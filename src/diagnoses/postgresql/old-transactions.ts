import { defineDiagnosis, pgprov, type Examination, type Finding, type ServerHealth } from '../../index.js';
import { askHealth, primaryOf } from '../shared/health.js';
import { spanWords } from '../shared/lines.js';

/** Seconds after which vacuum has been held back for so long that tables have grown. */
const LONG = 12 * 3600;

/** Transactions that have been open for long, and hold back vacuum. */
export default defineDiagnosis({
  name: 'old-transactions',
  looksAt: 'transactions that hold back vacuum',
  role: 'postgresql',
  asks: askHealth,
  find: (examination): Finding[] => {
    const primary = primaryOf(examination);
    return primary === undefined
      ? []
      : [...open(examination, primary.host, primary.health), ...prepared(examination, primary.host, primary.health)];
  },
});

function open({ view, now }: Examination, host: string, { transactions }: ServerHealth): Finding[] {
  const [oldest] = transactions;
  if (oldest === undefined) return [];
  return [
    {
      level: oldest.age > LONG ? 'danger' : 'notice',
      host,
      what: `a transaction has been open for ${spanWords(oldest.age)}`,
      since: now - 1000 * oldest.age,
      evidence: transactions.map(({ pid, user, database, application, state, age }) => ({
        host,
        source: 'pg_stat_activity',
        line: `pid ${pid}, ${user} in ${database}, ${application}: ${state}, for ${spanWords(age)}`,
      })),
      follows: 'vacuum cannot remove what was deleted since: tables grow, and queries become slower',
      mend: `${pgprov`psql ${view.inventory} --host ${host} -- -c ${`SELECT pg_terminate_backend(${oldest.pid})`}`} ends it, if nobody needs it`,
    },
  ];
}

function prepared({ view, now }: Examination, host: string, { prepared: waiting }: ServerHealth): Finding[] {
  const [first] = waiting;
  if (first === undefined) return [];
  const command = `ROLLBACK PREPARED '${first.gid.replaceAll("'", "''")}'`;
  return [
    {
      level: 'danger',
      host,
      what: `a prepared transaction has waited for its end for ${spanWords(first.age)}`,
      since: now - 1000 * first.age,
      evidence: waiting.map(({ gid, database, age }) => ({
        host,
        source: 'pg_prepared_xacts',
        line: `${gid} in ${database}, for ${spanWords(age)}`,
      })),
      follows: 'it keeps its locks and holds back vacuum for ever, also over restarts and failovers',
      mend: `ask whose it is; ${pgprov`psql ${view.inventory} -- -d ${first.database} -c ${command}`} takes it back`,
    },
  ];
}

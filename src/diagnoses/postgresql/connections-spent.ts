import { defineDiagnosis, pgprov, SERVER_HEALTH, type Examination, type Finding, type LoggedLine } from '../../index.js';
import { askHealth } from '../shared/health.js';
import { cutOff } from '../shared/leading.js';
import { asEvidence, linesSince, POSTGRESQL_LOGS, sinceFirst, QUOTED_REFUSAL } from '../shared/lines.js';

/** A limit that PostgreSQL names when it refuses a connection. */
interface Limit {
  pattern: RegExp;
  /** In a clause. */
  reached: string;
  /** The parameter that it is; absent where somebody set it for a role or a database. */
  setting?: 'max_connections' | 'max_wal_senders';
}

const LIMITS: readonly Limit[] = [
  {
    pattern: /too many clients already|remaining connection slots are reserved/u,
    reached: 'max_connections is reached',
    setting: 'max_connections',
  },
  {
    pattern: /number of requested standby connections exceeds max_wal_senders/u,
    reached: 'max_wal_senders is reached',
    setting: 'max_wal_senders',
  },
  { pattern: /too many connections for role/u, reached: 'the limit of a role is reached' },
  { pattern: /too many connections for database/u, reached: 'the limit of a database is reached' },
];
const REFUSED = new RegExp(LIMITS.map(({ pattern }) => pattern.source).join('|'), 'u');

/** Milliseconds: who was refused before has got in by now, or given up. */
const RECENT = 5 * 60_000;

/** Milliseconds: whoever has to get in tries again by then, so that it is over where nobody was refused. */
const NOW = 60_000;

/** PostgreSQL refuses clients because as many are connected as it may have. */
export default defineDiagnosis({
  name: 'connections-spent',
  looksAt: 'whether clients still get connections',
  role: 'postgresql',
  asks: askHealth,
  find: (examination) =>
    examination.view.hosts('postgresql').flatMap(({ name: host }) => {
      const refused = linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern: REFUSED, within: RECENT }).filter(
        ({ text }) => !QUOTED_REFUSAL.test(text),
      );
      return LIMITS.flatMap((limit) => {
        const lines = refused.filter(({ text }) => limit.pattern.test(text));
        return lines.length === 0 ? [] : [findingOf(examination, host, limit, lines)];
      });
    }),
});

const WHO = 'SELECT usename, datname, application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC';

function findingOf(examination: Examination, host: string, { reached, setting }: Limit, lines: readonly LoggedLine[]): Finding {
  const { inventory } = examination.view;
  const last = lines.at(-1);
  const isStandbys = setting === 'max_wal_senders';
  const standbys = isStandbys ? cutOff(examination) : [];
  const goesOn = examination.now - (last?.at ?? 0) < NOW;
  return {
    level: !goesOn ? 'notice' : setting === undefined ? 'danger' : 'broken',
    host,
    what: `${reached}, and PostgreSQL refuses connections, ${lines.length === 1 ? 'once' : `${lines.length} times`} in the last minutes`,
    ...sinceFirst(lines),
    evidence: [...lines.slice(-1).map(asEvidence), ...holders(examination, host)],
    follows: isStandbys ? 'standbys and backups cannot connect' : 'whoever is refused cannot work, pgprov and backups among them',
    mend: `${pgprov`psql ${inventory} --host ${host} -- -c ${WHO}`} shows who has them: end those that nobody needs${setting === undefined ? '' : `, or raise ${setting} in the inventory`}`,
    ...(standbys.length > 0 ? { explains: ['member-down', 'lag'], affects: standbys } : {}),
  };
}

/** Who has most of the connections now. */
function holders({ view }: Examination, host: string): Finding['evidence'] {
  return (view.read(host, SERVER_HEALTH)?.clients ?? []).map(({ user, database, application, state, count }) => ({
    host,
    source: 'pg_stat_activity',
    line: `${count} of ${user} in ${database}${application === '' ? '' : ` (${application})`}: ${state}`,
  }));
}

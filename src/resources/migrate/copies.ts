import { handle } from '../handle.js';
import { findRows, psql, sqlQuestion, type LocalServer } from '../psql.js';
import { answerText, onlyThoroughly, type Observation } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { sh } from '../../shell/quote.js';
import { SETTING, SUBSCRIBED, TABLES_COPIED } from './queries.js';

/** A database that pgprov has noted something of for a migration, as the server itself sees it. */
export interface MigrationCopy {
  database: string;
  /** Words of `MARK`. */
  mark: string;
  /** Its subscription; undefined where it has none. */
  subscription?: { enabled: boolean; receives: boolean; heardSeconds?: number };
  /** Tables of the subscription, and those of them that are not copied yet; undefined where the database did not answer. */
  tables?: { all: number; left: number };
}

/** The observation's id; undefined where it was not asked. */
export const MIGRATION_COPIES = handle<MigrationCopy[] | undefined>('migration-copies');

const QUERY = `SELECT jsonb_build_object('database', datname, 'mark', mark, 'enabled', s.subenabled,
'receives', EXISTS (SELECT FROM pg_stat_subscription w WHERE w.subid = s.oid AND w.relid IS NULL AND w.pid IS NOT NULL),
'heard', (SELECT extract(epoch FROM clock_timestamp() - max(w.last_msg_receipt_time)) FROM pg_stat_subscription w WHERE w.subid = s.oid AND w.relid IS NULL))::text
FROM (SELECT d.oid, d.datname, ${SETTING} AS mark FROM pg_database d) AS marked
LEFT JOIN pg_subscription s ON s.subdbid = marked.oid AND ${SUBSCRIBED} WHERE mark IS NOT NULL AND NOT pg_is_in_recovery() ORDER BY datname`;

const NAMES = `SELECT d.datname FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE ${SUBSCRIBED} AND NOT pg_is_in_recovery() AND d.datname !~ E'[\\n\\r]'`;

const TABLES = `SELECT jsonb_build_object('name', current_database(), ${TABLES_COPIED})::text`;

/** Begins what databases say of their own tables, and ends the answers before it. */
const OWN = '@pgprov-tables';

/** The databases that a migration has brought here, or has closed here; asked only where nothing may be left out. */
export function migrationCopies(server: LocalServer): Observation<MigrationCopy[] | undefined> {
  const rows = sqlQuestion(server, QUERY);
  return onlyThoroughly({
    ...MIGRATION_COPIES,
    when: 'startAndEnd',
    sharedQuestions: [rows],
    probe: () => sh`${printAnswer(rows)}
case "$pgprov_sql$pgprov_sql_private" in *'"mark"'*)
echo ${OWN}
${psql(server, ['-c', NAMES])} 2>/dev/null </dev/null | while IFS= read -r name; do
${psql(server, ['-c', TABLES])} -d "$name" 2>/dev/null </dev/null || :
done ;;
esac`,
    parse: (answer) => readCopies(answerText(answer)),
  });
}

/** Reads what the probe printed. */
export function readCopies(text: string): MigrationCopy[] {
  const lines = text.split('\n');
  const own = lines.includes(OWN) ? lines.slice(lines.indexOf(OWN) + 1).filter((line) => line !== '') : [];
  const counted = own.map((line) => JSON.parse(line) as { name: string; tables: number; copying: number });
  return (findRows(text, QUERY) ?? []).map((line) => {
    const { database, mark, enabled, receives, heard } = JSON.parse(line) as Row;
    const found = counted.find(({ name }) => name === database);
    return {
      database,
      mark,
      ...(enabled === null ? {} : { subscription: { enabled, receives, ...(heard === null ? {} : { heardSeconds: Math.max(0, heard) }) } }),
      ...(found === undefined ? {} : { tables: { all: found.tables, left: found.copying } }),
    };
  });
}

interface Row {
  database: string;
  mark: string;
  enabled: boolean | null;
  receives: boolean;
  heard: number | null;
}

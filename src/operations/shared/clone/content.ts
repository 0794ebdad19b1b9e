import {
  answerText,
  findRows,
  handle,
  printAnswer,
  sqlQuestion,
  type LocalServer,
  type Observation,
  type OperationRun,
} from '../../../index.js';
import { copyOf, members, type RestoreOptions } from '../restore/seen.js';
import { hasPatroni, writerOf } from '../servers.js';

/** What a server has that its users put there; undefined while it does not answer. */
const CONTENT = handle<readonly string[] | undefined>('clone-content');

/** Databases, and relations in the one that every cluster has; what belongs to extensions is nobody's. */
const QUERY = `SELECT 'the database ' || datname || ' (' || pg_size_pretty(pg_database_size(oid)) || ')' FROM pg_database
WHERE NOT datistemplate AND datname <> 'postgres'
UNION ALL SELECT count(*) || CASE count(*) WHEN 1 THEN ' relation' ELSE ' relations' END || ' in the database postgres' FROM pg_class c
WHERE relkind IN ('r', 'p', 'm', 'v', 'f', 'S') AND relpersistence <> 't'
AND relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema')
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
HAVING count(*) > 0 UNION ALL SELECT 'asked'`;

/** What the users of a server have put there. */
export function content(server: LocalServer): Observation<readonly string[] | undefined> {
  const rows = sqlQuestion(server, QUERY);
  return {
    ...CONTENT,
    when: 'start',
    sharedQuestions: [rows],
    probe: () => printAnswer(rows),
    parse: (answer) => {
      const found = findRows(answerText(answer), QUERY) ?? [];
      return found.includes('asked') ? found.filter((row) => row !== 'asked') : undefined;
    },
  };
}

/** What a cluster has that an empty one has not, as clauses; nothing for an empty one. */
export function contentOf(run: OperationRun<RestoreOptions>): string[] {
  const { view } = run;
  if (members(run).every((host) => copyOf(run, host).identity === '')) return [];
  const leader = writerOf(view);
  const found = leader === undefined ? undefined : view.read(leader, CONTENT);
  const nobody = hasPatroni(run.inventory) ? 'no member leads' : 'no server takes writes';
  return found === undefined ? [`data that nobody can look at while ${nobody}`] : [...found];
}

import { handle } from './handle.js';
import { findRows, sqlQuestion, type LocalServer } from './psql.js';
import { answerText, type Observation } from './resource.js';
import { printAnswer } from './shared-question.js';

/** How far a server has written WAL, as PostgreSQL writes locations; '' where it replays what another one writes; undefined: it is down. */
export const WAL_WRITTEN = handle<string | undefined>('wal-written');

const QUERY = `SELECT 'at=' || CASE WHEN pg_is_in_recovery() THEN '' ELSE pg_current_wal_lsn()::text END`;

/** Asks the host's own server once. */
export function walWritten(server: LocalServer): Observation<string | undefined> {
  const rows = sqlQuestion(server, QUERY);
  return {
    ...WAL_WRITTEN,
    when: 'start',
    sharedQuestions: [rows],
    probe: () => printAnswer(rows),
    parse: (answer) => findRows(answerText(answer), QUERY)?.[0]?.slice('at='.length),
  };
}

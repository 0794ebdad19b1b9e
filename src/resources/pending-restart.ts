import { handle } from './handle.js';
import { findRows, sqlQuestion, type LocalServer } from './psql.js';
import { answerText, type Observation } from './resource.js';
import { printAnswer } from './shared-question.js';

/** The observation's id. */
export const PENDING_RESTART = handle<string[]>('pending-restart');

/** Parameters that PostgreSQL itself says will change only with a restart; none while it is down. */
export function pendingRestart(server: LocalServer): Observation<string[]> {
  const query = 'SELECT name FROM pg_settings WHERE pending_restart ORDER BY name';
  const rows = sqlQuestion(server, query);
  return {
    ...PENDING_RESTART,
    when: 'startAndEnd',
    sharedQuestions: [rows],
    probe: () => printAnswer(rows),
    parse: (answer) => findRows(answerText(answer), query) ?? [],
  };
}

import { findRows, sqlQuestion, type LocalServer } from './psql.js';
import { answerText, type Observation } from './resource.js';
import { tellShared } from './shared-question.js';

/** The observation's id. */
export const PENDING_RESTART = 'pending-restart';

/** Parameters that PostgreSQL itself says will change only with a restart; none while it is down. */
export function pendingRestart(server: LocalServer): Observation<string[]> {
  const query = 'SELECT name FROM pg_settings WHERE pending_restart ORDER BY name';
  const rows = sqlQuestion(server, query);
  return {
    id: PENDING_RESTART,
    asked: 'looks',
    shares: [rows],
    probe: () => tellShared(rows),
    parse: (answer) => findRows(answerText(answer), query) ?? [],
  };
}

import { handle } from '../handle.js';
import { findRows, sqlQuestion, type LocalServer } from '../psql.js';
import { answerText, type Observation } from '../resource.js';
import { printAnswer } from '../shared-question.js';

/** A parameter that a server takes up with its next start. */
export interface PendingValue {
  name: string;
  /** What is in force, as SHOW prints it. */
  from: string;
  /** What its files say, in their words; where they say nothing any more, the default. */
  to: string;
}

/** The observation's id. */
export const PENDING_VALUES = handle<readonly PendingValue[]>('pending-values');

/** The query that asks for it: a row of JSON for each. */
export const PENDING_QUERY = `SELECT json_build_object('name', s.name, 'from', current_setting(s.name),
  'to', coalesce((SELECT f.setting FROM pg_file_settings f WHERE lower(f.name) = lower(s.name) ORDER BY f.seqno DESC LIMIT 1), s.boot_val, ''))::text
  FROM pg_settings s WHERE s.pending_restart ORDER BY s.name`;

/** What waits for a restart of the server, with its values; nothing while it is down. */
export function pendingValues(server: LocalServer): Observation<readonly PendingValue[]> {
  const rows = sqlQuestion(server, PENDING_QUERY);
  return {
    ...PENDING_VALUES,
    sharedQuestions: [rows],
    probe: () => printAnswer(rows),
    parse: (answer) => (findRows(answerText(answer), PENDING_QUERY) ?? []).map((row) => JSON.parse(row) as PendingValue),
  };
}

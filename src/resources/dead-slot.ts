import { command } from './command.js';
import { handle } from './handle.js';
import { findRows, psqlInput, sqlLiteral, sqlQuestion, type LocalServer } from './psql.js';
import { answerText, type Observation, type Resource } from './resource.js';
import { printAnswer } from './shared-question.js';
import { sh } from '../shell/quote.js';

/** PostgreSQL says since 17 why a slot is of no use, also of one that is used again, for which no WAL is kept all the same. */
const DEAD =
  "FROM pg_replication_slots s WHERE slot_type = 'physical' AND (wal_status = 'lost' OR to_jsonb(s) ->> 'invalidation_reason' IS NOT NULL)";

/** Names of a server's physical slots that were invalidated; undefined while it is down. */
export const DEAD_SLOTS = handle<readonly string[] | undefined>('dead-slots');

/** Asks a server for its physical slots that were invalidated. */
export function deadSlots(server: LocalServer): Observation<readonly string[] | undefined> {
  const query = `SELECT slot_name ${DEAD} ORDER BY 1`;
  const question = sqlQuestion(server, query);
  return {
    ...DEAD_SLOTS,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => findRows(answerText(answer), query),
  };
}

/** No physical slot of that name, which nobody uses, is left invalidated: WAL is kept only for one that is made anew. */
export function deadSlotDropped(server: LocalServer, name: string): Resource<{ done: boolean }> {
  const dead = `${DEAD} AND slot_name = ${sqlLiteral(name)} AND NOT active`;
  return command({
    name: `dead-slot:${name}`,
    summary: `drop the replication slot ${name}, which was invalidated`,
    unless: sh`[ -z "$(${psqlInput(server, `SELECT slot_name ${dead}`)})" ]`,
    run: psqlInput(server, `SELECT pg_drop_replication_slot(slot_name) ${dead}`),
  });
}

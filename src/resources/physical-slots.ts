import { handle } from './handle.js';
import { findRows, sqlQuestion, type LocalServer } from './psql.js';
import { answerText, type Observation } from './resource.js';
import { printAnswer } from './shared-question.js';

/** Names of a server's permanent physical slots; undefined while it is down. */
export const PHYSICAL_SLOTS = handle<readonly string[] | undefined>('physical-slots');

/** Names of permanent physical slots. */
export const SLOT_NAMES = "SELECT slot_name FROM pg_replication_slots WHERE slot_type = 'physical' AND NOT temporary ORDER BY 1";

/** Asks a server for its permanent physical slots. */
export function physicalSlots(server: LocalServer): Observation<readonly string[] | undefined> {
  const question = sqlQuestion(server, SLOT_NAMES);
  return {
    ...PHYSICAL_SLOTS,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => findRows(answerText(answer), SLOT_NAMES),
  };
}

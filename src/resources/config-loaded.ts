import { handle } from './handle.js';
import { findRows, sqlQuestion, type LocalServer } from './psql.js';
import { answerText, type Observation } from './resource.js';
import { printAnswer } from './shared-question.js';

/** When the server read its configuration files last, as it prints that; undefined while it is down. */
export type ConfigLoaded = string | undefined;

/** The observation's id. */
export const CONFIG_LOADED = handle<ConfigLoaded>('config-loaded');

/** The query that asks for it; each reload, and each start, gives another answer. */
export const CONFIG_LOADED_QUERY = 'SELECT extract(epoch FROM pg_conf_load_time())';

/** Asks the server when it read its configuration files last. */
export function configLoaded(server: LocalServer): Observation<ConfigLoaded> {
  const question = sqlQuestion(server, CONFIG_LOADED_QUERY);
  return {
    ...CONFIG_LOADED,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => (findRows(answerText(answer), CONFIG_LOADED_QUERY) ?? [])[0],
  };
}

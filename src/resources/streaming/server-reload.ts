import { seconds } from '../../shell/patience.js';
import { sh } from '../../shell/quote.js';
import { CONFIG_LOADED_QUERY } from '../config-loaded.js';
import { findRows, psql, sqlQuestion, type LocalServer } from '../psql.js';
import { answerText, digestOf, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';

/** Seconds within which PostgreSQL has read its files. */
const LOADED_WITHIN = 30;

/**
 * A server without Patroni has read its files again.
 * @param before the answer to `CONFIG_LOADED_QUERY` before; one that has read them since does not again
 */
export function serverReload(server: LocalServer, before: string): Resource<{ loaded: string | undefined }> {
  const question = sqlQuestion(server, CONFIG_LOADED_QUERY);
  return {
    id: 'server-reload',
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => ({ loaded: (findRows(answerText(answer), CONFIG_LOADED_QUERY) ?? [])[0] }),
    diff: ({ loaded }) => (loaded === before ? [{ action: 'reload', summary: 'have PostgreSQL read its files again' }] : []),
    apply: () => sh`began=$(date +%s)
${psql(server, ['-c', 'SELECT pg_reload_conf()'])} >/dev/null || exit 1
until [ "$(${psql(server, ['-c', CONFIG_LOADED_QUERY])} 2>/dev/null)" != ${before} ]; do
if [ $(($(date +%s) - began)) -ge ${seconds(LOADED_WITHIN)} ]; then
echo 'PostgreSQL was told to read its files, and has not'
exit 1
fi
sleep 0.2
done`,
    digest: () => digestOf('server-reload', before),
  };
}

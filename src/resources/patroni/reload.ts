import { seconds } from '../../shell/patience.js';
import { sh } from '../../shell/quote.js';
import { CONFIG_LOADED_QUERY } from '../config-loaded.js';
import { NOT_TAKEN, patroniRequest } from './request.js';
import type { RestCredentials } from './rest.js';
import { findRows, psql, sqlQuestion, type LocalServer } from '../psql.js';
import { answerText, digestOf, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';

/** A member that is to read its files again. */
export interface PatroniReloadOptions extends RestCredentials {
  /** REST API of the member, `http://10.0.0.11:8008`. */
  url: string;
  /** Patroni's unit, whose journal says why it did not. */
  unit: string;
  server: LocalServer;
  /** The answer to `CONFIG_LOADED_QUERY` before. */
  before: string;
}

/** Seconds within which PostgreSQL has read its files; Patroni takes the request up when its loop comes round. */
const LOADED_WITHIN = 90;

/**
 * Patroni and PostgreSQL of a member have read their files again: Patroni answers 202 at once, and reloads PostgreSQL when its loop comes
 * round, so PostgreSQL's own time is the proof.
 */
export function patroniReload(options: PatroniReloadOptions): Resource<{ loaded: string | undefined }> {
  const { unit, server, before } = options;
  const question = sqlQuestion(server, CONFIG_LOADED_QUERY);
  return {
    id: 'patroni-reload',
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => ({ loaded: (findRows(answerText(answer), CONFIG_LOADED_QUERY) ?? [])[0] }),
    diff: ({ loaded }) => (loaded === before ? [{ action: 'reload', summary: 'have Patroni and PostgreSQL read their files again' }] : []),
    apply: () => sh`began=$(date +%s)
${patroniRequest({ ...options, method: 'POST', path: '/reload', body: {}, seconds: 20 })}
case "$code" in
200|202) ;;
*)
echo "Patroni did not reload: $said (HTTP $code)"
${NOT_TAKEN}
;;
esac
until [ "$(${psql(server, ['-c', CONFIG_LOADED_QUERY])} 2>/dev/null)" != ${before} ]; do
if [ $(($(date +%s) - began)) -ge ${seconds(LOADED_WITHIN)} ]; then
echo 'Patroni took the request, and PostgreSQL has not read its files again:'
journalctl -u ${unit} --since "@$began" -o cat --no-pager 2>/dev/null | tail -n 5 || :
exit 1
fi
note 'waiting until PostgreSQL has read its files'
sleep 0.5
done`,
    digest: () => digestOf('patroni-reload', before),
  };
}

import { NOTHING, sh } from '../../shell/quote.js';
import { patroniRequest } from './request.js';
import { seconds } from '../../shell/patience.js';
import type { RestCredentials } from './rest.js';
import { findRows, psql, psqlInput, sqlQuestion } from '../psql.js';
import { answerText, digestOf, NOTHING_DONE, type Resource } from '../resource.js';
import { STARTED_QUERY } from '../server-limits.js';
import { printAnswer } from '../shared-question.js';
import { noteLogEnds, startFailure, type FailingStart } from '../start-failure.js';

/** A member whose PostgreSQL Patroni restarts. */
export interface PatroniRestartOptions extends RestCredentials, FailingStart {
  /** Its name in Patroni. */
  member: string;
  /** Its own REST API, `http://10.0.0.11:8008`. */
  url: string;
  /** `ServerLimits.started` as it was before; a server that was started at another time is not restarted. */
  before: string;
  /** Patroni refuses where it leads by now. */
  onlyAsReplica: boolean;
  /** How the change that the restart carries out is taken back, as a sentence, for who has to hear that it failed; '' where there is none. */
  takeBack: string;
}

/** Seconds that Patroni may take to answer, which it does when PostgreSQL is up, or is not. */
const ANSWER_WITHIN = 300;

/** Seconds after its answer in which the server has to take connections. */
const UP_WITHIN = 120;

/**
 * PostgreSQL of one member, restarted by its Patroni after a checkpoint, so that the shutdown is short. Patroni's answer proves
 * nothing: the server must have another start time.
 */
export function patroniRestart(options: PatroniRestartOptions): Resource<{ started: string | undefined }> {
  const { member, server, before, onlyAsReplica, url } = options;
  const question = sqlQuestion(server, STARTED_QUERY);
  const started = psql(server, ['-c', STARTED_QUERY]);
  return {
    id: `patroni-restart:${member}`,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => ({ started: findRows(answerText(answer), STARTED_QUERY)?.[0] }),
    diff: (state) => (state.started === before ? [{ action: 'restart', summary: `restart PostgreSQL on ${member}` }] : []),
    apply: () => sh`${noteLogEnds(options)}
note ${`writing a checkpoint, so that PostgreSQL on ${member} stops quickly`}
${psqlInput(server, 'CHECKPOINT')} 2>/dev/null || :
note ${`restarting PostgreSQL on ${member}`}
${patroniRequest({ ...options, method: 'POST', path: '/restart', body: onlyAsReplica ? { role: 'replica' } : {}, seconds: ANSWER_WITHIN })}
failed() {
${startFailure(options)}
${options.takeBack === '' ? NOTHING : sh`echo ${options.takeBack}`}
exit 1
}
case "$code:$said" in
200:*|202:*|000:*|503:*'still starting'*|503:*'in progress'*) ;;
503:*'not satisfied'*)
echo ${`${member} is no standby any more, so Patroni did not restart its PostgreSQL; give the same command again`}
exit ${NOTHING_DONE}
;;
*)
echo ${`PostgreSQL on ${member} did not restart:`}" $said (Patroni, HTTP $code)"
case "$code" in 4??) exit ${NOTHING_DONE} ;; esac
failed
;;
esac
answered=$(date +%s)
while :; do
now=$(${started} 2>/dev/null) || now=
if [ -n "$now" ] && [ "$now" != ${before} ]; then break; fi
if [ $(($(date +%s) - answered)) -ge ${seconds(UP_WITHIN)} ]; then
echo ${`PostgreSQL on ${member} takes no connection after its restart`}" ($said)"
failed
fi
if curl -s -m 3 ${`${url}/patroni`} | grep -qE '"state": *"[a-z ]*(start failed|crashed)'; then
echo ${`PostgreSQL on ${member} did not start`}
failed
fi
note ${`waiting until PostgreSQL on ${member} takes connections`}
sleep 0.5
done`,
    digest: () => digestOf('patroni-restart', member, before),
  };
}

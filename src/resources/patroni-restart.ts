import { NOTHING, sh, type Script } from '../shell/quote.js';
import { patroniRequest } from './patroni-request.js';
import type { RestCredentials } from './patroni-rest.js';
import { findRows, psql, psqlInput, sqlQuestion, type LocalServer } from './psql.js';
import { answerText, digestOf, type Resource } from './resource.js';
import { STARTED_QUERY } from './server-limits.js';
import { printAnswer } from './shared-question.js';

/** A member whose PostgreSQL Patroni restarts. */
export interface PatroniRestartOptions extends RestCredentials {
  /** Its name in Patroni. */
  member: string;
  /** Its own REST API, `http://10.0.0.11:8008`. */
  url: string;
  server: LocalServer;
  /** The data directory. */
  data: string;
  /** Patroni's unit, whose journal has what PostgreSQL says while it starts. */
  unit: string;
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

/** What PostgreSQL says of a start that failed, and what it says of every stop. */
const SENTENCES = '(FATAL|PANIC|HINT|DETAIL): ';
const EVERY_STOP = 'the database system is (starting up|shutting down)|due to administrator command|Last completed transaction';

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
    apply: () => sh`began=$(date +%s)
note ${`writing a checkpoint, so that PostgreSQL on ${member} stops quickly`}
${psqlInput(server, 'CHECKPOINT')} 2>/dev/null || :
note ${`restarting PostgreSQL on ${member}`}
${patroniRequest({ ...options, method: 'POST', path: '/restart', body: onlyAsReplica ? { role: 'replica' } : {}, seconds: ANSWER_WITHIN })}
failed() {
${lastSentences(options)}
${options.takeBack === '' ? NOTHING : sh`echo ${options.takeBack}`}
exit 1
}
case "$code:$said" in
200:*|202:*|000:*|503:*'still starting'*|503:*'in progress'*) ;;
503:*'not satisfied'*)
echo ${`Patroni did not restart PostgreSQL on ${member}, because it is no standby any more; give the same command again`}
exit 1
;;
*)
echo ${`PostgreSQL on ${member} did not restart:`}" $said (Patroni, HTTP $code)"
failed
;;
esac
answered=$(date +%s)
while :; do
now=$(${started} 2>/dev/null) || now=
if [ -n "$now" ] && [ "$now" != ${before} ]; then break; fi
if [ $(($(date +%s) - answered)) -ge ${UP_WITHIN} ]; then
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

/** Prints PostgreSQL's own sentences since `$began`: from Patroni's journal, or its own log once it writes one. */
function lastSentences({ unit, data, server }: PatroniRestartOptions): Script {
  return sh`{ journalctl -u ${unit} --since "@$began" -o cat --no-pager 2>/dev/null
log=$(sed -n 's/^stderr //p' ${`${data}/current_logfiles`} 2>/dev/null | tail -n 1)
case "$log" in '') ;; /*) tail -n 60 "$log" 2>/dev/null ;; *) tail -n 60 ${data}/"$log" 2>/dev/null ;; esac
} | grep -E ${SENTENCES} | grep -vE ${EVERY_STOP} | sort -u | tail -n 4 || :
[ -x ${`${server.binDirectory}/postgres`} ] || echo ${`${server.binDirectory}/postgres is not there`}`;
}

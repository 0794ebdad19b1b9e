import { seconds } from '../../shell/patience.js';
import { sh } from '../../shell/quote.js';
import { patroniQuestion, readMember, type PatroniMemberState } from './member.js';
import { NOT_TAKEN, patroniRequest } from './request.js';
import type { RestCredentials } from './rest.js';
import { answerText, digestOf, NOTHING_DONE, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';

/** Who hands the lead to whom, or who takes it where nobody leads. */
export interface PatroniSwitchoverOptions extends RestCredentials {
  /** REST API of the member that leads, or of the candidate where nobody leads, `http://10.0.0.11:8008`. */
  url: string;
  /** Members by their names in Patroni; without a leader it is a failover. */
  leader?: string;
  candidate: string;
}

/** Seconds that Patroni may take to answer: it tries for twice its loop, and ten seconds at least. */
const ANSWER_WITHIN = 180;

/** Seconds after its answer in which the new leader has to be in etcd. */
const LEADS_WITHIN = 60;

/** What the leader's journal has about candidates that it did not take; the answer itself says only that it failed. */
const REASONS =
  'exceeds maximum replication lag|no healthy members found|switchover is not possible|Member .* (is|has|does)|failover is not possible';

/**
 * The lead in the hands of one member: Patroni hands it over when both are well, and answers in a sentence when it does not.
 * Its answer 503 "status unknown" is none: then the cluster itself tells.
 */
export function patroniSwitchover(options: PatroniSwitchoverOptions): Resource<PatroniMemberState> {
  const { url, leader, candidate } = options;
  const question = patroniQuestion(url);
  const request = leader === undefined ? { path: '/failover', body: { candidate } } : { path: '/switchover', body: { leader, candidate } };
  const other = `somebody else, or Patroni, gave the lead to another member than ${candidate} at the same moment: `;
  const refused = leader === undefined ? 'Patroni did not fail over:' : 'Patroni did not hand the lead over:';
  return {
    id: `patroni-leader:${candidate}`,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => readMember(answerText(answer), url),
    diff: (state) =>
      state.answers && state.cluster.some(({ name, role }) => name === candidate && isLeader(role))
        ? []
        : [
            {
              action: 'run',
              summary: leader === undefined ? `make ${candidate} the leader` : `hand the lead from ${leader} to ${candidate}`,
            },
          ],
    apply: () => sh`began=$(date +%s)
${patroniRequest({ ...options, method: 'POST', ...request, seconds: ANSWER_WITHIN })}
case "$code:$said" in
200:*' instead of '*)
echo ${other}"$said"
exit 1
;;
200:*|202:*|503:*'status unknown'*) ;;
*)
echo ${refused}" $said (HTTP $code)"
journalctl -u patroni --since "@$began" -o cat --no-pager 2>/dev/null | grep -E ${REASONS} | tail -n 3 || :
case "$code:$said" in 503:*' failed'*) exit ${NOTHING_DONE} ;; esac
${NOT_TAKEN}
;;
esac
while :; do
now=$(curl -s -m ${seconds(10)} ${`${url}/cluster`} | tr '{' '\n' | grep -E '"role": *"(leader|master|primary)"' | sed -n 's/.*"name": *"\([^"]*\)".*/\1/p' | head -n 1) || :
case "$now" in
${candidate}) break ;;
'' | ${leader === undefined ? sh`*` : leader}) ;;
*)
echo ${other}"$now leads"
exit 1
;;
esac
if [ $(($(date +%s) - began)) -ge ${seconds(ANSWER_WITHIN + LEADS_WITHIN)} ]; then
echo ${`Patroni answered, but ${candidate} does not lead:`}" $said"
exit 1
fi
note ${`waiting until ${candidate} leads`}
sleep 0.5
done`,
    digest: () => digestOf('patroni-switchover', candidate),
  };
}

function isLeader(role: string): boolean {
  return role === 'leader' || role === 'master' || role === 'primary';
}

import { seconds } from '../../shell/patience.js';
import { type Script, sh } from '../../shell/quote.js';
import { patroniQuestion, readMember, type PatroniMemberState, type ScheduledSwitchover } from './member.js';
import { NOT_TAKEN, patroniRequest } from './request.js';
import type { RestCredentials } from './rest.js';
import { answerText, digestOf, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';

/** A switchover that Patroni is to carry out by itself. */
export interface PatroniScheduleOptions extends RestCredentials {
  /** REST API of a member, `http://10.0.0.11:8008`. */
  url: string;
  /** Members by their names in Patroni; without a candidate Patroni takes the best one when the time has come. */
  leader: string;
  candidate?: string;
  /** ISO 8601 with a zone. */
  at: string;
}

const SECONDS = 20;

/**
 * A scheduled switchover. Patroni answers 202, and silently gives up one that was scheduled before: whoever uses this has looked for one.
 */
export function patroniSchedule(options: PatroniScheduleOptions): Resource<PatroniMemberState> {
  const { url, leader, candidate, at } = options;
  const body = { leader, ...(candidate === undefined ? {} : { candidate }), scheduled_at: at };
  return {
    ...asked(url),
    id: 'patroni-schedule',
    diff: (state) =>
      state.answers && isSchedule(state.scheduled, options)
        ? []
        : [{ action: 'run', summary: `schedule the switchover from ${leader} to ${candidate ?? 'the best standby'}` }],
    apply: () => sh`${patroniRequest({ ...options, method: 'POST', path: '/switchover', body, seconds: SECONDS })}
case "$code" in
202) ;;
*)
echo "Patroni did not schedule the switchover: $said (HTTP $code)"
${NOT_TAKEN}
;;
esac
${untilShown(url, true)}`,
    digest: () => digestOf('patroni-schedule', JSON.stringify(body)),
  };
}

/** No switchover is scheduled. */
export function patroniUnscheduled(options: Pick<PatroniScheduleOptions, 'url'> & RestCredentials): Resource<PatroniMemberState> {
  const { url } = options;
  return {
    ...asked(url),
    id: 'patroni-unscheduled',
    diff: (state) =>
      state.answers && state.scheduled === undefined ? [] : [{ action: 'run', summary: 'cancel the scheduled switchover' }],
    apply: () => sh`${patroniRequest({ ...options, method: 'DELETE', path: '/switchover', seconds: SECONDS })}
case "$code" in
200 | 404) ;;
*)
echo "Patroni did not cancel the switchover: $said (HTTP $code)"
${NOT_TAKEN}
;;
esac
${untilShown(url, false)}`,
    digest: () => digestOf('patroni-unscheduled', url),
  };
}

/** Whether this is what was scheduled, in whatever zone Patroni shows it. */
export function isSchedule(
  scheduled: ScheduledSwitchover | undefined,
  { at, candidate }: Pick<PatroniScheduleOptions, 'at' | 'candidate'>,
): boolean {
  return scheduled !== undefined && Date.parse(scheduled.at) === Date.parse(at) && scheduled.to === candidate;
}

function asked(url: string): Pick<Resource<PatroniMemberState>, 'sharedQuestions' | 'probe' | 'parse'> {
  const question = patroniQuestion(url);
  return { sharedQuestions: [question], probe: () => printAnswer(question), parse: (answer) => readMember(answerText(answer), url) };
}

/** What Patroni has put into its store is read back from there. */
function untilShown(url: string, is: boolean): Script {
  const [shown, absent] = is ? [sh`:`, sh`false`] : [sh`false`, sh`:`];
  return sh`tries=0
until seen=$(curl -sf -m ${seconds(10)} ${`${url}/cluster`}) && case "$seen" in *'"scheduled_switchover"'*) ${shown} ;; *) ${absent} ;; esac; do
tries=$((tries + 1))
if [ "$tries" -ge 50 ]; then
echo "Patroni answered $code ($said), and "${is ? 'shows no scheduled switchover' : 'still shows a scheduled switchover'}
exit 1
fi
sleep 0.2
done`;
}

import { findStored, type DcsKeys } from '../dcs.js';
import { NOT_TAKEN, patroniRequest } from './request.js';
import type { RestCredentials } from './rest.js';
import { patroniQuestion, readMember } from './member.js';
import { answerText, digestOf, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { joinScripts, sh } from '../../shell/quote.js';

/** Patroni's maintenance mode, and the member that is asked to change it. */
export interface PatroniPauseOptions extends RestCredentials {
  /** REST API of the member, `http://10.0.0.11:8008`. */
  url: string;
  /** The store that keeps it, which is written where no Patroni of the cluster answers. */
  keys: DcsKeys;
  paused: boolean;
}

/** What is seen of the maintenance mode. */
export interface PatroniPauseState {
  /** Undefined where neither Patroni nor the store tells. */
  paused: boolean | undefined;
  answers: boolean;
  /** The dynamic configuration in the store, and the key's revision. */
  stored: { config: Readonly<Record<string, unknown>>; revision: string } | undefined;
}

/** Seconds that Patroni may take to answer: it writes into the store. */
const ANSWER_WITHIN = 20;

/** Puts a cluster into Patroni's maintenance mode, or ends that; through a member's REST API, or in the store where that member does not answer. */
export function patroniPause(options: PatroniPauseOptions): Resource<PatroniPauseState> {
  const { url, keys, paused } = options;
  const question = patroniQuestion(url);
  const summary = paused ? 'begin maintenance mode (pause: true)' : 'end maintenance mode (unset pause)';
  return {
    id: 'patroni-pause',
    sharedQuestions: [question, keys.question],
    probe: () => joinScripts([printAnswer(question), sh`echo`, printAnswer(keys.question)]),
    parse: (answer) => {
      const text = answerText(answer);
      const member = readMember(text, url);
      const { scope, config: stored } = findStored(keys, text) ?? {};
      const config = scope?.config;
      const seen = config === undefined ? undefined : config['pause'] === true;
      return {
        paused: seen ?? (member.answers ? member.paused === true : undefined),
        answers: member.answers,
        stored: config === undefined || stored === undefined ? undefined : { config, revision: stored.revision },
      };
    },
    diff: (state) => (state.paused === paused ? [] : [{ action: 'run', summary }]),
    apply: (_changes, { answers, stored }) => {
      if (!answers && stored !== undefined) {
        const { pause: _, ...others } = stored.config;
        return keys.put('config', JSON.stringify(paused ? { ...others, pause: true } : others), stored.revision);
      }
      return sh`${patroniRequest({ ...options, method: 'PATCH', path: '/config', body: { pause: paused ? true : null }, seconds: ANSWER_WITHIN })}
if [ "$code" != 200 ]; then
echo "Patroni did not take it: $said (HTTP $code)"
${NOT_TAKEN}
fi`;
    },
    digest: () => digestOf('patroni-pause', String(paused)),
  };
}

import { sh } from '../../shell/quote.js';
import { handle, type Handle } from '../handle.js';
import { findAnswer, httpQuestion } from '../http-question.js';
import { answerText, type Observation } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { consulRequest, type ConsulClient } from './client.js';

/** What Consul says to who comes with the token of a file. */
export interface ConsulAccess {
  /** The file with the token is there and not empty. */
  hasFile: boolean;
  /** Undefined: Consul does not tell, because the agent does not answer or the servers have no leader. */
  isLetIn: boolean | undefined;
  /** Consul’s own words where it lets nobody in; else empty. */
  said: string;
}

/** Whose token it is. */
export type ConsulTokenOwner = 'management' | 'patroni';

/** What is seen of a host’s access with a token. */
export function consulAccessHandle(owner: ConsulTokenOwner): Handle<ConsulAccess> {
  return handle(`consul-access:${owner}`);
}

/**
 * Whether Consul takes the token that a file on the host has for what it is needed for.
 * @param path what only who has the token may read; that it is not there is an answer, too: `/v1/kv/service/demo/initialize`
 */
export function consulAccess(owner: ConsulTokenOwner, client: ConsulClient, path: string): Observation<ConsulAccess> {
  const asked = consulRequest(client, path);
  const question = httpQuestion(asked);
  return {
    ...consulAccessHandle(owner),
    sharedQuestions: [question],
    probe: () => sh`if [ -s ${client.tokenFile} ]; then echo token; else echo none; fi
${printAnswer(question)}`,
    parse: (answer) => {
      const text = answerText(answer);
      const { status, body } = findAnswer(text, asked);
      const isLetIn = status === 200 || status === 404 ? true : status === 401 || status === 403 ? false : undefined;
      return { hasFile: text.startsWith('token\n'), isLetIn, said: isLetIn === false ? (body.trim().split('\n')[0] ?? '') : '' };
    },
  };
}

import { curlString, findAnswer, httpQuestion, type HttpAnswer, type HttpRequest } from '../http-question.js';
import type { SharedQuestion } from '../shared-question.js';

/** Who may use a member's unsafe endpoints. */
export interface RestCredentials {
  user: string;
  password: { reveal(): string };
}

/** Credentials for curl's `-K -`, so that they show in no process list. */
export function curlCredentials({ user, password }: RestCredentials): string {
  return `user = ${curlString(`${user}:${password.reveal()}`)}`;
}

const get = (url: string): HttpRequest => ({ url, seconds: 5, connectSeconds: 3 });

/** Gets URLs of a member's REST API, such as `http://10.0.0.11:8008/patroni`. */
export function restQuestion(...urls: readonly string[]): SharedQuestion {
  return httpQuestion(...urls.map(get));
}

/** Finds the answer to one URL in the answer to `restQuestion`. */
export function findRest(text: string, url: string): HttpAnswer {
  return findAnswer(text, get(url));
}

/** The state that a member gives itself at `<url>/patroni`, e.g. `running` or `creating replica`; '' when it does not answer. */
export function findMemberState(text: string, url: string): string {
  // Its own comes first; the connections of replicas have states as well.
  return /"state": *"(?<state>[^"]*)"/u.exec(findRest(text, `${url}/patroni`).body)?.groups?.['state'] ?? '';
}

import { sh } from '../shell/quote.js';
import type { SharedQuestion } from './shared-question.js';

/** One answer of Patroni's REST API; status 0 when there was none. */
export interface RestAnswer {
  status: number;
  body: string;
}

/** Who may use a member's unsafe endpoints. */
export interface RestCredentials {
  user: string;
  password: { reveal(): string };
}

/** Credentials for curl's `-K -`, so that they show in no process list. */
export function curlCredentials({ user, password }: RestCredentials): string {
  const value = `${user}:${password.reveal()}`.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  return `user = "${value}"`;
}

/** Gets URLs of a member's REST API, such as `http://10.0.0.11:8008/patroni`, one after the other. */
export function restQuestion(...urls: readonly string[]): SharedQuestion {
  return {
    variable: 'pgprov_rest',
    subjects: urls,
    ask: (all) => sh`curl ${['-s', '-m', '3', '-w', '\\n@%{http_code} %{url_effective}\\n', ...all]} 2>/dev/null || :`,
  };
}

/** Finds the answer to one URL among those to all of them. */
export function findRest(text: string, url: string): RestAnswer {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => /^@\d+ /u.test(line) && line.slice(line.indexOf(' ') + 1) === url);
  if (at < 0) return { status: 0, body: '' };
  const before = lines.slice(0, at).findLastIndex((line) => /^@\d+ http/u.test(line));
  return { status: Number.parseInt((lines[at] ?? '').slice(1), 10), body: lines.slice(before + 1, at).join('\n') };
}

/** The state that a member gives itself at `<url>/patroni`, e.g. `running` or `creating replica`; '' when it does not answer. */
export function findMemberState(text: string, url: string): string {
  // Its own comes first; the connections of replicas have states as well.
  return /"state": *"(?<state>[^"]*)"/u.exec(findRest(text, `${url}/patroni`).body)?.groups?.['state'] ?? '';
}

import { seconds } from '../../shell/patience.js';
import { type Script, sh } from '../../shell/quote.js';
import { curlCredentials, type RestCredentials } from './rest.js';
import { NOTHING_DONE } from '../resource.js';

/** Ends a change that Patroni did not take. With a status of 4xx it has done nothing; with others it may have begun. */
export const NOT_TAKEN = sh`case "$code" in
4??) exit ${NOTHING_DONE} ;;
*) exit 1 ;;
esac`;

/** A request that changes something, to the REST API of one member. */
export interface PatroniRequest extends RestCredentials {
  /** REST API of the member that is asked, `http://10.0.0.11:8008`. */
  url: string;
  method: 'POST' | 'PATCH' | 'DELETE';
  /** `/switchover` */
  path: string;
  /** Sent as JSON; Patroni answers 411 to a POST without one. */
  body?: Readonly<Record<string, unknown>>;
  /** How long Patroni may take to answer. */
  seconds: number;
}

/**
 * Sends a request and leaves what Patroni answered in shell variables: `$code`, the HTTP status, or `000` and curl's reason in `$said` where
 * there was no answer; and `$said`, the last lines of its text. A 400 may be a page of HTML, whose tags are left out.
 */
export function patroniRequest({ url, method, path, body, seconds: limit, ...credentials }: PatroniRequest): Script {
  const sent = body === undefined ? [] : ['-H', 'Content-Type: application/json', '-d', JSON.stringify(body)];
  return sh`answer=$(printf '%s\n' ${curlCredentials(credentials)} | curl -sS -m ${seconds(limit)} -K - -X ${method} ${sent} -w '\n%{http_code}' ${`${url}${path}`} 2>&1) || :
code=$(printf '%s\n' "$answer" | tail -n 1)
said=$(printf '%s\n' "$answer" | sed '$d' | sed 's/<[^>]*>//g' | grep -v '^ *$' | tail -n 3) || :`;
}

import { growingSeconds } from '../../shell/patience.js';
import { NOTHING, sh, type Script } from '../../shell/quote.js';
import { curlCredentials, type RestCredentials } from './rest.js';
import { escapeField } from '../pgpass.js';

/** What a member's Patroni uses after a reload. */
export interface PatroniSettings {
  /** The member's REST API, `http://10.0.0.11:8008`. */
  url: string;
  /** For the REST API; `former`, where it is known, is what it may still insist on. */
  credentials: RestCredentials;
  former?: RestCredentials;
  /** The password file that Patroni writes for a standby's WAL receiver, and what it is to hold. */
  passwordFile: string;
  replicationPassword: { reveal(): string };
}

/** Seconds in which the loop, woken at every look, has come round for certain. */
const ROUNDS = 2;

/**
 * Succeeds, as the check of a gate, once a member's Patroni uses these passwords. Its password file for the WAL receiver may
 * lag behind, because a reload writes it with what was followed with last; it can be changed afterwards. A reload waits for Patroni's loop
 * to come round, so each look also wakes the loop: it does so after every PATCH of the dynamic configuration, also one that takes back what
 * nobody set.
 */
export function goesBySettings({ url, credentials, former, passwordFile, replicationPassword }: PatroniSettings): Script {
  const wake = (as: RestCredentials): Script =>
    sh`printf '%s\n' ${curlCredentials(as)} | curl -s -m ${growingSeconds(5)} -K - -X PATCH -d '{"woken_by_pgprov":null}' -o /dev/null -w '%{http_code} ' ${`${url}/config`}`;
  return sh`set -- $(${wake(credentials)} --next -s -m ${growingSeconds(2)} -o /dev/null -w '%{http_code}' ${`${url}/leader`})
if [ "$1" = 401 ]; then
${former === undefined ? NOTHING : sh`${wake(former)} >/dev/null`}
echo 'the REST API still takes the former password'
exit 1
fi
[ "$1" = 200 ] || { echo "the REST API answers $1"; exit 1; }
[ "$2" != 200 ] || exit 0
[ -e ${passwordFile} ] || exit 0
printf '%s\n' ${escapeField(replicationPassword.reveal())} | grep -qF -f - ${passwordFile} && exit 0
echo ${`${passwordFile} is still to be changed`}
[ "$waited" -ge ${ROUNDS} ]`;
}

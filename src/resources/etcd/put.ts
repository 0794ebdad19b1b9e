import { WORK_DIRECTORY } from '../../shell/lock.js';
import { sh, type Script } from '../../shell/quote.js';
import { NOTHING_DONE } from '../resource.js';
import { curlWords, type EtcdClient } from './client.js';

/** A key's new value, for a key that nobody has written since it was read. */
export interface EtcdPut {
  key: string;
  value: string;
  /** The key's `mod_revision` as it was read. */
  revision: string;
}

/**
 * Puts a value in place of the one that was read, by a transaction that compares the key's revision, as Patroni does. It fails when somebody
 * else has written the key meanwhile, unless that was this value: an answer may be lost.
 */
export function etcdPut(client: EtcdClient, { key, value, revision }: EtcdPut): Script {
  const content = base64(value);
  return transaction(client, {
    key,
    revision,
    change: { requestPut: { key: base64(key), value: content } },
    asDesired: sh`*${`"value":"${content}"`}*`,
    changed: sh`'{"header"'*`,
  });
}

/** Takes a key away that nobody has written since it was read, by such a transaction; one that is gone already is well. */
export function etcdRemove(client: EtcdClient, { key, revision }: Omit<EtcdPut, 'value'>): Script {
  return transaction(client, {
    key,
    revision,
    change: { requestDeleteRange: { key: base64(key) } },
    changed: sh`*'"kvs":'*`,
  });
}

interface Transaction {
  key: string;
  revision: string;
  /** etcd's operation. */
  change: object;
  /** A pattern of `case` for answers that say that all is as desired, though the key has another revision; default: none do. */
  asDesired?: Script;
  /** One for those that say that somebody else has changed the key, of the answers that are left. */
  changed: Script;
}

/** One endpoint after the other is asked. */
function transaction(client: EtcdClient, { key, revision, change, asDesired, changed }: Transaction): Script {
  const name = base64(key);
  const body = JSON.stringify({
    compare: [{ key: name, target: 'MOD', result: 'EQUAL', mod_revision: revision }],
    success: [change],
    failure: [{ requestRange: { key: name } }],
  });
  // A word of a command may have 128 KiB.
  return sh`put=$(mktemp ${WORK_DIRECTORY}/put.XXXXXX)
trap 'rm -f "$put"' EXIT
printf %s ${body} >"$put"
for endpoint in ${client.endpoints}; do
answer=$(curl -S ${curlWords(client)} --data-binary "@$put" "$endpoint/v3/kv/txn" 2>&1) || :
case "$answer" in '{"header"'*) break ;; esac
done
case "$answer" in
*'"succeeded":true'*${asDesired === undefined ? sh`` : sh` | ${asDesired}`}) ;;
${changed})
echo ${`somebody else changed ${key} in etcd at the same moment; run this again`}
exit ${NOTHING_DONE}
;;
'{"header"'*) ;;
*)
echo "etcd did not take ${key}: $answer"
exit 1
;;
esac`;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

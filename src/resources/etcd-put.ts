import { WORK_DIRECTORY } from '../shell/lock.js';
import { sh, type Script } from '../shell/quote.js';
import { NOTHING_DONE } from './resource.js';
import { curlWords, type EtcdClient } from './etcd-client.js';

/** A key's new value, for a key that nobody has written since it was read. */
export interface EtcdPut {
  key: string;
  value: string;
  /** The key's `mod_revision` as it was read. */
  revision: string;
}

/**
 * Puts a value in place of the one that was read, by a transaction that compares the key's revision, as Patroni does; one endpoint after
 * the other is asked. It fails when somebody else has written the key meanwhile, unless that was this value: an answer may be lost.
 */
export function etcdPut(client: EtcdClient, { key, value, revision }: EtcdPut): Script {
  const [name, content] = [key, value].map((text) => Buffer.from(text).toString('base64'));
  const body = JSON.stringify({
    compare: [{ key: name, target: 'MOD', result: 'EQUAL', mod_revision: revision }],
    success: [{ requestPut: { key: name, value: content } }],
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
*'"succeeded":true'* | *${`"value":"${content}"`}*) ;;
'{"header"'*)
echo ${`somebody else changed ${key} in etcd at the same moment; run this again`}
exit ${NOTHING_DONE}
;;
*)
echo "etcd did not take ${key}: $answer"
exit 1
;;
esac`;
}

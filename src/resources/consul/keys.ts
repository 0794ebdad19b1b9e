import { sh, type Script } from '../../shell/quote.js';
import type { DcsKey, DcsKeys } from '../dcs.js';
import { findAnswer, httpQuestion, type HttpRequest } from '../http-question.js';
import { NOTHING_DONE } from '../resource.js';
import { consulCall, consulRequest, type ConsulClient } from './client.js';

/** A key that every cluster has, which is asked for by its name beside the list. */
const MARK = 'initialize';

/** What Patroni keeps in Consul; `prefix` is the scope's, `service/demo/`: keys of Consul have no slash before them. */
export function consulKeys(client: ConsulClient, prefix: string): DcsKeys {
  const at = (key: string): string => `/v1/kv/${encodeURI(`${prefix}${key}`)}`;
  const list = consulRequest(client, `${at('')}?recurse&consistent`);
  // To a token that may not read a prefix Consul lists nothing below it, as if there were nothing; of one key it says that.
  const mark = consulRequest(client, `${at(MARK)}?consistent`);
  return {
    name: 'Consul',
    question: httpQuestion(list, mark),
    led: sh`*${`"Key":"${prefix}leader"`}*`,
    find: (text) => readKeys(text, list, mark, prefix),
    clearMark: () => sh`answer=$(${consulCall(client, { path: `${at(MARK)}?consistent` })})
case "$answer" in
*'"Value":null'* | *'"Value":""'*)
index=$(printf '%s\n' "$answer" | sed -n 's/.*"ModifyIndex":\([0-9]*\).*/\1/p')
answer=$(${consulCall(client, { method: 'DELETE', path: `${at(MARK)}?cas=`, pathEnd: sh`"$index"` })})
case "$answer" in
'true'* | 'false'*) ;;
*) echo "Consul did not take "${`${prefix}${MARK}`}" away: $answer"; exit 1 ;;
esac
;;
esac`,
    put: (key, value, revision) => changed(client, { key: `${prefix}${key}`, path: at(key), value, revision }),
    remove: (key, revision) => changed(client, { key: `${prefix}${key}`, path: at(key), revision }),
    absent: '0',
    show: (key) => ({ path: `${prefix}${key}`, command: `${consulSettings(client)} consul kv get ${prefix}${key}` }),
  };
}

/** What the program consul finds its agent with, in the environment. */
export function consulSettings({ url, caFile, certFile, keyFile, tokenFile }: ConsulClient): string {
  return `CONSUL_HTTP_ADDR=${url} CONSUL_CACERT=${caFile} CONSUL_CLIENT_CERT=${certFile} CONSUL_CLIENT_KEY=${keyFile} CONSUL_HTTP_TOKEN_FILE=${tokenFile}`;
}

interface Changed {
  /** As Consul names it. */
  key: string;
  path: string;
  /** Undefined: the key is taken away. */
  value?: string;
  /** The key’s `ModifyIndex` as it was read. */
  revision: string;
}

/** Changes a key that nobody has written since it was read (check-and-set), as Patroni does. One that has the value already is well. */
function changed(client: ConsulClient, { key, path, value, revision }: Changed): Script {
  const call = consulCall(client, {
    path: `${path}?cas=${revision}`,
    ...(value === undefined ? { method: 'DELETE' as const } : { method: 'PUT' as const, body: value }),
  });
  return sh`answer=$(${call})
case "$answer" in
'true
200') ;;
'false
200')
now=$(${consulCall(client, { path: `${path}?raw&consistent` })})
if [ "$now" != ${value === undefined ? '\n404' : `${value}\n200`} ]; then
echo ${`somebody else changed ${key} in Consul at the same moment; run this again`}
exit ${NOTHING_DONE}
fi
;;
*)
echo "Consul did not take "${key}": $answer"
exit 1
;;
esac`;
}

interface KeyJson {
  Key: string;
  Value: string | null;
  ModifyIndex: number;
}

/** Reads Consul’s JSON, or why there is none. That there are no keys counts only where the one that was named is known not to be there. */
function readKeys(text: string, list: HttpRequest, mark: HttpRequest, prefix: string): ReadonlyMap<string, DcsKey> | string {
  const [listed, named] = [findAnswer(text, list), findAnswer(text, mark)];
  if (listed.status === 404) return named.status === 404 ? new Map() : whyNot(named.status, named.body);
  if (listed.status !== 200 || !listed.body.startsWith('[')) return whyNot(listed.status, listed.body);
  return new Map(
    (JSON.parse(listed.body) as KeyJson[]).map(({ Key, Value, ModifyIndex }): [string, DcsKey] => [
      Key.slice(prefix.length),
      { value: Buffer.from(Value ?? '', 'base64').toString('utf8'), revision: String(ModifyIndex) },
    ]),
  );
}

function whyNot(status: number, body: string): string {
  if (status === 0) return 'the agent of Consul on this host does not answer';
  const [line = ''] = body.trim().split('\n');
  return status === 200 ? 'Consul answers what it should not' : line || `Consul answers with status ${status}`;
}

/** Succeeds when the token may read Patroni’s keys, of which the one that is named need not be there; else it says what Consul said. */
export function keysCheck(client: ConsulClient, prefix: string): Script {
  return sh`answer=$(${consulCall(client, { path: `/v1/kv/${encodeURI(`${prefix}${MARK}`)}?consistent` })})
case "$answer" in
*'
200' | *'
404') ;;
*) printf '%s\n' "$answer" | tr '\n' ' '; exit 1 ;;
esac`;
}

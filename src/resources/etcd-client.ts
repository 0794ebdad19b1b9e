import { sh, type Script } from '../shell/quote.js';
import type { SharedQuestion } from './shared-question.js';

/** How a host talks to etcd as a client. */
export interface EtcdClient {
  /** `https://10.0.0.11:2379`, the nearest first. */
  endpoints: readonly string[];
  caFile: string;
  certFile: string;
  keyFile: string;
}

/** etcdctl with its TLS files and short time-outs; `words` are the command. */
export function etcdctl(client: EtcdClient, words: readonly string[]): Script {
  return sh`ETCDCTL_API=3 etcdctl ${[
    `--endpoints=${client.endpoints.join(',')}`,
    `--cacert=${client.caFile}`,
    `--cert=${client.certFile}`,
    `--key=${client.keyFile}`,
    '--dial-timeout=1s',
    '--command-timeout=2s',
    ...words,
  ]}`;
}

/** Words for curl, which starts in half the time that etcdctl takes; `words` follow the TLS files. */
function curlWords({ caFile, certFile, keyFile }: EtcdClient, words: readonly string[]): string[] {
  return ['-s', '-m', '2', '--cacert', caFile, '--cert', certFile, '--key', keyFile, ...words];
}

/** Words for curl to ask the nearest member for the versions of its program and of the cluster: a line of JSON. */
function versionWords(client: EtcdClient): string[] {
  return curlWords(client, [`${client.endpoints[0] ?? ''}/version`, '-w', '\\n']);
}

/**
 * Asks the nearest member for its health, which takes a quorum, for the version that the members agreed on and for the
 * list of members: a line of JSON each. Through etcd's JSON gateway, which Patroni uses as well.
 */
export function memberQuestion(client: EtcdClient): SharedQuestion {
  const [own = ''] = client.endpoints;
  return {
    variable: 'pgprov_etcd',
    subjects: [own],
    ask: () => sh`curl ${curlWords(client, [`${own}/health`, '-w', '\\n'])} --next ${versionWords(client)} --next ${curlWords(client, ['-d', '{}', `${own}/v3/cluster/member/list`])} 2>/dev/null || :`,
  };
}

/** Whether the answer to `memberQuestion` says that the member is healthy. */
export function saysHealthy(text: string): boolean {
  return /^\{"health": *"true"/mu.test(text);
}

/**
 * Whether the members have agreed on a version of the cluster, by the answer to `memberQuestion`. Until each of them has
 * been heard once it is 3.0.0, and clients such as Patroni then ask for an API that etcd no longer has.
 */
export function agreesOnVersion(text: string): boolean {
  return !/"etcdcluster": *"(?:not_decided|3\.0\.0)"/u.test(text);
}

/** Succeeds when the nearest member `agreesOnVersion`, or does not answer. */
export function agreementCheck(client: EtcdClient): Script {
  return sh`case "$(curl ${versionWords(client)})" in
*'"etcdcluster":"3.0.0"'* | *'"etcdcluster":"not_decided"'*)
echo 'a member of etcd was never heard of'
exit 1
;;
esac`;
}

/** Asks for all keys below a prefix: etcd's JSON, or else why there is none. Tries one endpoint after the other. */
export function keysQuestion(client: EtcdClient, prefix: string): SharedQuestion {
  const base64 = (bytes: Buffer): string => bytes.toString('base64');
  const key = Buffer.from(prefix);
  const end = Buffer.from(key);
  end.writeUInt8((end.at(-1) ?? 0) + 1, end.length - 1);
  const range = JSON.stringify({ key: base64(key), range_end: base64(end) });
  return {
    variable: 'pgprov_keys',
    subjects: [prefix],
    ask: () => sh`if [ ! -r ${client.certFile} ]; then echo 'no client certificate yet'
else
for endpoint in ${client.endpoints}; do
answer=$(curl -S ${curlWords(client, ['-d', range])} "$endpoint/v3/kv/range" 2>&1) || :
case "$answer" in '{"header"'*) break ;; esac
done
printf '%s\n' "$answer"
fi`,
  };
}

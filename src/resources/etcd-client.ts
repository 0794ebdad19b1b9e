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

/**
 * Asks the nearest member for its health, which takes a quorum, and for the list of members: a line of JSON each.
 * Through etcd's JSON gateway, which Patroni uses as well.
 */
export function memberQuestion(client: EtcdClient): SharedQuestion {
  const [own = ''] = client.endpoints;
  return {
    variable: 'pgprov_etcd',
    subjects: [own],
    ask: () => sh`curl ${curlWords(client, [`${own}/health`, '-w', '\\n'])} --next ${curlWords(client, ['-d', '{}', `${own}/v3/cluster/member/list`])} 2>/dev/null || :`,
  };
}

/** Whether the answer to `memberQuestion` says that the member is healthy. */
export function saysHealthy(text: string): boolean {
  return /^\{"health": *"true"/mu.test(text);
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

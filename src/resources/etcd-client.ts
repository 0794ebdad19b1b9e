import { sh, type Script } from '../shell/quote.js';

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

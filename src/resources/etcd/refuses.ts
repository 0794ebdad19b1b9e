import type { Secret } from '../../lib/secret.js';
import { growingSeconds } from '../../shell/patience.js';
import { joinScripts, sh, type Script } from '../../shell/quote.js';
import { gate } from '../gate.js';
import type { Gate } from '../resource.js';
import type { TlsPaths } from '../tls-handshakes.js';

/** What etcd on a host must not accept any more. */
export interface EtcdRefusesOptions {
  /** The host that had the pairs. */
  name: string;
  /** Where etcd listens for clients: `10.0.0.11:2379`. */
  listener: string;
  /** The host's own files, which etcd must go on to accept. */
  own: TlsPaths;
  pairs: readonly { certificate: string; key: Secret }[];
  unit: string;
}

/**
 * Open when etcd on the host lets in who presents the host's own certificate, and nobody who presents one of these. Own and revoked ones are tried by
 * the same request, so that one which does not get through at all is not taken for refused.
 */
export function etcdRefuses({ name, listener, own, pairs, unit }: EtcdRefusesOptions): Gate {
  return gate({
    name: `refuses-${name}`,
    title: `etcd refuses the certificates of ${name}, and accepts those of its members`,
    unit,
    fatalLogPatterns: [],
    includeJournal: false,
    timeout: 60,
    check: joinScripts([
      sh`umask 077
work=$(mktemp -d /run/pgprov-refused.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT
asks() {
code=$(curl --http1.1 -s -m ${growingSeconds(5)} --cacert ${own.ca} --cert "$1" --key "$2" -o /dev/null -w '%{http_code}' ${`https://${listener}/version`}) || :
[ "$code" = 200 ]
}
asks ${own.certificate} ${own.key} || { echo 'it does not accept the certificate of its own host'; exit 1; }`,
      ...pairs.map((pair, index) => tried(name, pair, index)),
    ]),
  });
}

function tried(name: string, { certificate, key }: EtcdRefusesOptions['pairs'][number], index: number): Script {
  return sh`printf %s ${certificate} >"$work/"${`${index}.crt`}
printf %s ${key.reveal()} >"$work/"${`${index}.key`}
if asks "$work/"${`${index}.crt`} "$work/"${`${index}.key`}; then echo ${`it accepts a certificate of ${name}`}; exit 1; fi`;
}

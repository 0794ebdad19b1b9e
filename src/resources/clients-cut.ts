import { isIPv6 } from 'node:net';
import { enumerate } from '../lib/enumerate.js';
import { sh } from '../shell/quote.js';
import { answerLines, digestOf, type Resource } from './resource.js';

/** Connections that are to be cut. */
export interface ClientsCutOptions {
  /** The host that they come from, for people. */
  of: string;
  /** Of the service here. */
  port: number;
  /** Of that host. */
  addresses: readonly string[];
}

/**
 * No connection from these addresses to a service's port: one that was open before a certificate was revoked is not looked at again. The kernel cuts
 * them (ss(8), `--kill`), which takes one with `CONFIG_INET_DIAG_DESTROY`.
 */
export function clientsCut({ of, port, addresses }: ClientsCutOptions): Resource<readonly string[]> {
  const id = `clients-cut:${port}:${of}`;
  const from = addresses.map((address) => `dst ${isIPv6(address) ? `[${address}]` : address}`).join(' or ');
  const filter = `( sport = :${port} ) and ( ${from} )`;
  return {
    id,
    probe: () => sh`ss -Htn state established ${filter} 2>/dev/null | awk '{ print $NF }'`,
    parse: (answer) => answerLines(answer),
    diff: (open) => (open.length === 0 ? [] : [{ action: 'run', summary: `cut connections of ${of} (${enumerate(open)})` }]),
    apply: () => sh`ss -KHtn state established ${filter} >/dev/null 2>&1 || :
left=$(ss -Htn state established ${filter} 2>/dev/null)
[ -z "$left" ] || { echo ${`the kernel does not cut the connections of ${of}: restart the service on port ${port} here, then run the same command again`}; exit 1; }`,
    digest: () => digestOf(id, from),
  };
}

import { UnreachableError, type ErrorDetails } from '../lib/errors.js';
import { appendHostKey, knownName, KnownHosts, knownHostsFiles } from './known-hosts.js';
import type { HostKeys, SshEndpoint, Target, Transport } from './transport.js';

/** The key of a host that is not known, as it was shown. */
export interface ShownKey {
  /** The host's inventory name; the address of a jump host. */
  host: string;
  /** What the host is called in known_hosts. */
  name: string;
  /** e.g. `ssh-ed25519` */
  type: string;
  fingerprint: string;
  /** In SSH wire format. */
  blob: Buffer;
  /** The known_hosts file that it belongs into. */
  file: string;
  policy: HostKeys['policy'];
}

/** A host showed a key that is in no known_hosts file. */
export class UnknownHostKey extends UnreachableError {
  readonly key: ShownKey;

  constructor(key: ShownKey, details: Omit<ErrorDetails, 'exitCode' | 'kind' | 'host'>) {
    super({ ...details, kind: 'ssh/host-key-unknown', host: key.host });
    this.key = key;
  }
}

/** A key to be asked about, and whose it is. */
export interface Stranger extends ShownKey {
  isJumpHost: boolean;
}

/**
 * The keys of hosts and jump hosts that a person may be asked about, each once. Only hosts of which no file has a key are connected to, and
 * what is behind a jump host that is not known shows only when that is. Other trouble is left for the run to tell.
 */
export async function findStrangers(targets: readonly Target[], transport: Transport): Promise<Stranger[]> {
  const unknown = await Promise.all(targets.map(mayBeUnknown));
  const shown = await Promise.all(targets.filter((_, index) => unknown[index]).map((target) => keyShown(target, transport)));
  const strangers = shown.flatMap((stranger) => (stranger === undefined ? [] : [stranger]));
  return strangers.filter(({ name, blob }, index) => index === strangers.findIndex((one) => one.name === name && one.blob.equals(blob)));
}

/** Writes down keys that a person has agreed to. */
export async function recordKeys(keys: readonly ShownKey[]): Promise<void> {
  for (const { file, name, blob } of keys) await appendHostKey(file, name, blob);
}

/** Whether the way to a target may have a host of which no key is known, and which may be asked about. */
async function mayBeUnknown(target: Target): Promise<boolean> {
  const known = await Promise.all([...target.jump, target].map((endpoint) => hasKey(endpoint, endpoint.hostKeys ?? target.hostKeys)));
  return known.includes(false);
}

async function hasKey({ address, port, hostKeyAlias }: SshEndpoint, hostKeys: HostKeys): Promise<boolean> {
  if (hostKeys.policy !== 'ask') return true;
  // An unreadable file is told by the run.
  const hosts = await KnownHosts.load(knownHostsFiles(hostKeys)).catch(() => undefined);
  return hosts === undefined || hosts.find(knownName(address, port, hostKeyAlias)).some(({ marker }) => marker === undefined);
}

async function keyShown(target: Target, transport: Transport): Promise<Stranger | undefined> {
  try {
    await (await transport.connect(target)).close();
    return undefined;
  } catch (error) {
    const reason = error instanceof UnknownHostKey ? error : error instanceof Error ? error.cause : undefined;
    if (!(reason instanceof UnknownHostKey) || reason.key.policy !== 'ask') return undefined;
    return { ...reason.key, isJumpHost: reason !== error };
  }
}

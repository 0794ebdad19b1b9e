import { createHash } from 'node:crypto';

import { knownName, type KnownHosts, type KnownKey } from './known-hosts.js';
import type { SshEndpoint } from './transport.js';

/** `SHA256:...` as ssh and ssh-keygen print it. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/u, '')}`;
}

/** Signature algorithms we accept for a host key, strongest first; SHA-1 `ssh-rsa` is left out, as in OpenSSH 8.8. */
const ALGORITHMS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
] as const;

/** What a host may be called in known_hosts. */
type Named = Pick<SshEndpoint, 'address' | 'port' | 'hostKeyAlias'>;

/** What known_hosts says about a key that a host has shown. */
export type Verdict =
  | { is: 'known'; by: KnownKey }
  | { is: 'unknown'; authorities: readonly KnownKey[] }
  | { is: 'changed'; known: readonly [KnownKey, ...KnownKey[]] }
  | { is: 'revoked'; by: KnownKey };

function isSigned(key: KnownKey): boolean {
  return key.marker === '@cert-authority';
}

/** Judges a key; a host that is known only by keys of other types counts as changed, never as unknown. */
export function judge(hosts: KnownHosts, { address, port, hostKeyAlias }: Named, blob: Buffer): Verdict {
  const found = hosts.find(knownName(address, port, hostKeyAlias));
  const same = (key: KnownKey): boolean => key.blob.equals(blob);
  const revoked = found.find((key) => key.marker === '@revoked' && same(key));
  if (revoked !== undefined) return { is: 'revoked', by: revoked };
  const plain = found.filter((key) => key.marker === undefined);
  const known = plain.find(same);
  if (known !== undefined) return { is: 'known', by: known };
  const [first, ...rest] = plain;
  if (first !== undefined) return { is: 'changed', known: [first, ...rest] };
  // Like ssh: a host moved to another port is still the same host when it shows the key of its bare name.
  if (port !== 22 && hostKeyAlias === undefined) {
    const bare = judge(hosts, { address, port: 22 }, blob);
    if (bare.is === 'known' || bare.is === 'revoked') return bare;
  }
  return { is: 'unknown', authorities: found.filter(isSigned) };
}

/** Algorithms to offer: the types the host is known by come first, or it would show a key nobody has seen. */
export function hostKeyAlgorithms(hosts: KnownHosts, { address, port, hostKeyAlias }: Named): string[] {
  const own = hosts.find(knownName(address, port, hostKeyAlias));
  const keys = own.length > 0 || port === 22 || hostKeyAlias !== undefined ? own : hosts.find(knownName(address, 22));
  const types = new Set(keys.filter((key) => key.marker === undefined).map((key) => key.type));
  const isKnown = (algorithm: string): boolean => types.has(algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm);
  return [...ALGORITHMS.filter(isKnown), ...ALGORITHMS.filter((algorithm) => !isKnown(algorithm))];
}

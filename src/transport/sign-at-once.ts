import type { Client, ParsedKey } from 'ssh2';

import { insideOf, type Sign } from './ssh2-inside.js';

/** Digests that go with the names of RSA's algorithms (RFC 8332); other keys have one of their own. */
const DIGESTS: ReadonlyMap<string | undefined, string> = new Map([
  ['rsa-sha2-256', 'sha256'],
  ['rsa-sha2-512', 'sha512'],
  ['ssh-rsa', 'sha1'],
]);

function isPrivate(key: ParsedKey): boolean {
  return typeof key.isPrivateKey === 'function' && key.isPrivateKey();
}

/**
 * Sends the signature along with a key that is at hand, as OpenSSH does, instead of asking first whether the server takes
 * the key, which costs a round trip. An agent is still only asked to sign for a key that the server takes, since it may
 * ask a person.
 */
export function signAtOnce(client: Client): void {
  insideOf(client, (protocol) => {
    const send = protocol.authPK;
    if (typeof send !== 'function') return;
    protocol.authPK = (user, key, algorithm, sign) => {
      const signature = sign === undefined && isPrivate(key) ? signer(key, algorithm) : sign;
      send.call(protocol as never, user, key, algorithm, signature);
    };
  });
}

function signer(key: ParsedKey, algorithm: string | undefined): Sign {
  return (data, give) => give(key.sign(data, DIGESTS.get(algorithm)));
}

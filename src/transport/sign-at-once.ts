import type { Client, ParsedKey } from 'ssh2';

type Sign = (data: Buffer, give: (signature: Buffer) => void) => void;

/** The part of ssh2's protocol engine that sends a public key, to ask whether it would do or, with a signature, to log in. */
interface PublicKeySender {
  authPK(user: string, key: ParsedKey, algorithm?: string, sign?: Sign): void;
}

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
 * ask a person. ssh2 has no option for it, and where its inside is no longer as here, it asks first as ever.
 */
export function signAtOnce(client: Client): void {
  client.once('handshake', () => {
    const sender = (client as unknown as { _protocol?: Partial<PublicKeySender> })._protocol;
    const send = sender?.authPK;
    if (sender === undefined || typeof send !== 'function') return;
    sender.authPK = (user, key, algorithm, sign) => {
      const signature = sign === undefined && isPrivate(key) ? signer(key, algorithm) : sign;
      send.call(sender, user, key, algorithm, signature);
    };
  });
}

function signer(key: ParsedKey, algorithm: string | undefined): Sign {
  return (data, give) => give(key.sign(data, DIGESTS.get(algorithm)));
}

import type { Duplex } from 'node:stream';
import type { Client, ParsedKey } from 'ssh2';

/** Signs the data of a login request. */
export type Sign = (data: Buffer, give: (signature: Buffer) => void) => void;

/** What we know of ssh2's protocol engine, and ssh2 may change. */
export interface Ssh2Protocol {
  /** Sends a public key: with a signature to log in, without one to ask whether the server would take it. */
  authPK(user: string, key: ParsedKey, algorithm?: string, sign?: Sign): void;
  requestFailure(): void;
  /** What answers the server's messages. */
  _handlers: { GLOBAL_REQUEST: (protocol: Ssh2Protocol, name: string, wantReply: boolean, data: unknown) => void };
}

/**
 * Gives the protocol engine of a client once the keys have been exchanged, before anybody is logged in, because what ssh2 has no
 * options for. Its parts are optional, so that whoever uses them does without where a later ssh2 no longer has them.
 */
export function insideOf(client: Client, take: (protocol: Partial<Ssh2Protocol>) => void): void {
  client.once('handshake', () => {
    const protocol = (client as unknown as { _protocol?: Partial<Ssh2Protocol> })._protocol;
    if (protocol !== undefined) take(protocol);
  });
}

/** Tells of whatever comes from the other side, of a client that is connected. */
export function onHeard(client: Client, heard: () => void): void {
  (client as unknown as { _sock?: Duplex })._sock?.on('data', heard);
}

import { createServer, type Server, type ServerOptions } from 'node:https';
import type { IncomingMessage, Server as PlainServer, ServerResponse } from 'node:http';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TlsPaths } from '../../src/resources/tls-handshakes.js';
import { Certificates } from '../../src/store/certificates.js';
import { DEMO } from './demo.js';

/** An authority that was made for a test, and what goes with it. */
export interface Authority {
  /** Files of the member `pg2`. */
  files: TlsPaths;
  /** For servers that present themselves as `pg1`. */
  server: Pick<ServerOptions, 'cert' | 'key' | 'ca'>;
}

/** Makes an authority, with its files in a directory. */
export async function makeAuthority(directory: string): Promise<Authority> {
  const certificates = await Certificates.open(join(directory, 'authority'), DEMO, true);
  await certificates.prepare([
    { name: 'pg1', names: [] },
    { name: 'pg2', names: [] },
  ]);
  const files: TlsPaths = { ca: join(directory, 'ca.crt'), certificate: join(directory, 'node.crt'), key: join(directory, 'node.key') };
  const client = certificates.node('pg2');
  writeFileSync(files.ca, certificates.bundle);
  writeFileSync(files.certificate, client.certificate);
  writeFileSync(files.key, client.key.reveal());
  const { certificate: cert, key } = certificates.node('pg1');
  return { files, server: { cert, key: key.reveal(), ca: certificates.bundle } };
}

/** What a server with TLS knew of one request. */
export interface Heard {
  url: string;
  body: string;
  /** Name in the client's certificate; undefined when it showed none. */
  client: string | undefined;
  /** It was known from an earlier connection. */
  resumed: boolean;
}

/** Starts a server with TLS that asks clients for a certificate, and keeps connections and sessions for them. */
export async function tlsServer(
  options: ServerOptions,
  respond: (heard: Heard, response: ServerResponse) => void,
): Promise<{ server: Server; url: string; heard: Heard[] }> {
  const heard: Heard[] = [];
  const server = createServer({ ...options, requestCert: true }, (request: IncomingMessage, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => {
      const socket = request.socket as TLSSocket;
      const one = {
        url: request.url ?? '',
        body,
        client: [socket.getPeerCertificate().subject?.CN].flat()[0],
        resumed: socket.isSessionReused(),
      };
      heard.push(one);
      respond(one, response);
    });
  });
  return { server, heard, url: `https://127.0.0.1:${await listen(server)}` };
}

/** Starts a server on a free port, which it gives. */
export async function listen(server: NetServer | PlainServer | Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Takes connections and never says a word. */
export function silent(sockets: Socket[]): (socket: Socket) => void {
  return (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
  };
}

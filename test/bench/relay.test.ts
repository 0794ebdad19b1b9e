import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { startRelay, type Relay } from './lib/relay.js';

/** Timers may fire a little early, and never exactly. */
const EARLY = 5;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function target(talk: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, talk);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function relayTo(port: number, delay: number): Promise<Relay> {
  const relay = await startRelay({ address: '127.0.0.1', port, delay });
  closers.push(() => relay.close());
  return relay;
}

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

const echo = (socket: Socket): void => void socket.pipe(socket);

describe('a relay', () => {
  it.each([{ delay: 0 }, { delay: 60 }])('keeps bytes and their order with a delay of $delay ms', async ({ delay }) => {
    const relay = await relayTo(await target(echo), delay);
    const sent = Array.from({ length: 5000 }, (_, index) => `line ${index}\n`).join('');
    const socket = connect(relay.port, '127.0.0.1');
    for (let at = 0; at < sent.length; at += 997) socket.write(sent.slice(at, at + 997));
    socket.end();
    expect(await readAll(socket)).toBe(sent);
    expect(relay.connections).toMatchObject([{ sent: sent.length, received: sent.length }]);
  });

  it('delays the handshake by one round trip, and a question with its answer by another', async () => {
    const delay = 80;
    const relay = await relayTo(await target(echo), delay);
    const began = Date.now();
    const socket = connect(relay.port, '127.0.0.1');
    socket.write('?');
    await once(socket, 'data');
    expect(Date.now() - began).toBeGreaterThanOrEqual(2 * delay - EARLY);
    const asked = Date.now();
    socket.write('?');
    await once(socket, 'data');
    expect(Date.now() - asked).toBeGreaterThanOrEqual(delay - EARLY);
    socket.destroy();
  });

  it('does not make bytes that are sent together wait for each other', async () => {
    const delay = 60;
    const relay = await relayTo(await target(echo), delay);
    const socket = connect(relay.port, '127.0.0.1');
    socket.write('first');
    await once(socket, 'data');
    // From now on, for on a busy machine the first answer comes before all is sent.
    const answer = readAll(socket);
    for (let index = 0; index < 20; index++) {
      socket.write('x');
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const sent = Date.now();
    socket.end();
    expect(await answer).toBe('x'.repeat(20));
    expect(Date.now() - sent).toBeLessThan(5 * delay);
  });

  it('counts how often the client sent something after it had received something', async () => {
    const relay = await relayTo(await target(echo), 10);
    const socket = connect(relay.port, '127.0.0.1');
    for (const word of ['one', 'two', 'three']) {
      socket.write(word);
      await once(socket, 'data');
    }
    socket.destroy();
    expect(relay.connections.map(({ turns }) => turns)).toEqual([3]);
  });

  it('passes on that a side has ended or reset the connection', async () => {
    const ended = await relayTo(await target((socket) => void socket.end('bye')), 10);
    expect(await readAll(connect(ended.port, '127.0.0.1').on('error', () => undefined))).toBe('bye');
    const nobody = await relayTo(1, 10);
    const socket = connect(nobody.port, '127.0.0.1').on('error', () => undefined);
    await once(socket, 'close');
  });
});

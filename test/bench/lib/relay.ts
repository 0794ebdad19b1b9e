import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What one connection carried. */
export interface Traffic {
  /** How often the client spoke after it had heard something, and first of all: the round trips it had to wait for. */
  turns: number;
  /** Bytes from the client, and to it. */
  sent: number;
  received: number;
}

/** A relay that is up. */
export interface Relay {
  port: number;
  /** A connection each, in the order in which they came. */
  connections: Traffic[];
  close(): Promise<void>;
}

/** Where a relay leads to, and how far away that is. */
export interface RelayOptions {
  address: string;
  port: number;
  /** Added round-trip time in milliseconds; each way takes half of it. */
  delay: number;
}

/**
 * A TCP relay on the loopback address that makes its target seem farther away. Bytes stay in order, and there is no limit
 * to how many are under way. A connection takes as long as it would over such a way: its first byte leaves the client
 * after the round trip of TCP's own handshake, and the target sees the connection half a round trip after that.
 */
export async function startRelay({ address, port, delay }: RelayOptions): Promise<Relay> {
  const connections: Traffic[] = [];
  const open = new Set<Socket>();
  const server: Server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const traffic: Traffic = { turns: 0, sent: 0, received: 0 };
    connections.push(traffic);
    const established = Date.now() + delay;
    let heard = true;
    const target = new Promise<Socket>((resolve) => {
      later(established + delay / 2, () => {
        const socket = connect({ host: address, port, noDelay: true, allowHalfOpen: true });
        open.add(socket);
        socket.on('close', () => open.delete(socket));
        carry(
          socket,
          Promise.resolve(client),
          () => Date.now() + delay / 2,
          (bytes) => {
            traffic.received += bytes;
          },
          () => (heard = true),
        );
        resolve(socket);
      });
    });
    open.add(client);
    client.on('close', () => open.delete(client));
    carry(
      client,
      target,
      () => Math.max(Date.now(), established) + delay / 2,
      (bytes) => {
        traffic.sent += bytes;
        if (heard) traffic.turns += 1;
        heard = false;
      },
    );
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/**
 * Passes on what one end says, its end and its failure included, when each is due.
 * @param onDelivered called when something reaches the other end
 */
function carry(
  from: Socket,
  to: Promise<Socket>,
  due: () => number,
  count: (bytes: number) => void,
  onDelivered: () => void = () => undefined,
): void {
  // One after the other, for timers of the same length may not fire in order.
  let queue: Promise<void> = Promise.resolve();
  const at = (deliver: (socket: Socket) => void): void => {
    const when = due();
    queue = queue.then(() => to).then((socket) => until(when).then(() => deliver(socket)));
  };
  from.on('data', (chunk: Buffer) => {
    count(chunk.length);
    at((socket) => {
      onDelivered();
      socket.write(chunk);
    });
  });
  from.on('end', () => at((socket) => socket.end()));
  from.on('error', () => at((socket) => socket.destroy()));
}

function until(when: number): Promise<void> {
  return when <= Date.now() ? Promise.resolve() : new Promise((resolve) => later(when, resolve));
}

function later(when: number, work: () => void): void {
  setTimeout(work, Math.max(0, when - Date.now()));
}

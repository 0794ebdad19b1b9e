import type { Duplex } from 'node:stream';

import { NodeSSH } from 'node-ssh';
import type { Client } from 'ssh2';

import type { PgprovError } from '../lib/errors.js';
import { HostKeyCheck } from './host-key-check.js';
import { ignoreHostKeyOffers } from './host-key-offers.js';
import { type KeySources, prepareLogin } from './login.js';
import { signAtOnce } from './sign-at-once.js';
import { onHeard } from './ssh2-inside.js';
import { type Attempted, connectAborted, connectFailure, connectionLost, endpointName, forwardFailure, type Phase } from './ssh-errors.js';
import type { ConnectionFacts, SshEndpoint, Target } from './transport.js';

/** A dead peer is noticed after interval (seconds) times count. */
const KEEPALIVE = { interval: 5, count: 3 };

/** What it takes to open one link. */
export interface LinkOptions {
  endpoint: SshEndpoint;
  /** Inventory name of the target, for messages. */
  host: string;
  hostKeys: Target['hostKeys'];
  /** Seconds for everything up to the login. */
  seconds: number;
  keys: KeySources;
  keepalive?: Target['keepalive'] | undefined;
  /** The jump host to go through. */
  through?: SshLink | undefined;
  signal?: AbortSignal | undefined;
  /** Milliseconds that this handshake waited for its turn. */
  queuedMs?: number;
}

function clientOf(ssh: NodeSSH): Client {
  if (ssh.connection === null) throw new Error('node-ssh made no client');
  return ssh.connection;
}

/** Rejects when the signal aborts; `done` takes the listener away. */
function aborted(signal: AbortSignal | undefined): { promise: Promise<never>; done(): void } {
  let listener = (): void => {};
  const promise = new Promise<never>((_, reject) => {
    listener = () => reject(signal?.reason);
    if (signal?.aborted) listener();
    else signal?.addEventListener('abort', listener, { once: true });
  });
  promise.catch(() => {});
  return { promise, done: () => signal?.removeEventListener('abort', listener) };
}

/** An authenticated SSH connection to one endpoint, which is a target or a jump host. */
export class SshLink {
  readonly endpoint: SshEndpoint;
  readonly client: Client;
  readonly #ssh: NodeSSH;
  readonly #host: string;
  readonly #lostListeners: ((error: PgprovError) => void)[] = [];
  #lost: PgprovError | undefined;
  #facts: ConnectionFacts = { authentication: 'nothing', hostKey: { type: '', fingerprint: '', file: '' }, queuedMs: 0 };
  #lastError: Error | undefined;
  #heardAt = performance.now();
  #closing = false;
  readonly #gone: Promise<void>;

  private constructor(ssh: NodeSSH, client: Client, endpoint: SshEndpoint, host: string) {
    this.#ssh = ssh;
    this.client = client;
    this.endpoint = endpoint;
    this.#host = host;
    // Once connected nobody else listens for errors, and a reset would end the process.
    client.on('error', (error) => (this.#lastError = error));
    this.#gone = new Promise((resolve) => client.once('close', resolve));
  }

  /** @throws PgprovError saying why there is no connection */
  static async open(options: LinkOptions): Promise<SshLink> {
    const { endpoint, host, seconds, signal, through, keepalive = KEEPALIVE, queuedMs = 0 } = options;
    const login = await prepareLogin(endpoint, host, options.keys);
    const check = await HostKeyCheck.load(endpoint, host, endpoint.hostKeys ?? options.hostKeys);
    const attempted: Attempted = {
      endpoint,
      host,
      phase: 'tcp',
      seconds,
      login,
      ...(through === undefined ? {} : { via: endpointName(through.endpoint) }),
    };
    const deadline = Date.now() + seconds * 1000;
    const abort = aborted(signal);
    let link: SshLink | undefined;
    try {
      const sock = await through?.forward(attempted, deadline, abort.promise);
      signal?.throwIfAborted();
      attempted.phase = sock === undefined ? 'tcp' : 'handshake';
      const ssh = new NodeSSH();
      const connecting = ssh.connect({
        host: endpoint.address,
        port: endpoint.port,
        username: endpoint.user,
        ...(sock === undefined ? {} : { sock }),
        keepaliveInterval: keepalive.interval * 1000,
        keepaliveCountMax: keepalive.count,
        readyTimeout: Math.max(1, deadline - Date.now()),
        algorithms: { serverHostKey: check.algorithms as never[] },
        hostVerifier: (key: Buffer) => check.verify(key),
        authHandler: login.handler(endpoint.user),
      });
      link = new SshLink(ssh, clientOf(ssh), endpoint, host);
      signAtOnce(link.client);
      ignoreHostKeyOffers(link.client);
      await Promise.race([link.#ready(connecting, (phase) => (attempted.phase = phase)), abort.promise]);
      await check.record();
      link.#watch();
      link.#facts = { authentication: login.used, hostKey: check.facts, queuedMs };
      return link;
    } catch (error) {
      link?.client.destroy();
      if (signal?.aborted) throw connectAborted(endpoint, host, signal.reason);
      throw check.refused ?? connectFailure(error, attempted);
    } finally {
      abort.done();
    }
  }

  #ready(connecting: Promise<unknown>, onPhase: (phase: Phase) => void): Promise<void> {
    const { client } = this;
    client.once('connect', () => onPhase('handshake'));
    client.once('handshake', () => onPhase('login'));
    return new Promise((resolve, reject) => {
      // An agent that fails to sign is an error event too, but ssh2 continues with the next key.
      const fail = (error: Error & { level?: string }): void => {
        if (error.level !== 'agent') reject(error);
      };
      client.once('ready', resolve);
      client.on('error', fail);
      client.once('close', () => reject(this.#lastError ?? new Error('the server closed the connection')));
      connecting.catch(fail);
    });
  }

  #watch(): void {
    onHeard(this.client, () => (this.#heardAt = performance.now()));
    void this.#gone.then(() => {
      if (this.#closing) return;
      const error = connectionLost(this.endpoint, this.#host, this.#lastError);
      this.#lost = error;
      for (const listener of this.#lostListeners) listener(error);
    });
  }

  /** How the connection came about. */
  get facts(): ConnectionFacts {
    return this.#facts;
  }

  /** Milliseconds since anything came from the other side. */
  get quietMs(): number {
    return performance.now() - this.#heardAt;
  }

  /** What ended the connection; undefined while it lives, and after a `close`. */
  get lost(): PgprovError | undefined {
    return this.#lost;
  }

  /** Calls the listener once when the connection is lost, at once when it already is. */
  onLost(listener: (error: PgprovError) => void): void {
    if (this.#lost === undefined) this.#lostListeners.push(listener);
    else listener(this.#lost);
  }

  /** Resolves when the connection is gone, however that came about. */
  get gone(): Promise<void> {
    return this.#gone;
  }

  /** Opens a TCP connection from this jump host to the endpoint behind it. */
  async forward(attempted: Attempted, deadline: number, abort: Promise<never>): Promise<Duplex> {
    const { address, port } = attempted.endpoint;
    const opening = this.#ssh.forwardOut('127.0.0.1', 0, address, port);
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('timed out')), Math.max(1, deadline - Date.now()));
    });
    try {
      const channel = await Promise.race([opening, timeout, abort, this.#breakdown()]);
      channel.on('error', () => {});
      return channel;
    } catch (error) {
      opening.then(
        (late) => late.destroy(),
        () => {},
      );
      throw forwardFailure(error, attempted);
    } finally {
      clearTimeout(timer);
    }
  }

  async #breakdown(): Promise<never> {
    await this.#gone;
    throw this.#lastError ?? new Error('the jump host closed the connection');
  }

  /** Says goodbye. The other side's answer, a round trip later, is not waited for: `gone` resolves when it has come. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#lost === undefined) this.client.end();
  }
}

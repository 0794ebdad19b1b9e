import { setTimeout } from 'node:timers/promises';
import { asPgprovError, UnreachableError, type PgprovError } from '../lib/errors.js';
import type { Connection, Exec, ExecEnd, ExecRequest, Target, Transport } from './transport.js';

/** Milliseconds for which a look waits for a host that did not answer before. */
const AGAIN_MS = 1000;

/** How long a look waits for hosts. */
export interface KeptOptions {
  /** Milliseconds that a host may take over one script, asked anew for each; undefined: as long as it takes. */
  patience(): number | undefined;
  /** A host that could not be reached is tried again beside the looks, which go on without it; default: a look waits for the attempt. */
  aside?: boolean;
}

/**
 * Connections for who looks at hosts again and again: those that are handed out stay open when they are closed, and are handed out again. A
 * connection that was lost is made anew by the next `connect`. A host that keeps a look waiting is reported as silent, and used again once it
 * has answered.
 */
export class KeptConnections implements Transport {
  readonly #inner: Transport;
  readonly #options: KeptOptions;
  readonly #hosts = new Map<string, KeptHost>();
  readonly #closing = new AbortController();

  constructor(inner: Transport, options: KeptOptions) {
    this.#inner = inner;
    this.#options = options;
  }

  async connect(target: Target, signal?: AbortSignal): Promise<Connection> {
    const host = this.#hosts.get(target.name) ?? new KeptHost(target, this.#inner, this.#options, this.#closing.signal);
    this.#hosts.set(target.name, host);
    return host.connect(signal);
  }

  /** Closes all of them, and gives up those under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#hosts.values()].map((host) => host.close()));
  }
}

class KeptHost {
  readonly #target: Target;
  readonly #inner: Transport;
  readonly #options: KeptOptions;
  readonly #closing: AbortSignal;
  #connection: Connection | undefined;
  #connecting: Promise<Connection> | undefined;
  /** Why there is no connection, or was none last time. */
  #failed: PgprovError | undefined;
  /** A script that was not waited for any longer is still running. */
  #silent: PgprovError | undefined;

  constructor(target: Target, inner: Transport, options: KeptOptions, closing: AbortSignal) {
    this.#target = target;
    this.#inner = inner;
    this.#options = options;
    this.#closing = closing;
  }

  async connect(signal?: AbortSignal): Promise<Connection> {
    if (this.#silent !== undefined) throw this.#silent;
    const connection = this.#connection ?? (await this.#reach(signal));
    const { facts } = connection;
    return {
      ...(facts === undefined ? {} : { facts }),
      exec: (request) => this.#exec(connection, request),
      onLost: (listener) => connection.onLost(listener),
      close: async () => undefined,
    };
  }

  async close(): Promise<void> {
    await this.#connection?.close();
  }

  async #reach(signal: AbortSignal | undefined): Promise<Connection> {
    const attempt = (this.#connecting ??= this.#open());
    const failed = this.#failed;
    if (failed === undefined || this.#options.aside !== true) return orAborted(attempt, signal);
    const late = new AbortController();
    const giveUp = setTimeout(AGAIN_MS, undefined, { signal: late.signal }).then(() => {
      throw failed;
    });
    giveUp.catch(() => undefined);
    try {
      return await orAborted(Promise.race([attempt, giveUp]), signal);
    } finally {
      late.abort();
    }
  }

  #open(): Promise<Connection> {
    const attempt = this.#inner.connect(this.#target, this.#closing).then(
      (connection) => {
        this.#connection = connection;
        connection.onLost((error) => {
          this.#failed = error;
          if (this.#connection === connection) this.#connection = undefined;
        });
        return connection;
      },
      (error: unknown) => {
        this.#failed = asPgprovError(error, this.#target.name);
        throw this.#failed;
      },
    );
    void attempt.catch(() => undefined).finally(() => (this.#connecting = undefined));
    return attempt;
  }

  async #exec(connection: Connection, request: ExecRequest): Promise<Exec> {
    const ms = this.#options.patience();
    const starting = connection.exec(request);
    if (ms === undefined) return starting;
    const error = new UnreachableError({
      kind: 'ssh/silent',
      host: this.#target.name,
      message: `${this.#target.name} has not answered for ${Math.max(1, Math.round(ms / 1000))} s`,
      hint: 'it may be overloaded or waiting for a disk; look there for what hangs',
    });
    const done = new AbortController();
    const silent: Promise<ExecEnd> = setTimeout(ms, undefined, { signal: done.signal }).then(
      () => {
        this.#silent = error;
        const answered = (): void => void (this.#silent = undefined);
        void starting.then(({ ended }) => ended).then(answered, answered);
        return { code: null, stderr: '', error };
      },
      () => new Promise<never>(() => undefined),
    );
    // Whether it comes too late to start or to end makes no difference to who asked.
    const exec = await Promise.race([
      starting.catch((reason: unknown) => {
        done.abort();
        throw reason;
      }),
      silent.then(() => {
        throw error;
      }),
    ]);
    void exec.ended.then(() => done.abort());
    return { ended: Promise.race([exec.ended, silent]), closeInput: () => exec.closeInput(), kill: () => exec.kill() };
  }
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

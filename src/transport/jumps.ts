import { asPgprovError, type PgprovError } from '../lib/errors.js';
import type { Limiter } from './limiter.js';
import type { KeySources } from './login.js';
import { connectAborted, jumpFailure } from './ssh-errors.js';
import { SshLink } from './ssh-link.js';
import type { SshEndpoint, Target } from './transport.js';

/** The right to use a shared jump host until `release`. */
export interface Lease {
  link: SshLink;
  release(): Promise<void>;
}

/** What went wrong with a hop, before it is told to each of the targets that waited for it. */
class HopFailure extends Error {
  readonly index: number;
  readonly endpoint: SshEndpoint;
  readonly why: PgprovError;

  constructor(index: number, endpoint: SshEndpoint, why: PgprovError) {
    super(why.message);
    this.index = index;
    this.endpoint = endpoint;
    this.why = why;
  }
}

interface Shared {
  link: Promise<SshLink>;
  users: number;
  abort: AbortController;
}

/** Connections to jump hosts, one for each distinct way, shared by all targets behind it. */
export class JumpPool {
  readonly #shared = new Map<string, Shared>();
  readonly #keys: KeySources;
  readonly #limiterFor: (jump: readonly SshEndpoint[]) => Limiter;

  /** @param limiterFor caps the handshakes on a given way, which may be direct */
  constructor(keys: KeySources, limiterFor: (jump: readonly SshEndpoint[]) => Limiter) {
    this.#keys = keys;
    this.#limiterFor = limiterFor;
  }

  /**
   * Leases the last hop of the target's way, connecting what is not connected yet.
   * @throws PgprovError `ssh/jump-failed` naming the hop
   */
  async lease(target: Target, signal: AbortSignal | undefined): Promise<Lease> {
    try {
      return await this.#lease(target, target.jump.length, signal);
    } catch (error) {
      if (signal?.aborted) throw connectAborted(target, target.name, signal.reason);
      if (!(error instanceof HopFailure)) throw asPgprovError(error, target.name);
      throw jumpFailure(error.why, target.name, error.endpoint, error.index, target.jump.length);
    }
  }

  async #lease(target: Target, count: number, signal: AbortSignal | undefined): Promise<Lease> {
    const hops = target.jump.slice(0, count);
    // Everything that makes a difference to how a hop is entered is part of its identity.
    const identity = JSON.stringify([
      hops.map(({ password, keyPassphrase, ...rest }) => [rest, password !== undefined, keyPassphrase !== undefined]),
      target.hostKeys,
    ]);
    let shared = this.#shared.get(identity);
    if (shared === undefined) {
      const abort = new AbortController();
      shared = { users: 0, abort, link: this.#open(target, hops, abort.signal) };
      void shared.link
        .then(
          (link) => link.gone,
          () => {},
        )
        .then(() => this.#forget(identity, shared));
      this.#shared.set(identity, shared);
    }
    return this.#join(identity, shared, signal);
  }

  async #join(identity: string, shared: Shared, signal: AbortSignal | undefined): Promise<Lease> {
    shared.users += 1;
    let released: Promise<void> | undefined;
    const release = (): Promise<void> => (released ??= this.#release(identity, shared));
    try {
      return { link: await orAborted(shared.link, signal), release };
    } catch (error) {
      await release();
      throw error;
    }
  }

  async #release(identity: string, shared: Shared): Promise<void> {
    shared.users -= 1;
    if (shared.users > 0) return;
    this.#forget(identity, shared);
    shared.abort.abort();
    const link = await shared.link.catch(() => undefined);
    link?.close();
  }

  #forget(identity: string, shared: Shared | undefined): void {
    if (this.#shared.get(identity) === shared) this.#shared.delete(identity);
  }

  async #open(target: Target, hops: readonly SshEndpoint[], signal: AbortSignal): Promise<SshLink> {
    const index = hops.length - 1;
    const endpoint = hops[index];
    if (endpoint === undefined) throw new RangeError('a way without hops');
    const before = index > 0 ? await this.#lease(target, index, signal) : undefined;
    const { hostKeys, connectTimeout: seconds, keepalive } = target;
    const host = endpoint.address;
    try {
      const open = (): Promise<SshLink> =>
        SshLink.open({ endpoint, host, hostKeys, seconds, keepalive, keys: this.#keys, through: before?.link, signal });
      const link = await this.#limiterFor(hops.slice(0, index)).run(open, signal);
      void link.gone.then(() => before?.release());
      return link;
    } catch (error) {
      await before?.release();
      throw new HopFailure(index, endpoint, asPgprovError(error, host));
    }
  }
}

/** Waits for a link that others may be waiting for too, so that giving up leaves theirs alone. */
async function orAborted(link: Promise<SshLink>, signal: AbortSignal | undefined): Promise<SshLink> {
  if (signal === undefined) return link;
  let onAbort = (): void => {};
  const abort = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([link, abort]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

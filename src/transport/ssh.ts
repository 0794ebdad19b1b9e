import { asPgprovError } from '../lib/errors.js';
import { JumpPool } from './jumps.js';
import { Limiter } from './limiter.js';
import type { KeySources } from './login.js';
import { connectAborted } from './ssh-errors.js';
import { SshConnection } from './ssh-connection.js';
import { SshLink } from './ssh-link.js';
import type { Connection, SshEndpoint, Target, Transport } from './transport.js';

/** Hosts reached directly have an sshd each, so only this machine's files and CPU set the limit. */
const DIRECT_HANDSHAKES = 50;

/**
 * sshd's MaxStartups (10:30:100) drops connections at random from the eleventh unauthenticated one on, and it learns of a
 * login a little later than we do.
 */
const JUMP_HANDSHAKES = 8;

/** Opens SSH connections: host keys always checked, jump hosts shared, handshakes capped. */
export class SshTransport implements Transport {
  readonly #keys: KeySources;
  readonly #direct = new Limiter(DIRECT_HANDSHAKES);
  readonly #behind = new Map<string, Limiter>();
  readonly #jumps: JumpPool;

  /** @param keys default: $SSH_AUTH_SOCK and the home directory of the user */
  constructor(keys: KeySources = { agentSocket: process.env['SSH_AUTH_SOCK'] }) {
    this.#keys = keys;
    this.#jumps = new JumpPool(keys, (jump) => this.#limiterFor(jump));
  }

  async connect(target: Target, signal?: AbortSignal): Promise<Connection> {
    const { name: host, hostKeys, connectTimeout: seconds, keepalive } = target;
    const lease = target.jump.length > 0 ? await this.#jumps.lease(target, signal) : undefined;
    const release = async (): Promise<void> => lease?.release();
    try {
      const asked = performance.now();
      const open = (): Promise<SshLink> => {
        const queuedMs = performance.now() - asked;
        return SshLink.open({
          endpoint: target,
          host,
          hostKeys,
          seconds,
          keepalive,
          keys: this.#keys,
          through: lease?.link,
          signal,
          queuedMs,
        });
      };
      const link = await this.#limiterFor(target.jump).run(open, signal);
      return new SshConnection(link, target, release);
    } catch (error) {
      await release();
      throw signal?.aborted ? connectAborted(target, host, signal.reason) : asPgprovError(error, host);
    }
  }

  #limiterFor([first]: readonly SshEndpoint[]): Limiter {
    if (first === undefined) return this.#direct;
    const key = `${first.address}:${first.port}`;
    const limiter = this.#behind.get(key) ?? new Limiter(JUMP_HANDSHAKES);
    this.#behind.set(key, limiter);
    return limiter;
  }
}

import { randomBytes } from 'node:crypto';

import type { ClientChannel } from 'ssh2';

import { type PgprovError, UnreachableError } from '../lib/errors.js';
import { becomeRoot } from './become.js';
import { RepeatedExec } from './repeated-exec.js';
import { connectionLost, endpointName } from './ssh-errors.js';
import { type Silence, SshExec } from './ssh-exec.js';
import type { SshLink } from './ssh-link.js';
import { wantsTerminal } from './terminal.js';
import type { Connection, ConnectionFacts, Exec, ExecRequest, Target } from './transport.js';

/** The Connection of an ssh link to a target. */
export class SshConnection implements Connection {
  readonly #link: SshLink;
  readonly #target: Target;
  readonly #onClosed: () => Promise<void>;
  readonly #running = new Set<SshExec>();
  readonly #closing = new AbortController();
  /** sudo has refused to do without a terminal once. */
  #terminal = false;

  /** @param onClosed lets go of the jump host once the link is gone */
  constructor(link: SshLink, target: Target, onClosed: () => Promise<void>) {
    this.#link = link;
    this.#target = target;
    this.#onClosed = onClosed;
    void link.gone.then(() => {
      this.#endAll();
      return onClosed();
    });
  }

  async exec(request: ExecRequest): Promise<Exec> {
    const settled = this.#terminal || this.#target.become.method !== 'sudo';
    const first = await this.#start(request);
    if (settled) return first;
    return new RepeatedExec(first, (end) => {
      if (first.becameRoot || !wantsTerminal(end)) return undefined;
      this.#terminal = true;
      return this.#start(request);
    });
  }

  get facts(): ConnectionFacts {
    return this.#link.facts;
  }

  get quietMs(): number {
    return this.#link.quietMs;
  }

  onLost(listener: (error: PgprovError) => void): void {
    this.#link.onLost(listener);
  }

  async close(): Promise<void> {
    this.#link.close();
    this.#closing.abort();
    // A peer that fell silent never ends them, and the kernel gives it a quarter of an hour.
    this.#endAll();
    await this.#onClosed();
  }

  #endAll(): void {
    for (const exec of this.#running) exec.end(null);
  }

  async #start(request: ExecRequest): Promise<SshExec> {
    const { command, dialogue } = becomeRoot(this.#target.become, randomBytes(8).toString('hex'), this.#terminal);
    const channel = await this.#channel(command);
    const exec = new SshExec(channel, request, dialogue, this.#silence());
    this.#running.add(exec);
    void exec.ended.then(() => this.#running.delete(exec));
    return exec;
  }

  #silence(): Silence | undefined {
    const { commandTimeout: seconds = 0, name: host } = this.#target;
    if (seconds === 0) return undefined;
    const error = new UnreachableError({
      kind: 'ssh/silent',
      host,
      message: `nothing was heard from ${host} (${endpointName(this.#target)}) for ${seconds} s while a script was running there`,
      hint: 'the command may still be running on the host: look there for what hangs; if it only takes long, raise ssh.command_timeout; then run again',
    });
    return { ms: seconds * 1000, error };
  }

  // The ssh2 client rather than node-ssh's execCommand, which ends stdin at once and keeps all of stdout a second
  // time, decoded chunk by chunk.
  #channel(command: string): Promise<ClientChannel> {
    if (this.#link.lost !== undefined) return Promise.reject(this.#link.lost);
    const { signal } = this.#closing;
    let closed = (): void => undefined;
    const opening = new Promise<ClientChannel>((resolve, reject) => {
      closed = () => reject(connectionLost(this.#target, this.#target.name, new Error('it was closed on this side')));
      signal.addEventListener('abort', closed, { once: true });
      const refuse = (error: Error): void => reject(this.#noChannel(error));
      try {
        this.#link.client.exec(command, (error, channel) => (error ? refuse(error) : resolve(channel)));
      } catch (error) {
        // ssh2 throws when the socket is no longer writable.
        reject(connectionLost(this.#target, this.#target.name, error as Error));
      }
    });
    return opening.finally(() => signal.removeEventListener('abort', closed));
  }

  #noChannel(cause: Error): PgprovError {
    const { name: host } = this.#target;
    return new UnreachableError({
      kind: 'ssh/no-channel',
      message: `${host} (${endpointName(this.#target)}) would not start a shell: ${cause.message}`,
      hint: 'check MaxSessions and ForceCommand in the sshd_config of the host, and the login shell of the user',
      host,
      cause,
    });
  }
}

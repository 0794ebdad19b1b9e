import { PgprovError, UnreachableError } from '../lib/errors.js';
import { redact } from '../lib/secret.js';
import type { Host } from '../model/index.js';
import { toTarget } from '../model/index.js';
import { FrameParser, frameScript, type Answer, type FrameListener, type FrameOptions, type Section } from '../shell/frame.js';
import { LOCK_REFUSED, LOCK_UNAVAILABLE, STEP_BUSY } from '../shell/lock.js';
import { lockedBy } from '../store/local-lock.js';
import { explainBecomeFailure } from '../transport/become-failure.js';
import type { Connection, Exec, Transport } from '../transport/transport.js';

/** The answers of one exec by section id, and the exec itself while it holds a lock. */
export interface Answers {
  byId: Map<string, Answer>;
  exec: Exec;
}

/** One host's connection for the length of a run, and what is known of the host. */
export class Session {
  readonly host: Host;
  /** What each observation saw last, by its id. */
  readonly states = new Map<string, unknown>();
  readonly #connection: Connection;
  /** Scripts sent so far; a changeless apply sends one. */
  execs = 0;

  private constructor(host: Host, connection: Connection) {
    this.host = host;
    this.#connection = connection;
  }

  static async open(host: Host, transport: Transport, signal?: AbortSignal): Promise<Session> {
    return new Session(host, await transport.connect(toTarget(host), signal));
  }

  /** Milliseconds that the handshake waited for its turn. */
  get queuedMs(): number {
    return this.#connection.facts?.queuedMs ?? 0;
  }

  /**
   * Sends sections as one script and gives their answers. With `hold` the script stays, keeping what it
   * locked, until `exec.closeInput()`; the answers are given as soon as they are complete.
   * @throws UnreachableError `ssh/connection-lost` when the end of the answer never came
   */
  async run(sections: readonly Section[], options: FrameOptions & { listener?: FrameListener } = {}): Promise<Answers> {
    const framed = frameScript(sections, options);
    const byId = new Map<string, Answer>();
    this.execs += 1;
    let settle: (() => void) | undefined;
    const complete = new Promise<void>((resolve) => (settle = resolve));
    const parser = new FrameParser(framed.nonce, {
      ...options.listener,
      done: (id, answer) => {
        byId.set(id, answer);
        options.listener?.done?.(id, answer);
      },
    });
    const exec = await this.#connection.exec({
      script: framed.text,
      holdInput: options.afterwards !== undefined,
      isComplete: () => parser.complete,
      onStdout: (chunk) => {
        parser.push(chunk);
        if (parser.complete) settle?.();
      },
    });
    const end = await Promise.race([complete, exec.ended]);
    if (!parser.complete && end !== undefined) {
      throw end.error ?? explainBecomeFailure(end, toTarget(this.host)) ?? this.#cut(parser.unfinished, end.stderr);
    }
    const refused = byId.get(LOCK_REFUSED);
    if (refused !== undefined) throw lockedBy(refused.out.toString('utf8').trim(), this.host.name);
    if (byId.has(LOCK_UNAVAILABLE)) throw this.#noLock();
    if (byId.has(STEP_BUSY)) throw this.#busy();
    return { byId, exec };
  }

  #cut(unfinished: string | undefined, stderr: string): PgprovError {
    const during = unfinished === undefined ? '' : ` during ${unfinished.replace(/^do:/u, '')}`;
    const words = redact(stderr.trim()).split('\n').slice(-3).join(' | ');
    return new UnreachableError({
      kind: 'ssh/connection-lost',
      host: this.host.name,
      message: `the connection to ${this.host.name} was lost${during}${words === '' ? '' : `; the host said: ${words}`}`,
      hint: 'what was sent may still be running there; run the same command again, it waits for that and goes on',
    });
  }

  #noLock(): PgprovError {
    return new PgprovError({
      kind: 'lock/unavailable',
      host: this.host.name,
      message: `${this.host.name}: ${this.host.ssh.user} cannot take pgprov's lock in /run`,
      hint: 'changes need root: set ssh.become to sudo, or log in as root; the flock command (util-linux) must be there',
    });
  }

  #busy(): PgprovError {
    return new PgprovError({
      kind: 'lock/step-busy',
      host: this.host.name,
      message: `a step that an interrupted run left on ${this.host.name} is still running`,
      hint: 'look for it there with `fuser -v /run/pgprov-step.lock`, let it end or end it, then run again',
    });
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}

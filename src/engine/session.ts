import { type Handle, stateOf } from '../resources/handle.js';
import { PgprovError, UnreachableError } from '../lib/errors.js';
import { redact } from '../lib/secret.js';
import type { Host } from '../model/index.js';
import { toTarget } from '../model/index.js';
import { FrameParser, frameScript, type Answer, type FrameListener, type FrameOptions, type Section } from '../shell/frame.js';
import { StreamReader, streamScript } from '../shell/stream.js';
import type { Script } from '../shell/quote.js';
import { LOCK_REFUSED, LOCK_UNAVAILABLE, STEP_BUSY } from '../shell/lock.js';
import { isOver } from '../store/lock-file.js';
import { lockedBy } from '../store/local-lock.js';
import { explainBecomeFailure } from '../transport/become-failure.js';
import type { Connection, Exec, Transport } from '../transport/transport.js';

/** Milliseconds in which a busy host has let go of the lock of a run that is over; each try waits some seconds. */
const LET_GO_WITHIN = 30_000;

/** The answers of one exec by section id, and the exec itself while it holds a lock. */
export interface Answers {
  byId: Map<string, Answer>;
  exec: Exec;
}

/** A script whose output is taken while it comes. */
export interface Stream {
  /** Resolves when all of it was sent; rejects with an UnreachableError where its end never came. */
  readonly ended: Promise<void>;
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
   * What an observation saw, which the host was asked.
   * @throws RangeError when it was not
   */
  seen<State>(handle: Handle<State>): State {
    if (!this.states.has(handle.id)) throw new RangeError(`${this.host.name} was not asked for ${handle.id}`);
    return stateOf(this.states, handle) as State;
  }

  /**
   * Sends sections as one script and gives their answers. With `hold` the script stays, keeping what it
   * locked, until `exec.closeInput()`; the answers are given as soon as they are complete.
   * @throws UnreachableError `ssh/connection-lost` when the end of the answer never came
   */
  async run(sections: readonly Section[], options: FrameOptions & { listener?: FrameListener } = {}): Promise<Answers> {
    const until = Date.now() + LET_GO_WITHIN * this.host.patience;
    for (;;) {
      const answers = await this.#attempt(sections, options);
      const refused = answers.byId.get(LOCK_REFUSED);
      if (refused === undefined) return answers;
      const holder = refused.out.toString('utf8').trim();
      if (!isOver(holder) || Date.now() >= until) throw lockedBy(holder, this.host.name);
      options.listener?.note?.(`waiting until a run that is over has let go of the host: ${holder}`);
    }
  }

  async #attempt(sections: readonly Section[], options: FrameOptions & { listener?: FrameListener }): Promise<Answers> {
    const framed = frameScript(sections, { patience: this.host.patience, ...options });
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
    const watch = this.#watchQuiet(options.listener);
    const end = await Promise.race([complete, exec.ended]).finally(() => clearInterval(watch));
    if (!parser.complete && end !== undefined) {
      throw end.error ?? explainBecomeFailure(end, toTarget(this.host)) ?? this.#cut(parser.unfinished, end.stderr);
    }
    if (byId.has(LOCK_UNAVAILABLE)) throw this.#noLock();
    if (byId.has(STEP_BUSY)) throw this.#busy();
    return { byId, exec };
  }

  /**
   * Sends a script whose output is taken line by line while it comes; one that follows something ends when its input is closed.
   * @param onLine gets a line without its line feed, as the host sent it
   */
  async stream(script: Script, onLine: (line: Buffer) => void): Promise<Stream> {
    const framed = streamScript(script);
    this.execs += 1;
    const reader = new StreamReader(framed.nonce, onLine);
    const exec = await this.#connection.exec({ script: framed.text, holdInput: true, onStdout: (chunk) => reader.push(chunk) });
    const ended = async (): Promise<void> => {
      const end = await exec.ended;
      if (!reader.complete) throw end.error ?? explainBecomeFailure(end, toTarget(this.host)) ?? this.#cut(undefined, end.stderr);
    };
    const over = ended();
    // Who stops listening has heard enough.
    over.catch(() => undefined);
    return { ended: over };
  }

  #cut(unfinished: string | undefined, stderr: string): PgprovError {
    const during = unfinished === undefined ? '' : ` during ${unfinished.replace(/^do:/u, '')}`;
    const words = redact(stderr.trim()).split('\n').slice(-3).join(' | ');
    return new UnreachableError({
      kind: 'ssh/connection-lost',
      host: this.host.name,
      message: `the connection to ${this.host.name} was lost${during}${words === '' ? '' : `; the host said: ${words}`}`,
      hint: 'the script may still be running on the host; run the same command again: it waits for that script and continues',
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

  /** Says now and then that the host is silent, before its connection counts as lost: what is waited for shows in nothing else. */
  #watchQuiet(listener: FrameListener | undefined): NodeJS.Timeout | undefined {
    const { interval, count } = this.host.ssh.keepalive;
    if (interval === 0 || listener?.note === undefined) return undefined;
    const look = (): void => {
      const quiet = Math.floor((this.#connection.quietMs ?? 0) / 1000);
      if (quiet < 2 * interval) return;
      listener.note?.(
        `nothing has been heard from ${this.host.name} for ${quiet} s; after about ${interval * (count + 1)} s it counts as lost`,
      );
    };
    return setInterval(look, interval * 1000);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}

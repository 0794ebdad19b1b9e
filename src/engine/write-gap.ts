import { EventEmitter, once } from 'node:events';
import { performance } from 'node:perf_hooks';
import type { WriteGap } from '../events.js';
import { asPgprovError } from '../lib/errors.js';
import { COMMITTED } from '../resources/write-probe.js';
import type { Script } from '../shell/quote.js';
import type { Exec } from '../transport/transport.js';
import type { Session } from './session.js';

/** What the gap was, where it could be seen. */
export type SeenGap = Omit<WriteGap, 'type' | 'stage'>;

/** How a gap is measured. */
export interface WriteGapOptions {
  sessions: ReadonlyMap<string, Session>;
  /** What commits on a host without end (`writeProbe`); undefined for one without a database. */
  probeOf(host: string): Script | undefined;
  /** Aborting ends the waits for a commit. */
  signal: AbortSignal;
  /** Milliseconds to wait for a commit before the step; default 5000. */
  before?: number;
  /** Milliseconds to wait for a commit after the step; default 30000. */
  after?: number;
}

interface Commit {
  host: string;
  /** Milliseconds of this machine's clock, when the host's word arrived. */
  at: number;
}

/** A commit that is no older shows that writes succeed. */
const RECENT = 500;

/**
 * Sees how long no write succeeds while something is done: every host commits about ten times a second and says so, and the arrival of its
 * word is what counts, so one clock measures all hosts.
 */
export class WriteGapMeter {
  readonly #options: WriteGapOptions;
  readonly #commits = new EventEmitter();
  readonly #execs = new Set<Exec>();
  /** Hosts whose probe does not run any more, or never did, and why. */
  readonly #lost = new Map<string, string>();
  readonly #hosts: readonly string[];
  #last: Commit | undefined;
  #longest: { ms: number; from: string; to: string } | undefined;
  #before: Commit | undefined;
  #over = false;

  private constructor(options: WriteGapOptions) {
    this.#options = options;
    const probes = [...options.sessions].flatMap(([host, session]) => {
      const probe = options.probeOf(host);
      return probe === undefined ? [] : [{ host, session, probe }];
    });
    this.#hosts = probes.map(({ host }) => host);
    for (const { host, session, probe } of probes) void this.#start(host, session, probe);
  }

  /** Begins to measure: returns after the first commit, or when there is none in time. */
  static async begin(options: WriteGapOptions): Promise<WriteGapMeter> {
    const meter = new WriteGapMeter(options);
    await meter.#commitWithin(options.before ?? 5000);
    meter.#before = meter.#last;
    meter.#longest = undefined;
    return meter;
  }

  /** Waits until a write succeeds, and gives the longest time without one since `begin`. */
  async end(): Promise<SeenGap> {
    const again = (await this.#commitWithin(this.#options.after ?? 30_000)) || this.#isWriting();
    this.stop();
    const lost = [...this.#lost.keys()];
    return { ...this.#seen(again), ...(lost.length === 0 ? {} : { lost }) };
  }

  /** Ends what commits on the hosts. */
  stop(): void {
    this.#over = true;
    for (const exec of this.#execs) exec.closeInput();
  }

  async #start(host: string, session: Session, probe: Script): Promise<void> {
    try {
      const note = (text: string): void => (text === COMMITTED ? this.#committed(host) : undefined);
      const { exec } = await session.run([], { afterwards: probe, listener: { note } });
      this.#execs.add(exec);
      if (this.#over) exec.closeInput();
      await exec.ended;
      this.#lose(host, 'its connection was lost');
    } catch (error) {
      this.#lose(host, asPgprovError(error, host).message);
    }
  }

  #lose(host: string, why: string): void {
    if (this.#over) return;
    this.#lost.set(host, why);
    if (this.#lost.size === this.#hosts.length) this.#commits.emit('all-lost');
  }

  #committed(host: string): void {
    if (this.#over) return;
    const at = performance.now();
    const last = this.#last;
    if (last !== undefined && at - last.at > (this.#longest?.ms ?? -1)) this.#longest = { ms: at - last.at, from: last.host, to: host };
    this.#last = { host, at };
    this.#commits.emit('commit');
  }

  #isWriting(): boolean {
    return this.#last !== undefined && performance.now() - this.#last.at < RECENT;
  }

  async #commitWithin(ms: number): Promise<boolean> {
    if (this.#lost.size === this.#hosts.length) return false;
    const done = new AbortController();
    const signal = AbortSignal.any([done.signal, this.#options.signal, AbortSignal.timeout(ms)]);
    try {
      return await Promise.race([
        once(this.#commits, 'commit', { signal }).then(() => true),
        once(this.#commits, 'all-lost', { signal }).then(() => false),
      ]);
    } catch {
      return false;
    } finally {
      done.abort();
    }
  }

  #seen(again: boolean): Omit<SeenGap, 'lost'> {
    if (this.#last === undefined) return { unseen: this.#whyNothing() };
    if (this.#before === undefined) return { to: this.#last.host, unseen: 'no write succeeded before the step' };
    if (!again) {
      const seconds = Math.round((performance.now() - this.#last.at) / 1000);
      return { from: this.#last.host, unseen: `no write has succeeded in the ${seconds} s since the last commit on ${this.#last.host}` };
    }
    const { ms, ...hosts } = this.#longest ?? { ms: 0, from: this.#last.host, to: this.#last.host };
    return { ms: Math.round(ms), ...hosts };
  }

  #whyNothing(): string {
    if (this.#hosts.length === 0) return 'no host with a database is connected';
    const [first] = [...this.#lost];
    if (this.#lost.size === this.#hosts.length && first !== undefined) return `no host could be asked to commit: ${first[0]}: ${first[1]}`;
    return `no write succeeded on ${this.#hosts.join(', ')}`;
  }
}

import type { LookTimes } from '../events.js';
import type { FrameListener } from '../shell/frame.js';

/** Listens to the answers to a look at one host, and shows where the time went. It runs from its making. */
export class LookTimer implements FrameListener {
  readonly #probes: { id: string; ms: number }[] = [];
  #overheadMs = 0;
  #since = performance.now();

  begin(): void {
    this.#overheadMs += this.#lap();
  }

  done(id: string): void {
    this.#probes.push({ id: id.replace(/^see:/u, ''), ms: Math.round(this.#lap()) });
  }

  /** The times so far; those after the last answer belong to nobody. */
  get times(): LookTimes {
    return { overheadMs: Math.round(this.#overheadMs), probes: this.#probes.filter(({ ms }) => ms > 0) };
  }

  #lap(): number {
    const now = performance.now();
    const ms = now - this.#since;
    this.#since = now;
    return ms;
  }
}

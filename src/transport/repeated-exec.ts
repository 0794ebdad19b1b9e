import type { Exec, ExecEnd } from './transport.js';

/** An exec that is done once more, in another way, when its end says that nothing was run. */
export class RepeatedExec implements Exec {
  readonly ended: Promise<ExecEnd>;
  #current: Exec;
  #inputClosed = false;
  #killed = false;

  /** @param again starts the second exec; undefined when the first one counts */
  constructor(first: Exec, again: (end: ExecEnd) => Promise<Exec> | undefined) {
    this.#current = first;
    this.ended = this.#follow(first, again);
  }

  closeInput(): void {
    this.#inputClosed = true;
    this.#current.closeInput();
  }

  kill(): void {
    this.#killed = true;
    this.#current.kill();
  }

  async #follow(first: Exec, again: (end: ExecEnd) => Promise<Exec> | undefined): Promise<ExecEnd> {
    const end = await first.ended;
    const second = this.#killed ? undefined : again(end);
    if (second === undefined) return end;
    try {
      this.#current = await second;
    } catch (error) {
      // `ended` never rejects; without a code this reads as a connection that was lost, which it mostly is.
      return { code: null, stderr: (error as Error).message };
    }
    // What was asked for while the second exec was on its way.
    if (this.#inputClosed) this.#current.closeInput();
    if (this.#killed) this.#current.kill();
    return this.#current.ended;
  }
}

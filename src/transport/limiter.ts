interface Waiter {
  go(): void;
}

/** Lets at most `limit` pieces of work run at once; the rest wait in line, first come first served. */
export class Limiter {
  readonly #limit: number;
  readonly #line: Waiter[] = [];
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws the signal's reason when it aborts while waiting in line */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#running >= this.#limit) await this.#wait(signal);
    else this.#running += 1;
    try {
      return await work();
    } finally {
      const next = this.#line.shift();
      // The slot is handed over rather than freed, so that a newcomer cannot take it first.
      if (next === undefined) this.#running -= 1;
      else next.go();
    }
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#line.splice(this.#line.indexOf(waiter), 1);
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        go: () => {
          signal?.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      this.#line.push(waiter);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }
}

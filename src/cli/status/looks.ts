import { setTimeout } from 'node:timers/promises';
import type { EventListener } from '../../events.js';
import { KeptConnections, type KeptOptions } from '../../transport/kept.js';
import { clusterRun } from '../pipeline/cluster-run.js';
import type { EngineParts, Pipeline } from '../pipeline/pipeline.js';
import { readLook, type Seen } from './look.js';

/** Milliseconds between two looks, unless the command line says otherwise. */
export const USUAL_INTERVAL = 5000;

/** Looks at a cluster again and again over the same connections. */
export class Looks {
  readonly #pipeline: Pipeline;
  readonly #parts: EngineParts;
  readonly #connections: KeptConnections;

  constructor(pipeline: Pipeline, parts: EngineParts, options: KeptOptions) {
    this.#pipeline = pipeline;
    this.#parts = parts;
    this.#connections = new KeptConnections(parts.transport, options);
  }

  /** Looks once; undefined when it was interrupted meanwhile. */
  async look(emit: EventListener): Promise<Seen | undefined> {
    const { signal } = this.#parts;
    const run = clusterRun(this.#pipeline, { selection: {}, mode: 'survey' });
    const looked = run({ ...this.#parts, transport: this.#connections, emit });
    const outcome = await untilAborted(looked, signal);
    return outcome === undefined ? undefined : await readLook(this.#pipeline.inventory, outcome);
  }

  /** Waits; false when it was interrupted meanwhile. */
  async wait(ms: number): Promise<boolean> {
    const { signal } = this.#parts;
    await setTimeout(Math.max(0, ms), undefined, { signal }).catch(() => undefined);
    return !signal.aborted;
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }
}

/** Who interrupts does not wait for hosts that may not answer. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  let stop = (): void => undefined;
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    work.catch(() => undefined);
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

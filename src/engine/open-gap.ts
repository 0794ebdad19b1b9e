import type { EventListener } from '../events.js';
import type { HostStep } from '../plan/operation.js';
import { WriteGapMeter, type WriteGapOptions } from './write-gap.js';

/** The gap in writes that an operation is in, which one step begins, and the same or a later one ends. */
export class OpenGap {
  #open: { meter: WriteGapMeter; until: string } | undefined;

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** Begins to measure ahead of a step that begins a gap. */
  async begin({ id, measuresWriteGap: measured }: HostStep, options: WriteGapOptions): Promise<void> {
    if (measured === undefined || this.#open !== undefined) return;
    this.#open = { meter: await WriteGapMeter.begin(options), until: measured === true ? id : measured.until };
  }

  /** Tells of the gap after the step that ends it. */
  async end({ id }: HostStep, stage: string, emit: EventListener): Promise<void> {
    if (this.#open?.until === id) await this.close(stage, emit);
  }

  /** Waits until a write succeeds, and tells of the gap, if there is one. */
  async close(stage: string, emit: EventListener): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (open !== undefined) emit({ type: 'write-gap', stage, ...(await open.meter.end()) });
  }

  /** Ends the measurement without a word. */
  drop(): void {
    this.#open?.meter.stop();
    this.#open = undefined;
  }
}

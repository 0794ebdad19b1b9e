import type { RunEvent } from '../events.js';
import { ExitCode } from '../lib/errors.js';
import type { OperationRun } from '../plan/operation.js';
import { adviceBeside } from './advice.js';
import { deskOf } from './desk.js';
import type { OperateOptions } from './operate-options.js';

/** The operation, and what writes down and forgets that it was begun. */
type BegunOptions<Options extends object> = Pick<
  OperateOptions<Options>,
  'operation' | 'inventory' | 'source' | 'chosen' | 'begin' | 'end' | 'emit' | 'openStore' | 'putSecret' | 'editInventory'
>;

/**
 * What of an operation was begun, and so what becomes of its record when it ends before it is finished. A change that was begun on a host may
 * have been made there, whatever came of it: only where none was begun is nothing left to be finished.
 */
export class Begun<Options extends object> {
  readonly #options: BegunOptions<Options>;
  /** The record is written: a step that has anything to do comes next, or came. */
  #isWritten = false;
  #mayHaveMoved = false;
  #wroteAtDesk = false;
  #isPreparing = false;
  /** Everything is as it was before. */
  #isTakenBack = false;
  /** Hosts that were sent changes in the step they are in. */
  readonly #sent = new Set<string>();

  constructor(options: BegunOptions<Options>) {
    this.#options = options;
  }

  get isWritten(): boolean {
    return this.#isWritten;
  }

  /** It counts as unfinished when it ends now: this run or an earlier one has begun a change. */
  get #isUnfinished(): boolean {
    return !this.#isTakenBack && (this.#options.chosen !== undefined || this.#mayHaveMoved || this.#wroteAtDesk);
  }

  /** Advice of the operation, with commands that work although it is unfinished. */
  advice(text: string): string {
    const { operation, inventory, source } = this.#options;
    if (operation.keptInStore === true || operation.changesNothing === true || !this.#isUnfinished) return text;
    return adviceBeside(operation, inventory, text, source?.inventory.file);
  }

  /** Does what is in nobody's way, and so begins nothing. */
  async preparing(work: () => Promise<void>): Promise<void> {
    this.#isPreparing = true;
    await work().finally(() => {
      this.#isPreparing = false;
    });
  }

  /** Takes in what the run tells. */
  hear(event: RunEvent): void {
    if (this.#isPreparing) return;
    if (event.type === 'step-start' && event.changes > 0) this.#sent.add(event.host);
    if (event.type !== 'step-end') return;
    const { host, changes, begun, error } = event;
    // Of a host that fell silent only what it said before is known.
    const isUnknown = this.#sent.delete(host) && error?.exitCode === ExitCode.unreachable;
    if (changes > 0 || begun !== undefined || isUnknown) this.#mayHaveMoved = true;
  }

  /** Writes down what was chosen, before the first step that has anything to do. */
  async write(chosen: Options): Promise<void> {
    if (this.#isWritten) return;
    await this.#options.begin(chosen);
    this.#isWritten = true;
  }

  /** What was begun has been put back as it was. */
  takenBack(): void {
    this.#isTakenBack = true;
  }

  /** The control machine's own files change now. */
  atDesk(): void {
    this.#wroteAtDesk = true;
  }

  /** The operation ends before it is finished: says so, and forgets it where nothing was begun, by an earlier run neither. */
  async breakOff(run: OperationRun<Options>): Promise<void> {
    const { operation, end, emit } = this.#options;
    if (operation.broken !== undefined) {
      const desk = await deskOf(this.#options, ({ message, hint }) => emit({ type: 'warning', text: `${message}: ${hint}` }));
      const text = await operation.broken(run, { touched: this.#mayHaveMoved, desk });
      if (text !== undefined) emit({ type: 'warning', text });
    }
    if (!this.#isUnfinished) await end();
  }

  /** The operation is finished. */
  async finish(): Promise<void> {
    await this.#options.end();
  }
}

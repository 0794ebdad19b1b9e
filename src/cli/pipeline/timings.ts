import type { TimedListener } from '../../events.js';
import { redact } from '../../lib/secret.js';
import { timingsLine } from '../../report/json.js';
import { mapEvent } from '../../report/map-event.js';
import { timeRun, type TimedEvent, type Timings } from '../../report/timings.js';
import { renderTimings } from '../../report/timings-text.js';
import { colors } from '../colors.js';

/** Options of commands that can make a page about their run. */
export interface ReportOptions {
  /** The file to write it to. */
  report?: string;
}

/** Options of commands that can show where their time went. */
export interface TimingOptions {
  /** Tell it after everything else. */
  timings?: boolean;
}

/** Keeps the events of a run for those who ask for more than what is shown while it runs; shows where its time went. */
export class RunClock {
  readonly #wanted: boolean;
  readonly #keeps: boolean;
  readonly #events: TimedEvent[] = [];

  constructor({ timings = false, report }: TimingOptions & ReportOptions) {
    this.#wanted = timings;
    this.#keeps = timings || report !== undefined;
  }

  /** What was kept so far; nothing when nobody asked. */
  get events(): readonly TimedEvent[] {
    return this.#events;
  }

  /** Passes events on, each with the time it came kept. */
  readonly listen = (emit: TimedListener): TimedListener => {
    if (!this.#keeps) return emit;
    return (event, at = new Date()) => {
      this.#events.push({ ...mapEvent(event, redact), at: at.toISOString() });
      emit(event, at);
    };
  };

  /** Where the time went; undefined when nobody asked, or no run began. */
  get timings(): Timings | undefined {
    return this.#wanted ? timeRun(this.#events) : undefined;
  }

  /** Prints the view, or a line of JSON. */
  tell(output: string | undefined, out?: NodeJS.WriteStream): void {
    tellTimings(this.timings, output === 'json', out);
  }
}

/** Prints where the time went, below what was printed before; nothing when that is not known. */
export function tellTimings(timings: Timings | undefined, json: boolean, out: NodeJS.WriteStream = process.stdout): void {
  if (timings === undefined) return;
  if (json) out.write(`${timingsLine(timings, new Date())}\n`);
  else out.write(`\n${renderTimings(timings, { color: colors(out) })}\n`);
}

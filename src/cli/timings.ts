import type { EventListener } from '../events.js';
import { redact } from '../lib/secret.js';
import { mapEvent } from '../report/map-event.js';
import { timeRun, type TimedEvent, type Timings } from '../report/timings.js';
import { renderTimings } from '../report/timings-text.js';
import { colors } from './colors.js';

/** Options of commands that can tell where their time went. */
export interface TimingOptions {
  /** Tell it after everything else. */
  timings?: boolean;
}

/** Keeps the events of a run for `--timings`, and tells at its end where the time went; without the option it does nothing. */
export class RunClock {
  readonly #wanted: boolean;
  readonly #events: TimedEvent[] = [];

  constructor({ timings = false }: TimingOptions) {
    this.#wanted = timings;
  }

  /** Passes events on, each with the time it came kept. */
  readonly listen = (emit: EventListener): EventListener => {
    if (!this.#wanted) return emit;
    return (event) => {
      this.#events.push({ ...mapEvent(event, redact), at: new Date().toISOString() });
      emit(event);
    };
  };

  /** Where the time went; undefined when nobody asked, or no run began. */
  get timings(): Timings | undefined {
    return timeRun(this.#events);
  }

  /** Prints the view, or a line of JSON. */
  tell(output: string | undefined): void {
    tellTimings(this.timings, output === 'json');
  }
}

/** Prints where the time went, below what was printed before; nothing when that is not known. */
export function tellTimings(timings: Timings | undefined, json: boolean): void {
  if (timings === undefined) return;
  if (json) process.stdout.write(`${JSON.stringify({ type: 'timings', at: new Date().toISOString(), ...timings })}\n`);
  else process.stdout.write(`\n${renderTimings(timings, { color: colors(process.stdout) })}\n`);
}

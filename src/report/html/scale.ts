import { formatDuration } from '../duration.js';

/** A stretch of the page's width, in percent. */
export interface Stretch {
  x: string;
  width: string;
}

/** A round moment, and to which side of it there is room for its label. */
export interface Tick {
  x: string;
  label: string;
  anchor: 'middle' | 'end';
}

/** Anything shorter would not be seen. */
const LEAST = 0.15;

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400].map((seconds) => seconds * 1000);

/** A label has room on a phone for so many. */
const MOST_TICKS = 5;

/** Draws times of a run to scale. */
export class Scale {
  readonly #totalMs: number;

  /** `totalMs`: what the whole width stands for. */
  constructor(totalMs: number) {
    this.#totalMs = Math.max(1, totalMs);
  }

  /** Where something from one moment to another lies, in milliseconds since the start of the process. */
  stretch(from: number, to: number): Stretch {
    const width = Math.max(LEAST, this.#percent(to - from));
    return { x: text(Math.min(this.#percent(from), 100 - width)), width: text(width) };
  }

  /** Round moments along the way. */
  ticks(): Tick[] {
    const step = STEPS.find((candidate) => this.#totalMs / candidate <= MOST_TICKS) ?? this.#totalMs / MOST_TICKS;
    const count = Math.floor(this.#totalMs / step);
    return Array.from({ length: count }, (_, index) => (index + 1) * step).map((ms) => {
      const percent = this.#percent(ms);
      return { x: text(percent), label: formatDuration(ms), anchor: percent > 94 ? 'end' : 'middle' };
    });
  }

  /** The share of the whole, in percent. */
  share(ms: number): string {
    return text(this.#percent(ms));
  }

  #percent(ms: number): number {
    return Math.min(100, Math.max(0, (ms / this.#totalMs) * 100));
  }
}

function text(percent: number): string {
  return String(Math.round(percent * 100) / 100);
}

import type { EventListener, RunEvent } from '../../events.js';
import { chooseOutput } from '../../report/choose-output.js';
import { formatElapsed } from '../../report/duration.js';
import { printable } from '../../report/printable.js';
import { columnsOf, cutToWidth } from '../../report/width.js';
import { firstLine, listNames } from '../../report/words.js';

/** How often the line is drawn anew, in milliseconds. */
const EVERY = 1000;

/** More hosts than these are counted. */
const NAMED_HOSTS = 8;

/** A line of a terminal that says what a look is at. */
export interface LookLine {
  emit: EventListener;
  /** Leaves the terminal as it was; the next event draws the line again. */
  erase(): void;
  /** Erases it for good. */
  end(): void;
}

/** No line at all. */
export const NO_LINE: LookLine = { emit: () => undefined, erase: () => undefined, end: () => undefined };

/**
 * Says on one line of a terminal what is waited for while hosts are connected to and looked at, and is gone afterwards.
 * @param otherwise for a stream on which no line can be erased; default: nothing is said
 */
export function lookLine(stream: NodeJS.WriteStream, variables: NodeJS.ProcessEnv, otherwise = NO_LINE): LookLine {
  if (chooseOutput(undefined, stream, variables).kind !== 'tree') return otherwise;
  const look = new Look();
  let timer: NodeJS.Timeout | undefined;
  let [drawn, ended] = [false, false];
  const erase = (): void => {
    if (drawn) stream.write('\r\u001b[2K');
    drawn = false;
  };
  const draw = (): void => {
    erase();
    const text = ended ? undefined : look.text;
    if (text === undefined) return;
    stream.write(cutToWidth(text, columnsOf(stream) - 1));
    drawn = true;
  };
  return {
    emit: (event) => {
      if (ended) return;
      look.take(event);
      draw();
      timer ??= setInterval(draw, EVERY).unref();
    },
    erase,
    end: () => {
      ended = true;
      erase();
      clearInterval(timer);
    },
  };
}

/** Says the same in whole lines, for a stream on which none can be erased: what is looked at, which host fell out, and what is waited for. */
export function lookLines(stream: NodeJS.WritableStream): LookLine {
  let ended = false;
  return {
    emit: (event) => {
      const text = ended ? undefined : lineOf(event);
      if (text !== undefined) stream.write(`${text}\n`);
    },
    erase: () => undefined,
    end: () => {
      ended = true;
    },
  };
}

function lineOf(event: RunEvent): string | undefined {
  switch (event.type) {
    case 'run-start':
      return `looking at ${listNames(event.hosts, NAMED_HOSTS)} …`;
    case 'gave-up':
      return `${event.host} ${event.phase === 'connect' ? 'could not be connected to' : 'could not be looked at'}`;
    // Of a host that lets nobody look yet: a step of an earlier run is at work there.
    case 'note':
      return event.host === undefined ? undefined : `${event.host}: ${firstLine(printable(event.text))}`;
    case 'awaiting':
      return `waiting for what may pass by itself: ${firstLine(printable(event.text))}`;
    default:
      return undefined;
  }
}

/** How far a look is. */
export class Look {
  readonly #began = Date.now();
  readonly #connecting = new Set<string>();
  readonly #looking = new Set<string>();
  #hosts: readonly string[] = [];
  #note: string | undefined;
  #awaited: { text: string; since: number } | undefined;

  /** `connecting to pg1, pg2 … (3 s)`; undefined while nothing is waited for. */
  get text(): string | undefined {
    const [what, hosts] = this.#connecting.size > 0 ? ['connecting to', this.#connecting] : ['looking at', this.#looking];
    if (hosts.size === 0) return this.#waiting;
    const elapsed = formatElapsed(Date.now() - this.#began);
    const note = this.#note === undefined ? '' : ` · ${this.#note}`;
    return `${what} ${listNames(
      this.#hosts.filter((host) => hosts.has(host)),
      NAMED_HOSTS,
    )} …${elapsed === '' ? '' : ` (${elapsed})`}${note}`;
  }

  get #waiting(): string | undefined {
    if (this.#awaited === undefined) return undefined;
    const elapsed = formatElapsed(Date.now() - this.#awaited.since);
    return `waiting: ${this.#awaited.text}${elapsed === '' ? '' : ` (${elapsed})`}`;
  }

  take(event: RunEvent): void {
    switch (event.type) {
      case 'run-start':
        this.#hosts = event.hosts;
        return;
      case 'connecting':
        this.#connecting.add(event.host);
        return;
      case 'connected':
        this.#connecting.delete(event.host);
        this.#looking.add(event.host);
        return;
      case 'gave-up':
        this.#connecting.delete(event.host);
        this.#looking.delete(event.host);
        return;
      case 'surveyed':
      case 'surveyed-again':
        this.#looking.delete(event.host);
        this.#note = undefined;
        return;
      case 'answered':
        for (const host of this.#hosts) this.#looking.add(host);
        return;
      case 'awaiting':
        this.#awaited = { text: firstLine(printable(event.text)), since: this.#awaited?.since ?? Date.now() };
        return;
      case 'awaited':
        this.#awaited = undefined;
        return;
      case 'note':
        this.#note = firstLine(printable(event.host === undefined ? event.text : `${event.host}: ${event.text}`));
        return;
      default:
    }
  }
}

import type { EventListener, RunEvent, TimedListener } from '../../events.js';

/** An event with the time at which it happened. */
export interface Waiting {
  event: RunEvent;
  at: Date;
}

/** A listener whose events wait until they may be told. */
export interface HeldBack {
  emit: EventListener;
  /** What has waited so far, in order. */
  readonly waiting: readonly Waiting[];
  /** Emits the events that have waited, in order, each with the time at which it happened; later events are emitted at once. */
  release(tell: TimedListener): void;
}

/** Holds events back while a person is still to be asked, because a question has no place in the middle of a live report. */
export function holdBack(now: () => Date): HeldBack {
  let waiting: Waiting[] = [];
  let told: TimedListener | undefined;
  return {
    emit: (event) => {
      const at = now();
      if (told === undefined) waiting.push({ event, at });
      else told(event, at);
    },
    get waiting() {
      return waiting;
    },
    release: (tell) => {
      const events = waiting;
      waiting = [];
      told = tell;
      for (const { event, at } of events) tell(event, at);
    },
  };
}

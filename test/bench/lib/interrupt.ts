import { endChildren } from './child-processes.js';

let interrupted = false;

/** Ends what is being measured; what comes next refuses to begin, so that everything unwinds and cleans up after itself. */
export function interrupt(): void {
  interrupted = true;
  endChildren();
}

/** Whether somebody has interrupted the run. */
export function isInterrupted(): boolean {
  return interrupted;
}

/** @throws Error when somebody has interrupted the run */
export function assertUninterrupted(): void {
  if (interrupted) throw new Error('interrupted');
}

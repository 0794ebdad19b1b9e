import { ExitCode } from '../../lib/errors.js';

/**
 * A signal that is told again within so many milliseconds is the same one: `timeout` sends its own to the process and to its group at once,
 * and so do programs that pass Ctrl-C on to what the terminal has told already.
 */
const SAME = { SIGINT: 300, SIGTERM: 1000 } as const;

/**
 * The first Ctrl-C lets the steps under way end; the second leaves at once, and the third does so without a word. A terminal that is closed
 * counts as the first one, however often it is told: the shell and the kernel both do. Gives the function that stops listening.
 * @param told is told of the first, and how it came
 * @param leave is called at the second
 */
export function onInterrupt(controller: AbortController, told: (how: string) => void, leave: () => void): () => void {
  let heardAt = 0;
  let leaving = false;
  const stop = (how: string): void => {
    told(how);
    controller.abort();
  };
  const interrupted = (signal: keyof typeof SAME): void => {
    if (!controller.signal.aborted) stop('interrupted');
    else if (performance.now() - heardAt < SAME[signal]) return;
    else if (leaving) process.exit(ExitCode.interrupted);
    else {
      leaving = true;
      leave();
    }
    heardAt = performance.now();
  };
  const hungUp = (): void => {
    if (!controller.signal.aborted) stop('the terminal was closed');
  };
  const listeners = [
    ['SIGINT', () => interrupted('SIGINT')],
    ['SIGTERM', () => interrupted('SIGTERM')],
    ['SIGHUP', hungUp],
  ] as const;
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}

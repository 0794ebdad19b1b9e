import type { EventListener } from '../../events.js';

/**
 * The first Ctrl-C lets the steps under way end; the second leaves at once. A terminal that is closed counts as the first one, however
 * often it is told: the shell and the kernel both do. Gives the function that stops listening.
 */
export function onInterrupt(controller: AbortController, emit: EventListener): () => void {
  const stop = (what: string): void => {
    emit({ type: 'warning', text: `${what}: finishing the current steps, starting no new ones; Ctrl-C again stops at once` });
    controller.abort();
  };
  const interrupted = (): void => {
    if (controller.signal.aborted) process.exit(130);
    stop('interrupted');
  };
  const hungUp = (): void => {
    if (!controller.signal.aborted) stop('the terminal was closed');
  };
  const listeners = [
    ['SIGINT', interrupted],
    ['SIGTERM', interrupted],
    ['SIGHUP', hungUp],
  ] as const;
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}

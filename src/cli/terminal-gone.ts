import { isatty } from 'node:tty';

/**
 * Has a process whose terminal was closed end by SIGHUP, as the closing of a terminal ends programs: Node.js would set the terminal back at its
 * end, and crashes where that cannot be done.
 */
export function endWithTerminal(): void {
  const terminals = [process.stdin, process.stdout, process.stderr].filter(({ isTTY }) => isTTY === true);
  process.once('exit', () => {
    if (terminals.every(({ fd }) => isatty(fd))) return;
    process.removeAllListeners('SIGHUP');
    process.kill(process.pid, 'SIGHUP');
  });
}

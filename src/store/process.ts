import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** One process on one machine, told apart from a later one with the same number. */
export interface ProcessIdentity {
  pid: number;
  /** Host name of its machine. */
  machine: string;
  /** When it started, in the kernel's ticks since boot; absent where there is no /proc. */
  ticks?: string;
}

/** This process. */
export function thisProcess(): ProcessIdentity {
  const ticks = startTicks(process.pid);
  return { pid: process.pid, machine: hostname(), ...(ticks === undefined ? {} : { ticks }) };
}

/** True when the process still runs; undefined when it is another machine's, of which nothing is known here. */
export function isRunning({ pid, machine, ticks }: ProcessIdentity): boolean | undefined {
  if (machine !== hostname()) return undefined;
  return isAlive(pid) && (ticks === undefined || startTicks(pid) === ticks);
}

/** True when there is a process of that number on this machine, whoever it belongs to. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Field 22 of proc(5)'s stat; the second one, the program's name, may hold spaces and parentheses. */
function startTicks(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

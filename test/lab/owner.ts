import { isRunning, type ProcessIdentity, thisProcess } from '../../src/store/process.js';

/** A process as text, for a lock or a label: its number, and when it started, which tells it from a later one of that number. */
export function asText({ pid, ticks }: ProcessIdentity = thisProcess()): string {
  return ticks === undefined ? String(pid) : `${pid}-${ticks}`;
}

/**
 * Whether the process of such a text runs no more, or the text is none. The name of the machine does not matter: what is in
 * the lab's folder is of this machine, and in containers its name changes.
 */
export function isGone(text: string): boolean {
  const [, pid, ticks] = /^(\d+)(?:-(\d+))?$/u.exec(text) ?? [];
  if (pid === undefined) return true;
  return isRunning({ pid: Number(pid), machine: thisProcess().machine, ...(ticks === undefined ? {} : { ticks }) }) === false;
}

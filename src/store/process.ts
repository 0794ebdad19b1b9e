import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** One process on one machine, told apart from a later one with the same number. */
export interface ProcessIdentity {
  pid: number;
  /** Host name of its machine. */
  machine: string;
  /** The machine's id (machine-id(5)); absent where it has none. */
  machineId?: string;
  /** The kernel's id of the boot it started in; absent where there is no /proc. */
  boot?: string;
  /** The PID namespace that its number counts in, as containers have their own; absent where there is no /proc. */
  namespace?: string;
  /** When it started, in the kernel's ticks since boot; absent where there is no /proc. */
  ticks?: string;
}

/** This process. */
export function thisProcess(): ProcessIdentity {
  return withoutUnknown({
    pid: process.pid,
    machine: hostname(),
    machineId: firstLine('/etc/machine-id'),
    boot: firstLine('/proc/sys/kernel/random/boot_id'),
    namespace: attempt(() => readlinkSync('/proc/self/ns/pid')),
    ticks: startTicks(process.pid),
  });
}

/** True when the process still runs; undefined when it is another machine's, or another container's, of which nothing is known here. */
export function isRunning(other: ProcessIdentity): boolean | undefined {
  const here = thisProcess();
  if (other.machine !== here.machine || differ(other.machineId, here.machineId)) return undefined;
  // Two machines of one name are told apart only by their ids.
  if (differ(other.boot, here.boot)) return other.machineId !== undefined && other.machineId === here.machineId ? false : undefined;
  if (differ(other.namespace, here.namespace)) return undefined;
  return isAlive(other.pid) && (other.ticks === undefined || startTicks(other.pid) === other.ticks);
}

/** True when there is a process of that number on this machine, whoever it belongs to. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** What one of them does not know tells nothing. */
function differ(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}

/** Field 22 of proc(5)'s stat; the second one, the program's name, may hold spaces and parentheses. */
function startTicks(pid: number): string | undefined {
  return attempt(() => {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  });
}

function firstLine(path: string): string | undefined {
  const line = attempt(() => readFileSync(path, 'utf8').split('\n')[0]?.trim());
  return line === '' || line === 'uninitialized' ? undefined : line;
}

function attempt(read: () => string | undefined): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function withoutUnknown({
  pid,
  machine,
  ...rest
}: { pid: number; machine: string } & { [Key in keyof ProcessIdentity]?: ProcessIdentity[Key] | undefined }): ProcessIdentity {
  return { pid, machine, ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) };
}

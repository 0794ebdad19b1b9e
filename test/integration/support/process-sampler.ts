import { readFileSync, readdirSync } from 'node:fs';
import type { LabHost } from '../../lab/index.js';
import { must } from './outside.js';

const STOP = '/var/tmp/sampled-enough';
const SAMPLES = '/var/tmp/samples';

/** Reads over and over what everybody on a host may see of its processes, and root of their environment. */
export class HostSampler {
  readonly #host: LabHost;
  readonly #done: Promise<unknown>;

  constructor(host: LabHost) {
    this.#host = host;
    this.#done = host.exec(`rm -f ${STOP} ${SAMPLES}
while [ ! -e ${STOP} ]; do
cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | sort -u >>${SAMPLES}
sleep 0.02
done`);
  }

  /** Stops; gives every word and every variable that was seen, each once. */
  async stop(): Promise<string> {
    await must(this.#host, `touch ${STOP}`);
    await this.#done;
    const { stdout } = await this.#host.exec(`sort -u ${SAMPLES}; rm -f ${SAMPLES} ${STOP}`);
    return stdout;
  }
}

/** Reads over and over the command line and environment of a process here and of all that it starts. */
export class ProcessSampler {
  readonly #seen = new Set<string>();
  readonly #timer: NodeJS.Timeout;

  /** @param except names of variables that a person has set for the process, which it cannot help to have. */
  constructor(pid: number, except: readonly string[] = []) {
    const look = (): void => {
      for (const each of [pid, ...descendants(pid)]) {
        for (const word of read(`/proc/${each}/cmdline`).split('\0')) this.#seen.add(word);
        for (const variable of read(`/proc/${each}/environ`).split('\0')) {
          if (!except.some((name) => variable.startsWith(`${name}=`))) this.#seen.add(variable);
        }
      }
    };
    look();
    this.#timer = setInterval(look, 10);
  }

  /** Stops; gives every word and every variable that was seen. */
  stop(): string {
    clearInterval(this.#timer);
    return [...this.#seen].join('\n');
  }
}

function descendants(pid: number): number[] {
  const children = threads(pid).flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number));
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function threads(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** A process may be gone before it is read. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

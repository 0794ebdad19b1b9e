import { sh } from '../shell/quote.js';
import { handle } from './handle.js';
import { answerLines, type Observation } from './resource.js';

/** Memory of a host; all sizes in bytes. */
export interface MemoryState {
  total: number;
  /** What programs can still have without any being swapped out; the kernel tells since 3.14. */
  available?: number;
  swap: number;
  freeSwap: number;
  hugePages: { count: number; free: number; size: number };
  /** Per cent of the last minute in which no program got on because memory was short; undefined where the kernel does not measure it. */
  stalled?: number;
}

/** The observation's id. */
export const MEMORY = handle<MemoryState>('memory');

/** Memory, swap, huge pages, and how much programs wait for them. */
export function memory(): Observation<MemoryState> {
  return {
    ...MEMORY,
    when: 'start',
    probe: () => sh`grep -E '^(Mem(Total|Available)|Swap(Total|Free)|HugePages_(Total|Free)|Hugepagesize):' /proc/meminfo
grep '^full ' /proc/pressure/memory 2>/dev/null || :`,
    parse: (answer) => {
      const lines = answerLines(answer);
      const value = (name: string): number | undefined => {
        const [, figure, unit] = lines.map((line) => new RegExp(`^${name}: *(\\d+)( kB)?$`, 'u').exec(line)).find((match) => match) ?? [];
        return figure === undefined ? undefined : Number(figure) * (unit === undefined ? 1 : 1024);
      };
      const available = value('MemAvailable');
      const stalled = lines.map((line) => /^full .*avg60=([\d.]+)/u.exec(line)?.[1]).find((found) => found !== undefined);
      return {
        total: value('MemTotal') ?? 0,
        ...(available === undefined ? {} : { available }),
        swap: value('SwapTotal') ?? 0,
        freeSwap: value('SwapFree') ?? 0,
        hugePages: { count: value('HugePages_Total') ?? 0, free: value('HugePages_Free') ?? 0, size: value('Hugepagesize') ?? 0 },
        ...(stalled === undefined ? {} : { stalled: Number(stalled) }),
      };
    },
  };
}

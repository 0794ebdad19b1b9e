import { defineDiagnosis, formatBytes, MEMORY, memory, type MemoryState } from '../../index.js';

/** Per cent of a minute in which nothing got on for want of memory. */
const STALLED = 20;

/** Of the memory this must be there for programs to have, and of the swap this may be in use before both together are a danger. */
const LEAST = 0.05;
const MOST_SWAPPED = 0.5;

/** A host spends its time on moving memory to the disk and back. */
export default defineDiagnosis({
  name: 'memory-short',
  looksAt: 'memory and swap',
  asks: () => [memory()],
  find: ({ view }) =>
    view.inventory.hosts.flatMap(({ name: host }) => {
      const state = view.read(host, MEMORY);
      if (state === undefined || !isShort(state)) return [];
      const { available, total, swap, freeSwap, stalled } = state;
      return [
        {
          level: 'danger' as const,
          host,
          what: 'memory is short: the host swaps, and programs wait for it',
          evidence: [
            {
              host,
              source: '/proc/meminfo',
              line: `${available === undefined ? '' : `${formatBytes(available)} available of ${formatBytes(total)}, `}${formatBytes(swap - freeSwap)} of ${formatBytes(swap)} swap in use`,
            },
            ...(stalled === undefined ? [] : [{ host, source: '/proc/pressure/memory', line: `full avg60=${stalled.toFixed(2)}` }]),
          ],
          follows: 'everything takes many times as long: Patroni may lose its lease, and a member of the store its votes',
          mend: `see who has the memory: \`ps -eo rss,comm --sort -rss | head\`, as root on ${host}`,
        },
      ];
    }),
});

function isShort({ total, available, swap, freeSwap, stalled = 0 }: MemoryState): boolean {
  const swapped = swap - freeSwap;
  if (swapped <= 0) return false;
  return stalled >= STALLED || (available !== undefined && available < LEAST * total && swapped > MOST_SWAPPED * swap);
}

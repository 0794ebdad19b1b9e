/** Successive WAL files of a timeline, by their positions: how many files of this size come before them. */
export interface WalRange {
  timeline: number;
  first: number;
  last: number;
}

const LOG = 2 ** 32;

/** How many files of a size have the same middle part in their names. */
export function filesPerLog(segmentBytes: number): number {
  return LOG / segmentBytes;
}

/** Bytes of a WAL file where nobody tells: as PostgreSQL makes them unless it is told otherwise. */
const USUAL_SEGMENT = 16_777_216;

/** The size of WAL files by their names: the last one of a middle part that is followed by another middle part; undefined: there is none. */
export function segmentByNames(runs: readonly { log: number; final: number }[]): number | undefined {
  const newest = Math.max(...runs.map(({ log }) => log));
  const whole = runs.filter(({ log }) => log < newest).map(({ final }) => final);
  if (whole.length === 0) return undefined;
  return LOG / 2 ** Math.max(2, Math.ceil(Math.log2(Math.max(...whole) + 1)));
}

/** The size of a cluster's WAL files: as its servers tell, by the names of those in an archive, or the usual one. */
export function segmentOf(told: number | undefined, runs: readonly { log: number; final: number }[]): number {
  return told ?? segmentByNames(runs) ?? USUAL_SEGMENT;
}

/** A WAL file as a range of one; undefined for another text. */
export function readWalFile(name: string, perLog: number): WalRange | undefined {
  if (!/^[0-9A-F]{24}$/u.test(name)) return undefined;
  const [timeline = 0, log = 0, part = 0] = [0, 8, 16].map((at) => Number.parseInt(name.slice(at, at + 8), 16));
  const position = log * perLog + part;
  return { timeline, first: position, last: position };
}

/** The name of a WAL file. */
export function walFile(timeline: number, position: number, perLog: number): string {
  return [timeline, Math.floor(position / perLog), position % perLog]
    .map((part) => part.toString(16).toUpperCase().padStart(8, '0'))
    .join('');
}

/** The ranges in order, those that touch as one. */
export function joinRanges(ranges: readonly WalRange[]): WalRange[] {
  const joined: WalRange[] = [];
  for (const range of ranges.toSorted((one, other) => one.timeline - other.timeline || one.first - other.first)) {
    const last = joined.at(-1);
    if (last?.timeline === range.timeline && range.first <= last.last + 1) last.last = Math.max(last.last, range.last);
    else joined.push({ ...range });
  }
  return joined;
}

/** Whether all files of a range are there. */
export function hasRange(joined: readonly WalRange[], { timeline, first, last }: WalRange): boolean {
  return joined.some((range) => range.timeline === timeline && range.first <= first && range.last >= last);
}

/**
 * What is missing between the files that are there: in a timeline, and before the first file of one, which follows the last of an earlier
 * timeline.
 * @param from nobody needs what comes before this position
 */
export function missingRanges(joined: readonly WalRange[], from: number): WalRange[] {
  return joined
    .flatMap((range, index): WalRange[] => {
      const before = joined[index - 1];
      if (before === undefined) return [];
      if (before.timeline === range.timeline) return [{ timeline: range.timeline, first: before.last + 1, last: range.first - 1 }];
      const earlier = joined.filter(({ timeline }) => timeline < range.timeline);
      if (earlier.some(({ first, last }) => first <= range.first && last >= range.first - 1)) return [];
      const parent = earlier.filter(({ last }) => last < range.first).at(-1);
      return parent === undefined ? [] : [{ timeline: parent.timeline, first: parent.last + 1, last: range.first - 1 }];
    })
    .filter(({ last }) => last >= from)
    .map((range) => ({ ...range, first: Math.max(range.first, from) }));
}

import { describe, expect, it } from 'vitest';
import { filesPerLog, hasRange, joinRanges, missingRanges, readWalFile, walFile, type WalRange } from '../../src/postgres/wal-files.js';

const range = (timeline: number, first: number, last: number): WalRange => ({ timeline, first, last });

describe('WAL files', () => {
  it.each([16, 1, 64, 1024])('are counted across logs, with %i MiB each', (mebibytes) => {
    const perLog = filesPerLog(mebibytes * 1_048_576);
    const last = walFile(3, perLog - 1, perLog);
    const next = walFile(3, perLog, perLog);
    expect(next).toBe('000000030000000100000000');
    expect(readWalFile(last, perLog)).toEqual(range(3, perLog - 1, perLog - 1));
    expect(readWalFile(next, perLog)).toEqual(range(3, perLog, perLog));
  });

  it.each(['00000002.history', '00000001000000000000003B.partial', '0000000100000000000000zz'])('are none: %s', (name) => {
    expect(readWalFile(name, 256)).toBeUndefined();
  });
});

describe('missing WAL', () => {
  it('is none where every file follows another', () => {
    const joined = joinRanges([range(1, 256, 300), range(1, 2, 255), range(2, 301, 400)]);
    expect(joined).toEqual([range(1, 2, 300), range(2, 301, 400)]);
    expect(missingRanges(joined, 2)).toEqual([]);
    expect(hasRange(joined, range(1, 250, 260))).toBe(true);
    expect(hasRange(joined, range(1, 299, 301))).toBe(false);
  });

  it('is what lies between two ranges of a timeline', () => {
    expect(missingRanges(joinRanges([range(1, 2, 10), range(1, 13, 20)]), 2)).toEqual([range(1, 11, 12)]);
  });

  it('is what lies before a timeline that follows none of the earlier ones', () => {
    expect(missingRanges(joinRanges([range(1, 2, 10), range(3, 14, 20)]), 2)).toEqual([range(1, 11, 13)]);
  });

  it('is none where a timeline leaves another one in its middle, as after a restore to an earlier time', () => {
    expect(missingRanges(joinRanges([range(1, 2, 10), range(2, 11, 20), range(3, 15, 30)]), 2)).toEqual([]);
  });

  it('is none where a timeline begins with the file in which the former one ended', () => {
    expect(missingRanges(joinRanges([range(1, 2, 11), range(2, 11, 20)]), 2)).toEqual([]);
  });

  it('does not count before the oldest backup', () => {
    const joined = joinRanges([range(1, 2, 10), range(1, 13, 20), range(1, 25, 30)]);
    expect(missingRanges(joined, 13)).toEqual([range(1, 21, 24)]);
    expect(missingRanges(joined, 12)).toEqual([range(1, 12, 12), range(1, 21, 24)]);
  });
});

import { describe, expect, it } from 'vitest';
import {
  filesPerLog,
  hasRange,
  joinRanges,
  missingRanges,
  readWalFile,
  segmentOf,
  type WalRange,
  walFile,
} from '../../src/postgres/wal-files.js';

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

describe('the size of WAL files', () => {
  const runs = (...all: [log: number, final: number][]): { log: number; final: number }[] => all.map(([log, final]) => ({ log, final }));
  const MIB = 1_048_576;

  it.each<{ title: string; told?: number; of: { log: number; final: number }[]; bytes: number }>([
    { title: 'is what a server tells', told: 64 * MIB, of: runs([0, 0xff], [1, 0]), bytes: 64 * MIB },
    { title: 'shows where the names go on with another log', of: runs([0, 0x3f], [1, 2]), bytes: 64 * MIB },
    { title: 'shows where the last file of one of two logs is missing', of: runs([4, 0x3d], [5, 0x3f], [6, 1]), bytes: 64 * MIB },
    { title: 'is 1 GiB at most', of: runs([0, 0], [1, 0]), bytes: 1024 * MIB },
    { title: 'is the usual one where one log is there', of: runs([7, 0x3f]), bytes: 16 * MIB },
    { title: 'is the usual one where nothing is there', of: [], bytes: 16 * MIB },
  ])('$title', ({ told, of, bytes }) => expect(segmentOf(told, of)).toBe(bytes));
});

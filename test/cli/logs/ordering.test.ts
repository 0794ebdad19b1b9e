import { describe, expect, it } from 'vitest';
import { clockOffset } from '../../../src/cli/logs/host-log.js';
import type { LogLine } from '../../../src/cli/logs/log-line.js';
import { NewestLines } from '../../../src/cli/logs/newest.js';
import { PostgresLines } from '../../../src/postgres/log-lines.js';
import { Resume } from '../../../src/cli/logs/resume.js';
import { OrderingWindow } from '../../../src/cli/logs/window.js';

const line = (at: number, text = `${at}`, host = 'pg1'): LogLine => ({ at, host, unit: 'patroni', text });

describe('the time of a PostgreSQL log line', () => {
  const noon = Date.UTC(2026, 10, 28, 12, 0, 0, 250);
  it.each([
    ['2026-11-28 12:00:00.250 UTC [17] LOG:  ready', noon],
    ['2026-11-28 13:00:00.250 CET [17] LOG:  ready', noon],
    ['2026-11-28 14:00:00.250 CEST [17] LOG:  ready', noon],
    ['2026-11-28 17:45:00.250 +0545 [17] LOG:  ready', noon],
    ['2026-11-28 09:00:00.250 -03 [17] LOG:  ready', noon],
    ['app@db 2026-11-28 12:00:00 UTC LOG:  ready', noon - 250],
    ['2026-11-28 13:00:00.250 XYZ [17] LOG:  of a zone that nobody knows', noon],
    ['2026-11-28 12:00:00.250 UTC,"app","db",17,', noon],
    ['{"timestamp":"2026-11-28 12:00:00.250 UTC","pid":17}', noon],
    ['1795867200.250 [17] LOG:  ready', noon],
  ])('%s', (text, at) => {
    const zones = new Map([
      ['CEST', 120],
      ['CET', 60],
    ]);
    expect(new PostgresLines().timeOf(text, zones)).toBe(at);
  });

  it('is that of the previous line if the line has none', () => {
    const lines = new PostgresLines();
    const zones = new Map<string, number>();
    expect(lines.timeOf('without', zones)).toBeUndefined();
    expect(lines.timeOf('2026-11-28 12:00:00.250 UTC [17] ERROR:  syntax', zones)).toBe(noon);
    expect(lines.timeOf("\tWHERE at = '2020-01-01 00:00:00 UTC'", zones)).toBe(noon);
    expect(lines.timeOf('more', zones)).toBe(noon);
  });
});

describe('the newest lines', () => {
  it('are kept in the order of their times, with a note that there were more', () => {
    const newest = new NewestLines(3);
    for (const at of [5, 1, 4, 2, 3, 9, 8]) newest.add(line(at));
    expect(newest.cut).toBe(true);
    expect(newest.sorted().map(({ at }) => at)).toEqual([5, 8, 9]);
  });

  it('are all lines when there are no more', () => {
    const newest = new NewestLines(3);
    for (const [at, text] of [
      [2, 'b'],
      [1, 'a'],
      [2, 'c'],
    ] as const)
      newest.add(line(at, text));
    expect(newest.cut).toBe(false);
    expect(newest.sorted().map(({ text }) => text)).toEqual(['a', 'b', 'c']);
  });
});

describe('followed lines', () => {
  it('wait for older lines of other hosts', () => {
    const window = new OrderingWindow(100);
    window.add(line(20), 0);
    window.add(line(10, '10', 'pg2'), 50);
    window.add(line(30), 60);
    expect(window.take(99)).toEqual([]);
    expect(window.take(100).map(({ at }) => at)).toEqual([10, 20]);
    expect(window.rest().map(({ at }) => at)).toEqual([30]);
  });

  it('continue where they stopped after the connection to the host was lost', () => {
    const resume = new Resume(100);
    expect(resume.begin()).toBe(100);
    expect([line(110, 'a'), line(120, 'b'), line(120, 'c')].map((each) => resume.isNew(each, 'journal'))).toEqual([true, true, true]);
    expect(resume.isNew(line(115, 'x'), 'files')).toBe(true);
    expect(resume.begin()).toBe(115);
    const again = [line(110, 'a'), line(120, 'b'), line(120, 'c'), line(120, 'd'), line(130, 'b')];
    expect(again.map((each) => resume.isNew(each, 'journal'))).toEqual([false, false, false, true, true]);
    expect([line(115, 'x'), line(118, 'y')].map((each) => resume.isNew(each, 'files'))).toEqual([false, true]);
  });
});

describe("a host's clock", () => {
  it.each([
    [{ least: -80, most: 20 }, 0],
    [{ least: 900, most: 1100 }, 1000],
    [{ least: -4100, most: -3900 }, -4000],
  ])('%j is off by %d', (clock, offset) => expect(clockOffset({ clock })).toBe(offset));
});

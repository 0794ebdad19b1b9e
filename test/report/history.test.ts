import { describe, expect, it } from 'vitest';
import { reignsOf, type HistoryRun } from '../../src/report/history.js';
import { renderHistory } from '../../src/report/history-text.js';
import { PATRONI_HISTORY, patroniHistory, type TimelineEnd } from '../../src/resources/patroni/history.js';
import { told } from '../support/http-answers.js';

const REASON = 'no recovery target specified';
const end = (timeline: number, at: number, time?: string, leader?: string): TimelineEnd => ({ timeline, at, reason: REASON, time, leader });
const run = (id: string, command: string, at: string, ms: number, more: Partial<HistoryRun> = {}): HistoryRun => ({
  id,
  command,
  at,
  ms,
  ending: 'done',
  changes: 0,
  ...more,
});

const RUNS = [
  run('a1', 'apply', '2026-11-28T09:00:00.000Z', 60_000, { changes: 57 }),
  run('b2', 'switchover --to pg2', '2026-11-28T10:00:00.000Z', 12_000, { changes: 1 }),
  run('c3', 'apply --host pg1', '2026-11-28T12:30:00.000Z', 9000, { ending: 'failed' }),
];
const ENDS = [end(1, 0x5000498, '2026-11-28T10:00:04.123456+00:00', 'pg2'), end(2, 0x16000000, '2026-11-28T13:02:00.5+01:00', 'pg3')];

describe('the history that a member reports', () => {
  const seen = patroniHistory('http://10.0.0.1:8008');
  const read = (body: string, status = 200): unknown =>
    seen.parse({ status: 0, out: Buffer.from(told({ 'http://10.0.0.1:8008/history': { status, body } }, seen.sharedQuestions ?? [])) });

  it('is read, with and without the fields that older versions lack', () => {
    expect(seen.id).toBe(PATRONI_HISTORY.id);
    expect(read(`[[1, 83887256, "${REASON}", "2026-11-28T10:00:04+00:00", "pg2"], [2, 9, "why"]]`)).toEqual([
      end(1, 83887256, '2026-11-28T10:00:04+00:00', 'pg2'),
      { timeline: 2, at: 9, reason: 'why', time: undefined, leader: undefined },
    ]);
    expect(read('[]')).toEqual([]);
    expect(read('[1, ["x", 2], [3]]')).toEqual([]);
  });

  it.each([
    ['', 200],
    ['{}', 200],
    ['null', 200],
    ['no', 503],
  ])('is empty for %j (%d)', (body, status) => expect(read(body, status)).toBeUndefined());
});

describe('the list of leaders', () => {
  it('shows timelines, with the run that began each', () => {
    expect(reignsOf(ENDS, RUNS, { leader: 'pg3', timeline: 3 })).toEqual([
      {
        timeline: 1,
        leader: undefined,
        from: undefined,
        run: undefined,
        until: '2026-11-28T10:00:04.123Z',
        left: { lsn: '0/5000498', reason: REASON },
      },
      {
        timeline: 2,
        leader: 'pg2',
        from: '2026-11-28T10:00:04.123Z',
        run: 'b2',
        until: '2026-11-28T12:02:00.500Z',
        left: { lsn: '0/16000000', reason: REASON },
      },
      { timeline: 3, leader: 'pg3', from: '2026-11-28T12:02:00.500Z', run: undefined, until: undefined, left: undefined },
    ]);
  });

  it('names the run that was under way, not one that ended a moment before', () => {
    const close = [run('x1', 'pause', '2026-11-28T10:00:00.000Z', 2000), run('x2', 'switchover', '2026-11-28T10:00:03.000Z', 4000)];
    const begun = (time: string): string | undefined => reignsOf([end(1, 1, time, 'pg2')], close, { leader: 'pg2', timeline: 2 })[1]?.run;
    expect(['10:00:05', '10:00:02', '10:00:09', '10:01:00'].map((time) => begun(`2026-11-28T${time}Z`))).toEqual([
      'x2',
      'x1',
      'x2',
      undefined,
    ]);
  });

  it('shows the current leader when nothing has ended', () => {
    expect(reignsOf([], RUNS, { leader: 'pg1', timeline: 1 })).toEqual([
      { timeline: 1, leader: 'pg1', from: undefined, run: undefined, until: undefined, left: undefined },
    ]);
  });

  it('does not fill a gap with the entry before it', () => {
    const [first, second, third] = reignsOf([end(1, 1, '2026-11-28T10:00:00Z', 'pg2'), end(3, 3)], [], {
      leader: undefined,
      timeline: undefined,
    });
    expect(first?.until).toBe('2026-11-28T10:00:00.000Z');
    expect([second?.timeline, second?.leader, second?.from]).toEqual([3, undefined, undefined]);
    expect([third?.timeline, third?.leader]).toEqual([4, undefined]);
  });

  it('does not treat an unreadable time as a time', () => {
    expect(reignsOf([end(1, 1, 'soon', 'pg2')], RUNS, { leader: 'pg2', timeline: 2 })[1]).toMatchObject({ leader: 'pg2', from: undefined });
  });

  const text = (columns?: number): string[] => {
    const look = { color: false, ...(columns === undefined ? {} : { columns }) };
    return renderHistory(reignsOf(ENDS, RUNS, { leader: 'pg3', timeline: 3 }), RUNS, look, new Date('2026-11-28T14:02:00.500Z')).split(
      '\n',
    );
  };

  it('is ordered by time', () => {
    expect(text()).toEqual([
      'time (UTC)           timeline  leader     what',
      'not known                   1  not known  led, until 0/5000498',
      '2026-11-28 09:00:00                       apply: done, 57 changes (a1)',
      '2026-11-28 10:00:00                       switchover --to pg2: done, 1 change (b2)',
      '2026-11-28 10:00:04         2  pg2        led for 2 h 1 min, by pgprov switchover, until 0/16000000',
      '2026-11-28 12:02:00         3  pg3        leads for 2 h',
      '2026-11-28 12:30:00                       apply --host pg1: failed (c3)',
    ]);
  });

  it('shows how a run ended even when its command does not fit', () => {
    const long = [
      run('20261128T100000Z-0d01', `switchover --to pg2 --at ${'2026-03-04T22:00+01:00'.repeat(3)}`, '2026-11-28T10:00:00.000Z', 1, {
        ending: 'scheduled',
      }),
    ];
    const [, , line = ''] = renderHistory(
      reignsOf([], long, { leader: 'pg1', timeline: 1 }),
      long,
      { color: false, columns: 80 },
      new Date(0),
    ).split('\n');
    expect(line).toMatch(/switchover --to pg2 .*…: scheduled$/u);
    expect(line.length).toBeLessThanOrEqual(80);
  });

  it('fits eighty columns', () => {
    expect(Math.max(...text(80).map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(text(80)[3]).toContain('switchover --to pg2: done, 1 change');
  });
});

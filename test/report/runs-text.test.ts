import { describe, expect, it } from 'vitest';
import { placesText, renderRunHead, renderRuns, replayRun, type ListedRun } from '../../src/report/runs-text.js';
import { displayWidth, widestOf } from '../../src/report/width.js';
import { failingRun } from './fixtures.js';

const NOW = new Date('2026-11-21T07:20:00Z');

const run = (changes: Partial<ListedRun>): ListedRun => ({
  id: '20261121T071500Z-3f2a',
  at: new Date('2026-11-21T07:15:00Z'),
  ms: 45_000,
  command: 'apply',
  ending: 'done',
  changes: 0,
  broke: [],
  ...changes,
});

describe('a list of runs', () => {
  it('shows how each ended and where it failed', () => {
    const runs = [
      run({ id: '20261121T071959Z-0001', at: new Date('2026-11-21T07:19:59Z'), ending: 'running', ms: 900 }),
      run({
        ending: 'broke off',
        changes: 12,
        command: 'apply --host pg1',
        broke: [
          { host: 'pg1', stage: 'etcd/start' },
          { host: 'pg2', stage: 'etcd/start' },
        ],
      }),
      run({ id: '20261120T041500Z-0001', at: new Date('2026-11-20T04:15:00Z') }),
      run({ id: '20250101T000000Z-0001', at: undefined, ending: 'broke off', ms: 0, broke: [{ stage: 'plan' }] }),
    ];
    expect(renderRuns(runs, { color: false, now: NOW })).toBe(
      `run                    started      took  ended      changes  command           broke at
20261121T071959Z-0001  just now    0.9 s  running          0  apply
20261121T071500Z-3f2a  5 min ago    45 s  broke off       12  apply --host pg1  pg1, pg2 etcd/start
20261120T041500Z-0001  27 h ago     45 s  done             0  apply
20250101T000000Z-0001  -          <0.1 s  broke off        0  apply             plan`,
    );
  });

  it.each([
    { title: 'both long', command: `apply --host ${'pg1,'.repeat(30)}`, stage: 'patroni/'.repeat(10) },
    { title: 'a long selection', command: `apply --host ${'pg1,'.repeat(30)}`, stage: 'etcd/start' },
    { title: 'a long place', command: 'apply', stage: 'patroni/'.repeat(10) },
  ])('fits a terminal of a hundred columns: $title', ({ command, stage }) => {
    const lines = renderRuns(
      [run({ command, ending: 'unreachable', at: new Date('2026-01-01'), ms: 3_599_000, broke: [{ host: 'pg1', stage }] })],
      { color: true, now: NOW },
    ).split('\n');
    expect(Math.max(...lines.map(displayWidth))).toBe(100);
    expect(lines[1]).toContain('…');
  });
});

describe('a list of runs on a narrow terminal', () => {
  const long = run({ ending: 'unreachable', command: 'apply --host pg1', ms: 3_599_000, broke: [{ host: 'pg1', stage: 'etcd/start' }] });

  it.each([
    { columns: 60, says: 'command apply --host pg1\n  broke at pg1 etcd/start' },
    { columns: 80, says: 'command apply --host pg1, broke at pg1 etcd/start' },
    { columns: 99, says: 'apply --host…  pg1 etcd/start' },
  ])('fits $columns columns', ({ columns, says }) => {
    const text = renderRuns([long, run({})], { color: false, now: NOW, columns });
    expect(widestOf(text.split('\n'))).toBeLessThanOrEqual(columns);
    expect(text).toContain(says);
  });
});

describe('a replayed run', () => {
  it('has the lines of the run, with their times', () => {
    const events = failingRun().map((event, index) => ({ ...event, at: new Date(Date.UTC(2026, 10, 21, 7, 15, index)).toISOString() }));
    const lines = replayRun(events, { color: false });
    expect(lines.slice(0, 3)).toEqual([
      '07:15:00  apply: cluster demo, pg1, pg2, pg3, 4 stages',
      '07:15:01       warning: two members cannot lose one',
      '07:15:05  pg1  connected (0.1 s)',
    ]);
    expect(lines.filter((line) => line.includes('  failed:'))).toEqual(['07:15:43  pg2  etcd/start  failed: etcd is not healthy (5 s)']);
    expect(lines).toContain('');
    expect(lines.at(-1)).toBe('07:15:51  Failed: pg2 (45 s). Made 3 changes on 3 hosts.');
  });

  it('passes no control codes of a host to the terminal', () => {
    expect(replayRun([{ type: 'note', at: NOW.toISOString(), text: '\u001b]0;title\u0007\u001b[2Jhello' }], { color: false })).toEqual([
      '07:20:00    note: hello',
    ]);
  });

  it('appears below a description of what it was', () => {
    const frame = {
      ...run({ ending: 'broke off', changes: 1, broke: [{ host: 'pg1', stage: 'etcd/start' }] }),
      by: 'ann@laptop (process 7)',
      version: '0.1.0',
      inventory: '/i.yml',
      resumes: undefined,
      follows: undefined,
      plan: undefined,
    };
    expect(renderRunHead(frame, { color: false })).toEqual([
      'run 20261121T071500Z-3f2a',
      '  started    2026-11-21 07:15:00 UTC by ann@laptop (process 7)',
      '  command    pgprov apply',
      '  inventory  /i.yml',
      '  version    0.1.0',
      '  ended      broke off after 45 s, 1 change',
      '  broke at   pg1 etcd/start',
    ]);
  });
});

describe('placesText', () => {
  it.each([
    { places: [], text: '' },
    { places: [{ stage: 'plan' }], text: 'plan' },
    {
      places: [
        { host: 'pg1', stage: 'a/b' },
        { host: 'pg2', stage: 'c/d' },
        { host: 'pg3', stage: 'a/b' },
        { host: 'pg3', stage: 'a/b' },
      ],
      text: 'pg1, pg3 a/b; pg2 c/d',
    },
    { places: ['1', '2', '3', '4', '5'].map((host) => ({ host, stage: 'connect' })), text: '1, 2, 3 and 2 more connect' },
  ])('writes "$text"', ({ places, text }) => {
    expect(placesText(places)).toBe(text);
  });
});

import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../src/events.js';
import { hostSegments } from '../../../src/report/html/segments.js';

const times = { overheadMs: 0, probes: [] };
const looked = (type: 'surveyed' | 'surveyed-again'): RunEvent => ({ type, host: 'pg1', ms: 10, times });
const step: RunEvent[] = [
  { type: 'step-start', host: 'pg1', stage: 'etcd/start', changes: 1 },
  { type: 'changing', host: 'pg1', stage: 'etcd/start', resource: 'x', summary: 'restart etcd' },
  { type: 'changed', host: 'pg1', stage: 'etcd/start', resource: 'x', summaries: [], ms: 1000 },
  { type: 'step-end', host: 'pg1', stage: 'etcd/start', result: 'changed', changes: 1, ms: 2000 },
];

/** Titles of a host's segments, of events a second apart. */
function titles(events: readonly RunEvent[]): string[] {
  const timed = events.map((event, index) => ({ ...event, at: new Date(Date.UTC(2026, 10, 28, 10, 0, index)).toISOString() }));
  return (hostSegments(timed, () => 'start etcd').get('pg1') ?? []).filter(({ kind }) => kind !== 'change').map(({ title }) => title);
}

describe('the segments of a host', () => {
  it('begin with the first survey and end with the last', () => {
    expect(titles([looked('surveyed'), ...step, looked('surveyed-again')])).toEqual(['first look', 'start etcd', 'last look']);
  });

  it('include the surveys between the steps of an operation', () => {
    expect(
      titles([
        looked('surveyed'),
        looked('surveyed'),
        ...step,
        looked('surveyed-again'),
        looked('surveyed'),
        ...step,
        looked('surveyed-again'),
      ]),
    ).toEqual(['first look', 'look between steps', 'start etcd', 'look between steps', 'look between steps', 'start etcd', 'last look']);
  });
});

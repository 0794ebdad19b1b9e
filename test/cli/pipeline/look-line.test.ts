import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { lookLine, lookLines } from '../../../src/cli/pipeline/look-line.js';
import type { RunEvent } from '../../../src/events.js';

const ERASE = '\r\u001b[2K';

/** A stream that keeps what is written to it, on a terminal of some columns or none. */
function streamOf(columns?: number): { stream: NodeJS.WriteStream; written(): string } {
  const stream = new PassThrough();
  if (columns !== undefined) Object.assign(stream, { isTTY: true, columns });
  const written = (): string => String((stream.read() as Buffer | null) ?? '');
  return { stream: stream as unknown as NodeJS.WriteStream, written };
}

const LOOKING: RunEvent[] = [
  { type: 'run-start', command: 'apply', cluster: 'demo', hosts: ['pg1', 'pg2'], stages: [] },
  { type: 'connecting', host: 'pg1' },
  { type: 'connecting', host: 'pg2' },
  { type: 'connected', host: 'pg2', ms: 1 },
];

describe('the line shown while hosts are looked at', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('says what is waited for and for how long, and leaves nothing behind', () => {
    const { stream, written } = streamOf(80);
    const line = lookLine(stream, {});
    const shown = (...events: readonly RunEvent[]): string => {
      for (const event of events) line.emit(event);
      return written().split(ERASE).at(-1) ?? '';
    };
    expect(shown(...LOOKING)).toBe('connecting to pg1 …');
    expect(shown({ type: 'connected', host: 'pg1', ms: 1 })).toBe('looking at pg1, pg2 …');
    vi.advanceTimersByTime(3000);
    expect(written().split(ERASE).at(-1)).toBe('looking at pg1, pg2 … (3 s)');
    expect(shown({ type: 'note', host: 'pg1', text: 'waiting for apt' })).toBe('looking at pg1, pg2 … (3 s) · pg1: waiting for apt');
    expect(shown({ type: 'surveyed', host: 'pg1', ms: 1 })).toBe('looking at pg2 … (3 s)');
    expect(shown({ type: 'gave-up', host: 'pg2', phase: 'survey', ms: 1 })).toBe('');
    expect(shown({ type: 'awaiting', text: 'PostgreSQL on pg1 starts\nnow' })).toBe('waiting: PostgreSQL on pg1 starts');
    vi.advanceTimersByTime(2000);
    expect(written().split(ERASE).at(-1)).toBe('waiting: PostgreSQL on pg1 starts (2 s)');
    expect(shown({ type: 'awaiting', text: 'pg1 elects' })).toBe('waiting: pg1 elects (2 s)');
    expect(shown({ type: 'awaited', ms: 1 })).toBe('');
    expect(shown({ type: 'answered', ms: 900 })).toBe('looking at pg1, pg2 … (5 s)');
    line.end();
    expect(written()).toBe(ERASE);
    vi.advanceTimersByTime(5000);
    expect(shown({ type: 'connecting', host: 'pg1' })).toBe('');
  });

  it('makes room for other output, and comes back', () => {
    const { stream, written } = streamOf(80);
    const line = lookLine(stream, {});
    for (const event of LOOKING) line.emit(event);
    written();
    line.erase();
    line.erase();
    expect(written()).toBe(ERASE);
    vi.advanceTimersByTime(1000);
    expect(written()).toBe('connecting to pg1 … (1 s)');
    line.end();
  });

  it('stays on one line, whatever a host prints', () => {
    const { stream, written } = streamOf(30);
    const line = lookLine(stream, {});
    for (const event of [...LOOKING, { type: 'note', host: 'pg1', text: 'a\nb\u001b[31m and more than fits' } as const]) line.emit(event);
    const last = written().split(ERASE).at(-1) ?? '';
    expect(last.length).toBeLessThan(30);
    expect(last).not.toMatch(/[\n\u001b]/u);
    line.end();
  });

  it.each([
    { what: 'no terminal', columns: undefined, variables: {} },
    { what: 'a terminal that cannot erase', columns: 80, variables: { TERM: 'dumb' } },
    { what: 'CI', columns: 80, variables: { CI: 'true' } },
  ])('is not drawn: $what', ({ columns, variables }) => {
    const { stream, written } = streamOf(columns);
    const line = lookLine(stream, variables);
    for (const event of LOOKING) line.emit(event);
    line.erase();
    line.emit({ type: 'awaiting', text: 'PostgreSQL on pg1 starts' });
    line.end();
    expect(written()).toBe('');
  });

  it('is said in whole lines where nothing can be erased, until it ends', () => {
    const { stream, written } = streamOf();
    const line = lookLine(stream, {}, lookLines(stream));
    const events: readonly RunEvent[] = [
      ...LOOKING,
      { type: 'gave-up', host: 'pg1', phase: 'connect', ms: 1 },
      { type: 'note', host: 'pg2', text: 'waiting for a step\nnow' },
      { type: 'note', text: 'of no host' },
      { type: 'awaiting', text: 'pg2 starts\nnow' },
      { type: 'awaited', ms: 1 },
    ];
    for (const event of events) line.emit(event);
    line.erase();
    expect(written()).toBe(
      'looking at pg1, pg2 …\npg1 could not be connected to\npg2: waiting for a step\nwaiting for what may pass by itself: pg2 starts\n',
    );
    line.end();
    for (const event of LOOKING) line.emit(event);
    expect(written()).toBe('');
  });
});

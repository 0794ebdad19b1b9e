import { afterEach, describe, expect, it, vi } from 'vitest';
import { RunClock } from '../../../src/cli/pipeline/timings.js';
import type { RunEvent } from '../../../src/events.js';
import { Secret } from '../../../src/lib/secret.js';
import { stage } from '../../report/fixtures.js';

const RUN: RunEvent[] = [
  {
    type: 'run-start',
    command: 'apply',
    cluster: 'demo',
    hosts: ['pg1'],
    stages: [stage('etcd/start', ['pg1'], 'start etcd')],
    startUp: { processMs: 200, keysMs: 0 },
  },
  { type: 'connected', host: 'pg1', ms: 3, queuedMs: 0 },
  { type: 'disconnected', host: 'pg1', ms: 1, scripts: 1 },
  { type: 'run-end', exitCode: 0, ms: 9, recap: [] },
];

describe('RunClock', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  function told(events: readonly RunEvent[], options: { timings?: boolean }, output?: string): { seen: RunEvent[]; printed: string } {
    const seen: RunEvent[] = [];
    let printed = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      printed += String(chunk);
      return true;
    });
    const clock = new RunClock(options);
    const emit = clock.listen((event) => seen.push(event));
    for (const event of events) emit(event);
    clock.tell(output);
    return { seen, printed };
  }

  it('passes every event on, and shows where the time went', () => {
    const { seen, printed } = told(RUN, { timings: true });
    expect(seen).toEqual(RUN);
    expect(printed).toMatch(/^\nOf 0\.\d\d s the run waited for\n/u);
    expect(printed).toMatch(/start-up +0\.20 s/u);
    expect(printed.endsWith('\n')).toBe(true);
  });

  it('prints one line for a program', () => {
    const { printed } = told(RUN, { timings: true }, 'json');
    expect(printed.match(/\n/gu)).toHaveLength(1);
    const line = JSON.parse(printed) as { phases: unknown[] };
    expect(line).toMatchObject({ type: 'timings', hosts: [{ host: 'pg1', connectMs: 3, scripts: 1 }] });
    expect(line.phases[0]).toMatchObject({ id: 'start', fromMs: 0, toMs: 200 });
  });

  it.each([
    { what: 'nobody asked', events: RUN, options: {} },
    { what: 'no run began', events: [{ type: 'warning', text: 'the lock is held' }] satisfies RunEvent[], options: { timings: true } },
  ])('prints nothing when $what', ({ events, options }) => {
    const { seen, printed } = told(events, options);
    expect(seen).toEqual(events);
    expect(printed).toBe('');
  });

  it('shows no secret', () => {
    const secret = new Secret('correct horse battery');
    const summary = `set the password to ${secret.reveal()}`;
    const step = { host: 'pg1', stage: 'etcd/start' };
    const events: RunEvent[] = [
      RUN[0] as RunEvent,
      { type: 'step-start', ...step, changes: 1 },
      { type: 'changing', ...step, resource: 'r', summary },
      { type: 'changed', ...step, resource: 'r', summaries: [summary], ms: 5000 },
      { type: 'step-end', ...step, result: 'changed', changes: 1, ms: 5000 },
    ];
    for (const output of [undefined, 'json']) {
      const { printed } = told(events, { timings: true }, output);
      expect(printed).toContain('set the password to ***');
      expect(printed).not.toContain('correct horse');
    }
  });
});

import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.js';
import { PgprovError } from '../../src/lib/errors.js';
import { Secret } from '../../src/lib/secret.js';
import { createJsonReporter } from '../../src/report/json.js';
import { createReporter } from '../../src/report/reporter.js';
import { failingRun, fakeStream } from './fixtures.js';

describe('JSON lines', () => {
  it('have one event each, with the time', async () => {
    const out = fakeStream();
    const reporter = createJsonReporter({ out: out.stream }, () => new Date('2025-01-02T03:04:05.678Z'));
    reporter.emit({ type: 'connected', host: 'pg1', ms: 120 });
    reporter.emit({
      type: 'failed',
      error: new PgprovError({ kind: 'ssh/refused', host: 'pg2', message: 'pg2: no', hint: 'look', exitCode: 3 }),
    });
    await reporter.close();
    expect(out.text()).toBe(`{"type":"connected","at":"2025-01-02T03:04:05.678Z","host":"pg1","ms":120}
{"type":"failed","at":"2025-01-02T03:04:05.678Z","error":{"kind":"ssh/refused","message":"pg2: no","hint":"look","host":"pg2","exitCode":3}}
`);
  });

  it('are the only output', async () => {
    const [out, err] = [fakeStream(), fakeStream()];
    const reporter = await createReporter('json', { out: out.stream, err: err.stream, color: true });
    for (const event of failingRun()) reporter.emit(event);
    await reporter.close();
    const types = out
      .text()
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as RunEvent).type);
    expect(types).toEqual(failingRun().map(({ type }) => type));
    expect(err.text()).toBe('');
  });

  it.each(['json', 'plain', 'tree'] as const)('contain no secret, nor does %s output', async (kind) => {
    const secret = new Secret('s3cr3t-of-the-report');
    const out = fakeStream(200);
    const reporter = await createReporter(kind, { out: out.stream, err: fakeStream().stream, color: false });
    const value = secret.reveal();
    reporter.emit({ type: 'run-start', command: 'apply', cluster: 'demo', hosts: ['pg1'], stages: [] });
    reporter.emit({ type: 'warning', text: `saw ${value}` });
    reporter.emit({ type: 'connecting', host: 'pg1' });
    reporter.emit({
      type: 'failed',
      error: new PgprovError({ kind: 'a/b', host: 'pg1', message: `no ${value}`, hint: `not ${value}`, cause: new Error(value) }),
    });
    reporter.emit({
      type: 'planned',
      changes: [
        { host: 'pg1', stage: 's', resource: 'r', action: 'update', summary: value, projected: false, before: value, after: value },
      ],
      effects: [],
    });
    await reporter.close();
    expect(out.text()).toContain('***');
    expect(out.text()).not.toContain(value);
  });
});

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/lib/package-root.js';
import { timingsLine, toJsonLine } from '../../src/report/json.js';
import { timeRun, type TimedEvent } from '../../src/report/timings.js';
import { eventsSchema } from '../support/events-schema.js';
import { assertDocumented } from '../support/json-lines.js';
import { failingRun } from './fixtures.js';

const AT = new Date('2026-01-02T03:04:05Z');

describe('the schema of JSON lines', () => {
  // `npx vitest run --project unit test/report/events-schema.test.ts -u` writes it anew.
  it('is in docs/ as the types of the events define it, with a description of every type of line', async () => {
    const schema = eventsSchema() as { definitions: Record<string, { description?: string }>; oneOf: { $ref: string }[] };
    await expect(`${JSON.stringify(schema, undefined, 2)}\n`).toMatchFileSnapshot(join(packageRoot(), 'docs/events.schema.json'));
    const names = schema.oneOf.map(({ $ref }) => $ref.split('/').at(-1) ?? '');
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => schema.definitions[name]?.description === undefined)).toEqual([]);
  });

  it('accepts every line of a run', () => {
    const events = failingRun().map((event): TimedEvent => ({ ...event, at: AT.toISOString() }));
    const timings = timeRun(events);
    const lines = [...failingRun().map((event) => toJsonLine(event, AT)), ...(timings === undefined ? [] : [timingsLine(timings, AT)])];
    expect(lines).toHaveLength(failingRun().length + 1);
    assertDocumented(lines.join('\n'));
  });

  it.each([
    ['an unknown type', { type: 'connectd', at: AT, host: 'pg1' }],
    ['a field too many', { type: 'connecting', at: AT, host: 'pg1', hots: 'pg1' }],
    ['a field too few', { type: 'connecting', at: AT }],
    ['no time', { type: 'connecting', host: 'pg1' }],
    ['a nested field too many', { type: 'failed', at: AT, error: { kind: 'a/b', message: 'no', exitCode: 1, stack: '' } }],
    ['an unknown exit code', { type: 'failed', at: AT, error: { kind: 'a/b', message: 'no', exitCode: 77 } }],
  ])('rejects %s', (_what, line) => {
    expect(() => assertDocumented(JSON.stringify(line))).toThrow('not as docs/events.schema.json says');
  });
});

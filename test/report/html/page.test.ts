import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tries } from '../../support/depth.js';
import type { RunEvent } from '../../../src/events.js';
import { mapEvent } from '../../../src/report/map-event.js';
import { failingRun } from '../fixtures.js';
import { eventfulRun, pageOf, wideRun } from './runs.js';

/** Words that decide how an event is read, and so are never a value of somebody else's. */
const OWN_WORDS = new Set([...eventfulRun().map(({ type }) => type), 'apply', 'ok', 'changed', 'failed', 'skipped', 'install', 'update']);

/** The same run with something added to every value that comes from outside. */
function withAdded(events: readonly RunEvent[], added: string): RunEvent[] {
  return events.map((event) => mapEvent(event, (text) => (OWN_WORDS.has(text) ? text : text + added)));
}

/** The tags of a page and their attributes, without values. */
function skeleton(page: string): string[] {
  return [...page.matchAll(/<[^>]*>/gu)].map(([tag]) => tag.replace(/="[^"]*"/gu, '=""'));
}

/** The text of a page as people see it, without its style. */
function textOf(page: string): string {
  return page
    .replace(/<style>[\s\S]*<\/style>/u, '')
    .replace(/<[^>]*>/gu, ' ')
    .replace(/\s+/gu, ' ');
}

describe('the page of a run', () => {
  it('begins with how it ended and what went wrong', () => {
    const text = textOf(pageOf(eventfulRun()));
    const places = [
      'Failed: pg2 (45 s). Made 3 changes on 3 hosts.',
      'Writes writes paused for 5.2 s: from the last commit on pg1 to the first on pg2',
      'pg2 · start etcd',
      'etcd is not healthy',
      'What to do: fix the cause and run again',
      'Warning: two members cannot lose one',
      'The cluster',
      'Stages Stage',
      'Where the time went',
      'What changed',
    ].map((part) => [text.indexOf(part), part] as const);
    expect(places.filter(([at]) => at < 0)).toEqual([]);
    expect([...places].sort(([a], [b]) => a - b)).toEqual(places);
  });

  it('shows the cluster as it was last seen', () => {
    const text = textOf(pageOf(eventfulRun()));
    for (const part of [
      '✔ pg1 balancer: sends connections to pg1',
      '✖ not well: pg2 balancer: no member is up',
      '✖ Patroni does not answer',
      'pending restart',
      '▲ 64 MiB',
      '▲ 100 MiB, 1 min 30 s, paused',
      'Last change of the leader: 2026-01-01 00:00:00 UTC, to pg1, timeline 2 from 0/3000148 on',
      'Replication ✔ pg1 sends to pg2: catchup, async, 64 MiB not sent',
      'Replication slots ✔ pg1 pg2: physical, in use, holds 64 MiB',
      'leads, version 3.5.16, database 80 KiB',
      '▲ maintenance mode (pause: true): Patroni fails nothing over',
      '▲ scheduled: a switchover from pg1 to pg2 at 2026-01-02 03:00:00 UTC',
      'Receive lag Replay lag',
      'tls: bad certificate',
      'member pg9 is not in the inventory',
      '1 of 2 proofs fail',
      'until 2026-01-20, 18 days left',
      'Each host as it was last seen',
    ]) {
      expect(text).toContain(part.replace('1 of 2 proofs fail', '1 of 2 proofs fail'));
    }
  });

  it('has no cross for what is not there before the cluster is made', () => {
    const bare: RunEvent = {
      type: 'cluster',
      afterwards: false,
      status: {
        cluster: 'demo',
        scope: 'demo',
        absent: true,
        members: [{ name: 'pg1', address: '10.0.0.1', pendingRestart: false, problem: 'Patroni does not answer, and there is no data' }],
        etcd: [{ name: 'pg1', healthy: false }],
        certificates: [],
        problems: [],
      },
    };
    const page = pageOf([bare]);
    const state = /<section aria-labelledby="cluster">[\s\S]*?<\/section>/u.exec(page)?.[0] ?? '';
    expect(textOf(state)).toContain('There is no cluster yet, scope demo.');
    expect(state).not.toMatch(/✖|bad/u);
    const { absent: _, ...made } = bare.status;
    expect(textOf(pageOf([{ ...bare, status: { ...made, leaderUnknown: true } }]))).toContain('Who leads was not seen, scope demo.');
  });

  it('shows a change that hosts share once, with the differences that they do not share, and what was not made', () => {
    const text = textOf(pageOf(eventfulRun()));
    expect(text).toContain('install postgresql-17 pg1, pg2, pg3');
    expect(text).toContain('write /etc/etcd (projected) pg1, pg2 ✖ not made on pg1, pg2');
    expect(text).toMatch(/Difference on pg1 @@ -1,2 \+1,2 @@ a: 1 -b: 2 \+b: 3 Difference on pg2/u);
  });

  it('shows first what a plan would change', () => {
    const events = eventfulRun().map((event): RunEvent => {
      if (event.type === 'run-start') return { ...event, command: 'plan' };
      return event.type === 'run-end' ? { ...event, exitCode: 0 } : event;
    });
    const text = textOf(
      pageOf(
        events.filter(({ type }) => !['step-end', 'changed'].includes(type)),
        { command: 'pgprov plan' },
      ),
    );
    expect(text).toContain('5 changes on 3 hosts would be made.');
    expect(text.indexOf('What would change')).toBeLessThan(text.indexOf('Stages Stage'));
  });

  it.each([
    ['that was killed', eventfulRun().slice(0, 24), 'Not finished (broke off) after 45 s.'],
    [
      'that failed before it began',
      [{ type: 'failed', error: failingRun().flatMap((event) => ('error' in event ? (event.error ?? []) : []))[0] } as RunEvent],
      'Not finished (broke off) after 45 s.',
    ],
    ['without any event', [], 'Not finished (broke off) after 45 s.'],
  ])('is made for a run %s', (_what, events, verdict) => {
    expect(textOf(pageOf(events, { ending: 'broke off' }))).toContain(verdict);
  });

  it('draws the run to scale', () => {
    const page = pageOf([
      { type: 'run-start', command: 'apply', cluster: 'demo', hosts: ['pg1'], stages: [] },
      { type: 'connecting', host: 'pg1' },
      { type: 'connected', host: 'pg1', ms: 250, queuedMs: 100 },
      { type: 'surveyed', host: 'pg1', ms: 250 },
      { type: 'run-end', exitCode: 0, ms: 1000, recap: [] },
    ]);
    const bars = [...page.matchAll(/<rect class="(\w+)" x="([\d.]+)%" width="([\d.]+)%" y="3"/gu)].map(([, look, x, width]) => [
      look,
      Number(x),
      Number(width),
    ]);
    expect(bars.slice(-3)).toEqual([
      ['queue', 25, 10],
      ['connect', 35, 15],
      ['look', 50, 25],
    ]);
  });

  it('folds the lanes of many hosts, failed hosts first', () => {
    const page = pageOf(wideRun(200));
    expect(textOf(page)).toContain('176 other hosts');
    expect(page.slice(page.indexOf('Failed hosts first')).match(/scope="row">([^ <]+)/u)?.[1]).toBe(
      'database-8.eu-central-1.production.example.com',
    );
    expect(page.length).toBeLessThan(1_000_000);
  });

  it('allows no source but its own style', () => {
    const page = pageOf(eventfulRun());
    expect(page).toMatch(
      /http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'"/u,
    );
    expect(page).not.toMatch(/<script|<link|<img|<iframe|\bsrc=|https?:|@import|\sstyle=|\son\w+=/iu);
  });

  it('escapes every value, whatever it contains', () => {
    const pieces = fc.constantFrom(
      '<',
      '>',
      '"',
      "'",
      '&',
      '`',
      '=',
      '/',
      '{{',
      '}}',
      '{{{x}}}',
      '<script>',
      '</style>',
      '</pre>',
      '-->',
      '<!--',
      ']]>',
      '" onload="x',
      'javascript:',
      '\u2028',
      '\u202e',
      'é',
      '💾',
      '\\',
      '%',
      '$&',
    );
    const plain = skeleton(pageOf(withAdded(eventfulRun(), 'x'), { cluster: 'demox', command: 'pgprov applyx' }));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(pieces, { minLength: 1, maxLength: 6 }).map((list) => list.join('')),
          fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/[\r\n]/u.test(text)),
        ),
        (added) => {
          const page = pageOf(withAdded(eventfulRun(), added), {
            cluster: `demo${added}`,
            command: `pgprov apply${added}`,
            facts: [
              { label: 'By', text: added },
              { label: 'Inventory', text: added },
            ],
          });
          expect(skeleton(page)).toEqual(plain);
        },
      ),
      tries(30, 600),
    );
  });
});

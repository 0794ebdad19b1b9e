import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.js';
import { PgprovError } from '../../src/lib/errors.js';
import { createReporter } from '../../src/report/reporter.js';
import { failingRun, fakeStream } from './fixtures.js';

async function plain(events: readonly RunEvent[], color = false): Promise<string> {
  const out = fakeStream();
  const reporter = await createReporter('plain', { out: out.stream, err: fakeStream().stream, color });
  for (const event of events) reporter.emit(event);
  await reporter.close();
  return out.text();
}

const start: RunEvent = { type: 'run-start', command: 'apply', cluster: 'demo', hosts: ['pg1', 'replica-2'], stages: [] };

describe('plain lines', () => {
  it('show a run in the order of its events', async () => {
    expect(await plain(failingRun())).toBe(`apply: cluster demo, pg1, pg2, pg3, 4 stages
     warning: two members cannot lose one
pg1  connected (0.1 s)
pg2  connected (0.1 s)
pg3  connected (0.1 s)
pg1  surveyed (0.8 s)
pg2  surveyed (0.8 s)
pg3  surveyed (0.8 s)
plan: pg1: 1 change, pg2: 1 change, pg3: 1 change
     base/hosts  ok: pg1, pg2, pg3
pg1  postgresql/packages  changed: install postgresql-17 (21 s)
pg2  postgresql/packages  changed: install postgresql-17 (21 s)
pg3  postgresql/packages  changed: install postgresql-17 (21 s)
pg1  etcd/start  waiting until etcd has a quorum
pg1  etcd/start  note: etcd[311]: waiting for peers
pg2  etcd/start  waiting until etcd has a quorum
pg2  etcd/start  note: etcd[311]: waiting for peers
pg3  etcd/start  waiting until etcd has a quorum
pg3  etcd/start  note: etcd[311]: waiting for peers
pg1  etcd/start  etcd has a quorum (3 s)
pg2  etcd/start  failed: etcd is not healthy (5 s)
       journal: tls: bad certificate
         at peer 10.0.0.3
       1 of 3 members answers
       → fix the cause and run again
     etcd/start  ok: pg1, pg3
pg2  patroni/start  skipped: an earlier stage failed on it
     patroni/start  ok: pg1, pg3

pg1  ok=11  changed=1  failed=0  skipped=0
pg2  ok=9   changed=1  failed=1  skipped=1
pg3  ok=11  changed=1  failed=0  skipped=0

What failed:
  pg2  etcd/start  etcd is not healthy

Failed: pg2 (45 s). Made 3 changes on 3 hosts.
`);
  });

  it('align the host column to the longest name', async () => {
    expect(
      await plain([start, { type: 'connected', host: 'pg1', ms: 20 }, { type: 'connected', host: 'replica-2', ms: 1500 }]),
    ).toBe(`apply: cluster demo, pg1, replica-2, no stages
pg1        connected (<0.1 s)
replica-2  connected (1.5 s)
`);
  });

  it('show checks, and failures with and without a host', async () => {
    const text = await plain([
      start,
      {
        type: 'checked',
        results: [
          { title: 'etcd is healthy', ok: true, detail: '3 members', host: 'pg1' },
          { title: 'the cluster has a leader', ok: false, detail: 'none' },
        ],
      },
      { type: 'failed', error: new PgprovError({ kind: 'x/y', host: 'pg1', message: 'pg1: out of reach' }) },
      { type: 'failed', error: new PgprovError({ kind: 'x/z', message: 'no leader', hint: 'look' }) },
    ]);
    expect(text.split('\n').slice(1)).toEqual([
      'pg1        check  ok: etcd is healthy (3 members)',
      '           check  failed: the cluster has a leader (none)',
      'pg1        failed: out of reach',
      'error: no leader',
      '  → look',
      '',
    ]);
  });

  it('show how long writes paused, or why that is unknown', async () => {
    const stage = 'switchover/hand-over';
    const text = await plain([
      start,
      { type: 'write-gap', stage, ms: 5180, from: 'pg1', to: 'replica-2' },
      { type: 'write-gap', stage, ms: 10_800, from: 'pg1', to: 'pg1', lost: ['replica-2'] },
      { type: 'write-gap', stage, ms: 130, from: 'pg1', to: 'pg1' },
      { type: 'write-gap', stage, to: 'pg1', unseen: 'no write succeeded before the step' },
    ]);
    const before = '           switchover/hand-over  ';
    expect(text.split('\n').slice(1, -1)).toEqual([
      `${before}writes paused for 5.2 s: from the last commit on pg1 to the first on replica-2`,
      `${before}writes paused for 11 s: between two commits on pg1; replica-2 was out of sight for a part of it`,
      `${before}writes did not pause: no two commits were more than 0.1 s apart`,
      `${before}how long writes paused could not be seen: no write succeeded before the step`,
    ]);
  });

  it('say what the run waits for by itself, and for how long it did', async () => {
    const text = await plain([start, { type: 'awaiting', text: 'PostgreSQL on pg1 starts' }, { type: 'awaited', ms: 4100 }]);
    expect(
      text
        .split('\n')
        .slice(1, -1)
        .map((line) => line.trim()),
    ).toEqual(['waiting for what may pass by itself: PostgreSQL on pg1 starts', 'waited 4.1 s']);
  });

  it('count hosts when there are many', async () => {
    const hosts = Array.from({ length: 40 }, (_, index) => `pg${index}`);
    const text = await plain([
      { ...start, hosts },
      {
        type: 'planned',
        changes: hosts.map((host) => ({ host, stage: 'a/b', resource: 'r', action: 'run', summary: 's', projected: false })),
        effects: [],
      },
      ...hosts.map((host): RunEvent => ({ type: 'step-end', host, stage: 'a/b', result: 'ok', changes: 0, ms: 1 })),
      { type: 'stage-end', stage: 'a/b', ms: 1 },
    ]);
    expect(text).toBe('apply: cluster demo, 40 hosts, no stages\nplan: 40 changes on 40 hosts\n      a/b  ok: 40 hosts\n');
  });

  it('have colours only when asked to, and pass on no control codes of a host', async () => {
    const note: RunEvent = { type: 'note', host: 'pg1', text: '\u001b[2J\u001b]0;title\u0007cleared\r' };
    expect(await plain([start, note])).toContain('pg1        note: cleared\n');
    expect(await plain(failingRun(), true)).toContain('\u001b[31mfailed:\u001b[39m etcd is not healthy');
  });

  it('print nothing at the end of a plan that went well', async () => {
    const end: RunEvent = {
      type: 'run-end',
      exitCode: 0,
      ms: 900,
      recap: [{ host: 'pg1', ok: 0, changed: 0, failed: 0, skipped: 0, remarks: [] }],
    };
    expect(await plain([{ ...start, command: 'plan' }, { type: 'planned', changes: [], effects: [] }, end])).toBe(
      'plan: cluster demo, pg1, replica-2, no stages\nplan: no changes\n',
    );
  });
});

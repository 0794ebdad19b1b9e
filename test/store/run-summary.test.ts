import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.js';
import { PgprovError } from '../../src/lib/errors.js';
import type { RunHead } from '../../src/store/journal-format.js';
import { thisProcess, type ProcessIdentity } from '../../src/store/process.js';
import { summariseRun, type RunSummary } from '../../src/store/run-summary.js';
import { failingRun, stage } from '../report/fixtures.js';

const GONE: ProcessIdentity = { pid: spawnSync('true').pid, machine: hostname() };
const ALL = failingRun();

function head(process: ProcessIdentity): RunHead {
  return {
    type: 'journal',
    schema: 1,
    at: '2026-11-21T07:15:00.000Z',
    id: 'x',
    pgprov: '0.1.0',
    user: 'ann',
    process,
    command: 'apply',
    cluster: 'demo',
    aim: {},
    set: [],
    inventory: { file: '/i', sha256: '' },
  };
}

/** The events a second apart. */
function summarise(events: readonly RunEvent[], process: ProcessIdentity = GONE): RunSummary {
  return summariseRun({
    id: 'x',
    head: head(process),
    lines: [],
    events: events.map((event, index) => ({ ...event, at: new Date(Date.UTC(2026, 10, 21, 7, 15, index)).toISOString() })),
  });
}

/** The run up to the first event that is so. */
function until(found: (event: RunEvent) => boolean): RunEvent[] {
  return ALL.slice(0, ALL.findIndex(found) + 1);
}

const [START] = ALL as [RunEvent];
const stopped = new PgprovError({ kind: 'a/b', host: 'pg2', message: 'no', exitCode: 3 });

describe('summariseRun', () => {
  it.each<{ title: string; events: RunEvent[]; process?: ProcessIdentity; summary: Partial<RunSummary> }>([
    {
      title: 'a failed step',
      events: ALL,
      summary: { ending: 'failed', exitCode: 1, ms: 45_000, changes: 3, broke: [{ host: 'pg2', stage: 'etcd/start' }] },
    },
    {
      title: 'steps that ran when the run was killed',
      events: until(({ type }) => type === 'waiting'),
      summary: { ending: 'broke off', broke: [{ host: 'pg1', stage: 'etcd/start' }] },
    },
    {
      title: 'hosts in different stages when the run was killed',
      events: [
        ...until(({ type }) => type === 'planned'),
        { type: 'step-start', host: 'pg1', stage: 'base/hosts', changes: 1 },
        { type: 'step-start', host: 'pg2', stage: 'base/hosts', changes: 1 },
        { type: 'step-end', host: 'pg2', stage: 'base/hosts', result: 'changed', changes: 1, ms: 9 },
        { type: 'step-start', host: 'pg2', stage: 'postgresql/packages', changes: 1 },
      ],
      summary: {
        ending: 'broke off',
        broke: [
          { host: 'pg1', stage: 'base/hosts' },
          { host: 'pg2', stage: 'postgresql/packages' },
        ],
      },
    },
    {
      title: 'a run killed between two stages',
      events: until((event) => event.type === 'stage-end' && event.stage === 'base/hosts'),
      summary: { ending: 'broke off', changes: 0, broke: [{ stage: 'postgresql/packages' }] },
    },
    {
      title: 'a run killed while it connected',
      events: [START, { type: 'connected', host: 'pg1', ms: 1 }],
      summary: {
        ending: 'broke off',
        broke: [
          { host: 'pg1', stage: 'survey' },
          { host: 'pg2', stage: 'connect' },
          { host: 'pg3', stage: 'connect' },
        ],
      },
    },
    {
      title: 'a run killed while it planned',
      events: until(({ type }) => type === 'surveyed').concat(ALL.filter(({ type }) => type === 'surveyed')),
      summary: { broke: [{ stage: 'plan' }] },
    },
    { title: 'a run killed before its first event', events: [], summary: { ending: 'broke off', ms: 0, broke: [{ stage: 'plan' }] } },
    {
      title: 'a run that reached no host',
      events: [START, { type: 'failed', error: stopped }, { type: 'run-end', exitCode: 3, ms: 9, recap: [] }],
      summary: { ending: 'unreachable', broke: [{ host: 'pg2', stage: 'connect' }] },
    },
    {
      title: 'an operation that was interrupted between two steps',
      events: [
        START,
        ...['pg1', 'pg2', 'pg3'].flatMap((host): RunEvent[] => [
          { type: 'connected', host, ms: 1 },
          { type: 'surveyed', host, ms: 1 },
        ]),
        { type: 'steps', steps: ['pg2', 'pg3'].map((name) => ({ id: `restart/restart-${name}`, title: name, hosts: [name] })) },
        { type: 'stage-start', stage: 'restart/restart-pg2' },
        { type: 'stage-end', stage: 'restart/restart-pg2', ms: 1 },
        { type: 'run-end', exitCode: 130, ms: 9, recap: [] },
      ],
      summary: { ending: 'interrupted', broke: [{ host: 'pg3', stage: 'restart/restart-pg3' }] },
    },
    {
      title: 'a refusal',
      events: [
        START,
        { type: 'failed', error: new PgprovError({ kind: 'a/b', message: 'no' }) },
        { type: 'run-end', exitCode: 4, ms: 9, recap: [] },
      ],
      summary: { ending: 'refused', broke: [{ stage: 'plan' }] },
    },
    {
      title: 'a run ended by Ctrl-C',
      events: [
        ...until(({ type }) => type === 'planned'),
        { type: 'step-end', host: 'pg1', stage: 'etcd/start', result: 'skipped', changes: 0, ms: 0, reason: 'interrupted' },
        { type: 'run-end', exitCode: 130, ms: 9, recap: [] },
      ],
      summary: { ending: 'interrupted', exitCode: 130, broke: [{ host: 'pg1', stage: 'etcd/start' }] },
    },
    {
      title: 'Ctrl-C twice',
      events: [
        ...until(({ type }) => type === 'waiting'),
        { type: 'left', underWay: [{ host: 'pg1', stage: 'etcd/start' }], again: 'pgprov apply i.yml --resume' },
      ],
      summary: { ending: 'interrupted' },
    },
    {
      title: 'a successful run',
      events: [START, { type: 'run-end', exitCode: 0, ms: 9, recap: [] }],
      summary: { ending: 'done', exitCode: 0, broke: [] },
    },
    {
      title: 'a running run',
      events: until(({ type }) => type === 'waiting'),
      process: thisProcess(),
      summary: { ending: 'running', broke: [] },
    },
    {
      title: 'a run of another machine',
      events: until(({ type }) => type === 'planned'),
      process: { pid: 1, machine: 'elsewhere' },
      summary: { ending: 'unknown', broke: [{ stage: 'base/hosts' }] },
    },
  ])('summarises $title', ({ events, process, summary }) => {
    expect(summarise(events, process)).toMatchObject(summary);
  });

  it('shows how far a run without an end got', () => {
    expect(summarise([START, { type: 'connecting', host: 'pg1' }, { type: 'connecting', host: 'pg2' }]).ms).toBe(2000);
  });

  it('treats a run after its last stage as being checked', () => {
    const start: RunEvent = { type: 'run-start', command: 'apply', cluster: 'demo', hosts: ['pg1'], stages: [stage('a/b', ['pg1'])] };
    const events: RunEvent[] = [
      start,
      { type: 'connected', host: 'pg1', ms: 1 },
      { type: 'surveyed', host: 'pg1', ms: 1 },
      { type: 'planned', changes: [], effects: [] },
      { type: 'stage-end', stage: 'a/b', ms: 1 },
    ];
    expect(summarise(events).broke).toEqual([{ stage: 'check' }]);
  });

  it('shows where an operation failed that repeats the same stages', () => {
    const pass = (step: string): RunEvent => ({
      type: 'stages',
      step: `certs renew/${step}`,
      stages: [stage('etcd/start', ['pg1']), stage('patroni/start', ['pg1'])],
    });
    const begun: RunEvent[] = [
      { type: 'run-start', command: 'certs renew', cluster: 'demo', hosts: ['pg1'], stages: [] },
      { type: 'connected', host: 'pg1', ms: 1 },
      { type: 'surveyed', host: 'pg1', ms: 1 },
      { type: 'planned', changes: [], effects: [] },
    ];
    const once: RunEvent[] = [
      { type: 'step-start', host: 'pg1', stage: 'etcd/start', changes: 1 },
      { type: 'step-end', host: 'pg1', stage: 'etcd/start', result: 'changed', changes: 1, ms: 9 },
      { type: 'stage-end', stage: 'etcd/start', ms: 9 },
    ];
    expect(summarise([...begun, pass('trust'), ...once]).broke).toEqual([{ stage: 'patroni/start' }]);
    expect(summarise([...begun, pass('trust'), ...once, pass('issue')]).broke).toEqual([{ stage: 'etcd/start' }]);
    expect(summarise([...begun, pass('trust'), ...once, pass('issue'), ...once.slice(0, 1)]).broke).toEqual([
      { host: 'pg1', stage: 'etcd/start' },
    ]);
  });

  it('accepts a journal without a beginning', () => {
    expect(summariseRun({ id: 'x', head: undefined, events: [], lines: [] })).toMatchObject({ ending: 'broke off', ms: 0, changes: 0 });
  });
});

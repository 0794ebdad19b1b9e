import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.js';
import { PgprovError } from '../../src/lib/errors.js';
import { RunState } from '../../src/report/run-state.js';
import { stage } from './fixtures.js';

const HOSTS = ['pg1'];

/** A pass of an operation through two stages, and its proof. */
const pass = (step: string): RunEvent[] => [
  {
    type: 'stages',
    step: `certs renew/${step}`,
    stages: [stage('etcd/start', HOSTS, 'start etcd'), stage('patroni/start', HOSTS, 'start Patroni')],
  },
  ...['etcd/start', 'patroni/start'].flatMap((id): RunEvent[] => [
    { type: 'step-start', host: 'pg1', stage: id, changes: 1 },
    { type: 'step-end', host: 'pg1', stage: id, result: 'changed', changes: 1, ms: 1 },
    { type: 'stage-end', stage: id, ms: 1 },
  ]),
  { type: 'checked', results: [{ title: 'it works', ok: true, detail: 'seen' }] },
];

function after(...events: RunEvent[]): RunState {
  const state = new RunState();
  for (const event of events) state.apply(event);
  return state;
}

const told = ({ stages }: RunState): string[] =>
  [...stages.values()].map(({ title, ended, parts }) => `${title}: ${ended ? 'over' : parts.size > 0 ? 'under way' : 'to come'}`);

describe('the state of an operation', () => {
  const begun: RunEvent[] = [
    { type: 'run-start', command: 'certs renew', cluster: 'demo', hosts: HOSTS, stages: [] },
    {
      type: 'steps',
      steps: [
        { id: 'certs renew/trust', title: 'trust', hosts: HOSTS, pass: true },
        { id: 'certs renew/finish', title: 'finish', hosts: [] },
      ],
    },
  ];

  it('includes steps that are stages themselves, and the stages of the other steps', () => {
    expect(told(after(...begun))).toEqual(['finish: to come']);
    expect(told(after(...begun, ...pass('trust').slice(0, 2)))).toEqual([
      'finish: to come',
      'start etcd: under way',
      'start Patroni: to come',
    ]);
  });

  it('keeps the result of a pass when the next one repeats the same stages', () => {
    const second = pass('issue');
    expect(told(after(...begun, ...pass('trust'), ...second.slice(0, 2)))).toEqual([
      'finish: to come',
      'start etcd: over',
      'start Patroni: over',
      'start etcd: under way',
      'start Patroni: to come',
    ]);
    expect(after(...begun, ...pass('trust'), ...second.slice(0, 1)).checks).toBeUndefined();
    expect(
      told(after(...begun, ...pass('trust'), ...second, ...pass('drop'), { type: 'stage-end', stage: 'certs renew/finish', ms: 1 })),
    ).toEqual(['finish: over', ...Array.from({ length: 3 }, () => ['start etcd: over', 'start Patroni: over']).flat()]);
  });
});

describe('the state of a look', () => {
  it('waits for no look at a host that could not be reached', () => {
    const { survey } = after(
      { type: 'run-start', command: 'stop', cluster: 'demo', hosts: ['pg1', 'pg2'], stages: [] },
      ...['pg1', 'pg2'].map((host): RunEvent => ({ type: 'connecting', host })),
      { type: 'connected', host: 'pg1', ms: 1 },
      { type: 'surveyed', host: 'pg1', ms: 1 },
      { type: 'failed', error: new PgprovError({ kind: 'ssh/timeout', host: 'pg2', message: 'pg2 is silent' }) },
    );
    expect([survey.hosts, survey.ended]).toEqual([['pg1'], true]);
  });

  it('keeps a host that was looked at before the last one was connected to', () => {
    const { survey } = after(
      { type: 'run-start', command: 'stop', cluster: 'demo', hosts: ['pg1', 'pg2'], stages: [] },
      ...['pg1', 'pg2'].map((host): RunEvent => ({ type: 'connecting', host })),
      { type: 'connected', host: 'pg1', ms: 1 },
      { type: 'surveyed', host: 'pg1', ms: 1 },
      { type: 'connected', host: 'pg2', ms: 2 },
    );
    expect([...survey.parts].map(([host, { end }]) => `${host} ${end?.result ?? 'under way'}`)).toEqual(['pg1 ok', 'pg2 under way']);
  });
});

import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.js';
import { timeRun, type TimedEvent, type Timings } from '../../src/report/timings.js';
import { renderTimings } from '../../src/report/timings-text.js';
import { displayWidth } from '../../src/report/width.js';
import { failingRun, gateError, stage } from './fixtures.js';

const HOSTS = ['pg1', 'pg2', 'pg3'];

/** Events with the milliseconds at which they came. */
type Told = readonly (readonly [number, RunEvent])[];

function timed(told: Told): TimedEvent[] {
  return told.map(([ms, event]) => ({ ...event, at: new Date(Date.UTC(2026, 10, 21, 7, 15) + ms).toISOString() }));
}

function times(told: Told): Timings {
  return timeRun(timed(told)) as Timings;
}

/** One host's step with a change, a wait, and the time around them. */
function step(host: string, id: string, from: number, { change = 0, wait = 0, around = 100 }): [number, RunEvent][] {
  const begun = from + around;
  const changed = begun + change;
  const end = changed + wait + around;
  return [
    [from, { type: 'step-start', host, stage: id, changes: 1 }],
    ...(change === 0
      ? []
      : ([
          [begun, { type: 'changing', host, stage: id, resource: 'service:x', summary: `start x on ${host}` }],
          [changed, { type: 'changed', host, stage: id, resource: 'service:x', summaries: [`start x on ${host}`], ms: change }],
        ] as [number, RunEvent][])),
    ...(wait === 0
      ? []
      : ([
          [changed, { type: 'waiting', host, stage: id, title: `${host} streams` }],
          [changed + wait, { type: 'waited', host, stage: id, title: `${host} streams`, ms: wait }],
        ] as [number, RunEvent][])),
    [end, { type: 'step-end', host, stage: id, result: 'changed', changes: 1, ms: end - from }],
  ];
}

const inOrder = (...told: Told[]): Told => told.flat().sort(([a], [b]) => a - b);
const end = (ms: number, exitCode: 0 | 1 = 0): Told => [[ms, { type: 'run-end', exitCode, ms, recap: [], cpuMs: 900 }]];

const look = (overheadMs: number, probes: Record<string, number>): { overheadMs: number; probes: { id: string; ms: number }[] } => ({
  overheadMs,
  probes: Object.entries(probes).map(([id, ms]) => ({ id, ms })),
});

/** Half a second of start-up, then hosts that connect and are looked at: pg3 is the slow one. */
const PREPARED: Told = [
  [
    0,
    {
      type: 'run-start',
      command: 'apply',
      cluster: 'demo',
      hosts: HOSTS,
      stages: [stage('etcd/install', HOSTS, 'install etcd'), stage('etcd/start', HOSTS, 'start etcd')],
      startUp: { processMs: 400, askMs: 0, keysMs: 100 },
    },
  ],
  ...HOSTS.map((host) => [0, { type: 'connecting', host }] as const),
  [200, { type: 'connected', host: 'pg1', ms: 200, queuedMs: 0 }],
  [250, { type: 'connected', host: 'pg2', ms: 250, queuedMs: 0 }],
  [300, { type: 'connected', host: 'pg3', ms: 300, queuedMs: 0 }],
  [700, { type: 'surveyed', host: 'pg1', ms: 400, times: look(150, { ports: 30, 'etcd-member': 100, firewall: 1 }) }],
  [750, { type: 'surveyed', host: 'pg2', ms: 450, times: look(150, { ports: 20, 'etcd-member': 200 }) }],
  [900, { type: 'surveyed', host: 'pg3', ms: 600, times: look(160, { ports: 40, 'etcd-member': 350, firewall: 2 }) }],
  [900, { type: 'planned', changes: [], effects: [] }],
];

const goodbye = (at: number, scripts: number): Told => [
  ...HOSTS.map((host) => [at, { type: 'disconnected', host, ms: 20, scripts }] as const),
  ...end(at),
];

/** The leader starts first, the others after it; before that all install by themselves, pg2 longest. */
const ROLLING: Told = inOrder(
  PREPARED,
  [[900, { type: 'stage-start', stage: 'etcd/install' }]],
  step('pg1', 'etcd/install', 900, { change: 2000 }),
  step('pg2', 'etcd/install', 900, { change: 6000 }),
  step('pg3', 'etcd/install', 900, { change: 3000 }),
  [[7100, { type: 'stage-start', stage: 'etcd/start' }]],
  step('pg1', 'etcd/start', 7100, { change: 300, wait: 1000 }),
  step('pg2', 'etcd/start', 8600, { change: 300, wait: 2000 }),
  step('pg3', 'etcd/start', 8600, { change: 200, wait: 3000 }),
  [
    [12_400, { type: 'surveyed-again', host: 'pg1', ms: 300, times: look(100, { ports: 20 }) }],
    [12_400, { type: 'surveyed-again', host: 'pg2', ms: 300, times: look(100, { ports: 20 }) }],
    [12_500, { type: 'surveyed-again', host: 'pg3', ms: 400, times: look(100, { ports: 20 }) }],
  ],
  goodbye(12_520, 4),
);

const CHANGELESS: Told = [
  ...PREPARED,
  [905, { type: 'stage-start', stage: 'etcd/install' }],
  ...HOSTS.flatMap(
    (host) =>
      [
        [905, { type: 'step-start', host, stage: 'etcd/install', changes: 0 }],
        [905, { type: 'step-end', host, stage: 'etcd/install', result: 'ok', changes: 0, ms: 0 }],
      ] as [number, RunEvent][],
  ),
  ...goodbye(930, 1),
];

/** Hosts of which only a part may shake hands at once. */
function many(count: number): Told {
  const hosts = Array.from({ length: count }, (_, index) => `database-server-${index + 1}.eu-central.example.net`);
  return inOrder(
    [
      [
        0,
        {
          type: 'run-start',
          command: 'apply',
          cluster: 'demo',
          hosts,
          stages: [stage('base/prepare', hosts, 'prepare every host of a very large cluster before anything else')],
        },
      ],
    ],
    hosts.map((host, index) => [10 * index, { type: 'connected', host, ms: 10 * index, queuedMs: Math.max(0, 10 * (index - 50)) }]),
    hosts.map((host, index) => [10 * count + 100 + index, { type: 'surveyed', host, ms: 100 + index, times: look(90, { ports: index }) }]),
    [[12 * count, { type: 'stage-start', stage: 'base/prepare' }]],
    hosts.flatMap((host, index) => step(host, 'base/prepare', 12 * count, { change: 1000 + index })),
    hosts.map((host) => [14 * count + 1200, { type: 'disconnected', host, ms: 20, scripts: 2 }]),
    end(14 * count + 1220),
  );
}

const path = ({ path: causes }: Timings): string[] =>
  causes.map(({ host, title, ms, times: count }) => `${ms} ${host ?? '-'} ${title}${count > 1 ? ` x${count}` : ''}`);

describe('the times of an operation', () => {
  const stages = [stage('etcd/start', HOSTS, 'start etcd')];
  const looks = (type: 'surveyed' | 'surveyed-again', at: number): Told =>
    HOSTS.map((host) => [at, { type, host, ms: 200, times: look(100, {}) }] as const);
  const TWO_PASSES: Told = inOrder(
    [[0, { type: 'run-start', command: 'certs renew', cluster: 'demo', hosts: HOSTS, stages: [] }]],
    HOSTS.map((host) => [100, { type: 'connected', host, ms: 100 }] as const),
    looks('surveyed', 300),
    looks('surveyed', 600),
    [
      [600, { type: 'stages', step: 'certs renew/trust', stages }],
      [600, { type: 'stage-start', stage: 'etcd/start' }],
    ],
    step('pg1', 'etcd/start', 600, { change: 300 }),
    looks('surveyed-again', 1400),
    looks('surveyed', 1700),
    [
      [1700, { type: 'stages', step: 'certs renew/issue', stages }],
      [1700, { type: 'stage-start', stage: 'etcd/start' }],
    ],
    step('pg2', 'etcd/start', 1700, { change: 500 }),
    looks('surveyed-again', 2700),
    goodbye(2800, 6),
  );

  it('have each pass separately, with its titles, and the surveys in between', () => {
    expect(times(TWO_PASSES).phases.map(({ id, title, fromMs, toMs }) => [id, title, fromMs, toMs])).toEqual([
      ['connect', 'connect', 0, 100],
      ['survey', 'first look', 100, 600],
      ['etcd/start', 'start etcd', 600, 1100],
      ['look-between', 'look between steps', 1200, 1700],
      ['etcd/start', 'start etcd', 1700, 2400],
      ['survey-again', 'last look', 2500, 2700],
      ['goodbye', 'goodbye', 2780, 2800],
    ]);
  });

  it('add up to the total', () => {
    const { path, totalMs } = times(TWO_PASSES);
    expect(path.reduce((sum, { ms }) => sum + ms, 0)).toBe(totalMs);
    expect(path.filter(({ ms }) => ms < 0)).toEqual([]);
  });
});

describe('timeRun', () => {
  it('follows what the run waited for from host to host', () => {
    const timings = times(ROLLING);
    expect(timings.totalMs).toBe(13_020);
    expect(path(timings)).toEqual([
      '6000 pg2 start x on pg2',
      '3000 pg3 waiting until pg3 streams',
      '1000 pg1 waiting until pg1 streams',
      '600 pg3 first look',
      '400 - start-up',
      '400 pg3 last look',
      '300 pg3 connect',
      '300 - sending the script x3',
      '300 - reading back x3',
      '300 pg1 start x on pg1',
      '200 pg3 start x on pg3',
      '100 - keys and certificates',
      '100 - pgprov itself, in between',
      '20 pg1 goodbye',
    ]);
    expect(timings.path.reduce((sum, { ms }) => sum + ms, 0)).toBe(timings.totalMs);
  });

  it('has every phase in order, with its slowest host and what that was made of', () => {
    const { phases, hosts } = times(ROLLING);
    expect(phases.map(({ id, fromMs, toMs, slowest, medianMs }) => [id, fromMs, toMs, slowest?.host, slowest?.ms, medianMs])).toEqual([
      ['start', 0, 400, undefined, undefined, undefined],
      ['keys', 400, 500, undefined, undefined, undefined],
      ['connect', 500, 800, 'pg3', 300, 250],
      ['survey', 800, 1400, 'pg3', 600, 450],
      ['etcd/install', 1400, 7600, 'pg2', 6200, 3200],
      ['etcd/start', 7600, 12_500, 'pg3', 3400, 2500],
      ['survey-again', 12_600, 13_000, 'pg3', 400, 300],
      ['goodbye', 13_000, 13_020, 'pg1', 20, 20],
    ]);
    expect(phases.find(({ id }) => id === 'survey')?.parts).toEqual([
      { title: 'etcd-member', ms: 350, medianMs: 200 },
      { title: 'around the probes: channel, root, locks, shared questions', ms: 160, medianMs: 150 },
      { title: 'ports', ms: 40, medianMs: 30 },
      { title: 'firewall', ms: 2, medianMs: 1 },
    ]);
    expect(phases.find(({ id }) => id === 'etcd/start')?.parts).toEqual([
      { title: 'waiting until pg3 streams', ms: 3000 },
      { title: 'start x on pg3', ms: 200 },
      { title: 'sending the script', ms: 100 },
      { title: 'reading back', ms: 100 },
    ]);
    expect(hosts).toEqual([
      { host: 'pg2', connectMs: 250, queuedMs: 0, surveyMs: 450, stagesMs: 8700, surveyAgainMs: 300, goodbyeMs: 20, scripts: 4 },
      { host: 'pg3', connectMs: 300, queuedMs: 0, surveyMs: 600, stagesMs: 6600, surveyAgainMs: 400, goodbyeMs: 20, scripts: 4 },
      { host: 'pg1', connectMs: 200, queuedMs: 0, surveyMs: 400, stagesMs: 3700, surveyAgainMs: 300, goodbyeMs: 20, scripts: 4 },
    ]);
  });

  it('separates a person’s time from its own', () => {
    const [[at, start], ...rest] = CHANGELESS as [Told[0], ...Told];
    const { phases, totalMs } = times([[at, { ...start, startUp: { processMs: 300, askMs: 5000, keysMs: 0 } } as RunEvent], ...rest]);
    expect(totalMs).toBe(5300 + 930);
    expect(phases.slice(0, 3).map(({ title, fromMs, toMs }) => [title, fromMs, toMs])).toEqual([
      ['start-up', 0, 300],
      ['your answer', 300, 5300],
      ['connect', 5300, 5600],
    ]);
  });

  it('shows the answer to a question of the run, and the survey after it, separately', () => {
    const { phases, hosts } = times([
      ...PREPARED,
      [10_000, { type: 'answered', ms: 9000 }],
      [10_400, { type: 'surveyed', host: 'pg1', ms: 390 }],
      [10_500, { type: 'surveyed', host: 'pg2', ms: 490 }],
      [10_600, { type: 'stage-start', stage: 'etcd/start' }],
      ...step('pg2', 'etcd/start', 10_600, { change: 100 }),
      ...goodbye(11_000, 2),
    ]);
    expect(phases.map(({ id }) => id)).toEqual([
      'start',
      'keys',
      'connect',
      'survey',
      'plan',
      'question',
      'look-after',
      'etcd/start',
      'goodbye',
    ]);
    const lasting = (id: string): number[] => phases.filter((phase) => phase.id === id).map(({ fromMs, toMs }) => toMs - fromMs);
    expect([lasting('question'), lasting('look-after')]).toEqual([[9000], [500]]);
    expect(phases.find(({ id }) => id === 'look-after')?.slowest).toEqual({ host: 'pg2', ms: 490 });
    expect(hosts.find(({ host }) => host === 'pg2')?.surveyMs).toBe(450);
  });

  it('shows how many waited for a handshake, and who waited longest', () => {
    expect(times(many(60)).phases[0]?.parts).toEqual([
      { title: 'in line for a handshake, database-server-60.eu-central.example.net longest; 9 of 60 hosts', ms: 90, medianMs: 0 },
    ]);
  });

  it.each<{ what: string; told: Told; phases: string[]; cause: string }>([
    {
      what: 'a step that fails',
      told: [
        ...PREPARED,
        [900, { type: 'stage-start', stage: 'etcd/start' }],
        [1000, { type: 'step-start', host: 'pg2', stage: 'etcd/start', changes: 0 }],
        [1100, { type: 'waiting', host: 'pg2', stage: 'etcd/start', title: 'pg2 streams' }],
        [5100, { type: 'step-end', host: 'pg2', stage: 'etcd/start', result: 'failed', changes: 0, ms: 4100, error: gateError('pg2') }],
        ...end(5200, 1),
      ],
      phases: ['start', 'keys', 'connect', 'survey', 'etcd/start'],
      cause: '4000 pg2 waiting until pg2 streams (unfinished)',
    },
    {
      what: 'a run that is interrupted in a step',
      told: [
        ...PREPARED,
        [900, { type: 'stage-start', stage: 'etcd/start' }],
        [900, { type: 'step-start', host: 'pg1', stage: 'etcd/start', changes: 1 }],
        [1000, { type: 'changing', host: 'pg1', stage: 'etcd/start', resource: 'service:x', summary: 'start x' }],
        [4000, { type: 'note', host: 'pg1', stage: 'etcd/start', text: 'still starting' }],
      ],
      phases: ['start', 'keys', 'connect', 'survey', 'etcd/start'],
      cause: '3000 pg1 start x (unfinished)',
    },
    {
      what: 'a host out of reach',
      told: [
        ...PREPARED.slice(0, 6),
        [14_990, { type: 'gave-up', host: 'pg3', phase: 'connect', ms: 14_990 }],
        [15_000, { type: 'failed', error: gateError('pg3') }],
        ...end(15_020, 1),
      ],
      phases: ['start', 'keys', 'connect'],
      cause: '14990 pg3 connect',
    },
    {
      what: 'hosts that are looked at while another one is out of reach',
      told: [
        ...PREPARED.slice(0, 6),
        ...PREPARED.slice(7, 9),
        [14_990, { type: 'gave-up', host: 'pg3', phase: 'connect', ms: 14_990 }],
        [15_000, { type: 'failed', error: gateError('pg3') }],
        ...goodbye(15_020, 1),
      ],
      phases: ['start', 'keys', 'connect', 'plan', 'goodbye'],
      cause: '14990 pg3 connect',
    },
    {
      what: 'a run that is interrupted in a survey',
      told: [...PREPARED.slice(0, 8), [3000, { type: 'note', text: 'still there' }]],
      phases: ['start', 'keys', 'connect', 'survey'],
      cause: '2700 pg1 first look',
    },
    {
      what: 'a host that another run has locked',
      told: [
        ...PREPARED.slice(0, 9),
        [2300, { type: 'gave-up', host: 'pg3', phase: 'survey', ms: 2000 }],
        [2300, { type: 'failed', error: gateError('pg3') }],
        ...goodbye(2350, 1),
      ],
      phases: ['start', 'keys', 'connect', 'survey', 'plan', 'goodbye'],
      cause: '2000 pg3 first look',
    },
    {
      what: 'a question that the guards answer with no',
      told: [...PREPARED, [1400, { type: 'failed', error: gateError('pg3') }], ...goodbye(1420, 1)],
      phases: ['start', 'keys', 'connect', 'survey', 'plan', 'goodbye'],
      cause: '600 pg3 first look',
    },
  ])('makes sense of $what', ({ told, phases, cause }) => {
    const timings = times(told);
    expect(timings.phases.map(({ id }) => id)).toEqual(phases);
    expect(path(timings)[0]).toBe(cause);
    expect(timings.path.reduce((sum, { ms }) => sum + ms, 0)).toBe(timings.totalMs);
  });

  it('reads journals of older versions', () => {
    const { totalMs, phases, hosts } = times(failingRun().map((event, index) => [index * 100, event] as const));
    expect(totalMs).toBe((failingRun().length - 1) * 100);
    expect(phases.map(({ id }) => id)).toEqual(['connect', 'survey', 'plan', 'postgresql/packages', 'etcd/start']);
    expect(hosts.map(({ scripts }) => scripts)).toEqual([0, 0, 0]);
  });

  it('is empty before a run has begun', () => {
    expect(timeRun([])).toBeUndefined();
    expect(timeRun(timed([[0, { type: 'warning', text: 'no' }]]))).toBeUndefined();
  });
});

describe('the view of timings', () => {
  const render = (told: Told): string => renderTimings(times(told), { color: false });

  it('shows a run that changed something', () => {
    expect(render(ROLLING)).toMatchInlineSnapshot(`
      "Of 13.0 s the run waited for
        6.0 s   46 %  pg2: start x on pg2
        3.0 s   23 %  pg3: waiting until pg3 streams
        1.0 s    8 %  pg1: waiting until pg1 streams
        0.6 s    5 %  pg3: first look
        0.4 s    3 %  start-up
        0.4 s    3 %  pg3: last look
        1.6 s   12 %  8 shorter things
      pgprov itself used 0.9 s of processor time.

      in order                                      took  when          slowest
      start-up                                     0.4 s  ━
      keys and certificates                        0.1 s  ━
      connect                                      0.3 s  ━             pg3      0.3 s
      first look                                   0.6 s  ━             pg3      0.6 s
           0.3 s  etcd-member
           0.2 s  around the probes: channel, root, locks, shared questions
      install etcd                                 6.2 s   ━━━━━━       pg2      6.2 s
           6.0 s  start x on pg2
      start etcd                                   4.9 s         ━━━━━  pg3      3.4 s
           3.0 s  waiting until pg3 streams
           0.2 s  start x on pg3
           0.2 s  2 shorter things
      last look                                    0.4 s             ━  pg3      0.4 s

      host  connect  first look  stages  last look  scripts
      pg2     0.3 s       0.5 s   8.7 s      0.3 s        4
      pg3     0.3 s       0.6 s   6.6 s      0.4 s        4
      pg1     0.2 s       0.4 s   3.7 s      0.3 s        4"
    `);
  });

  it('shows a run that changed nothing', () => {
    expect(render(CHANGELESS)).toMatchInlineSnapshot(`
      "Of 1.43 s the run waited for
        0.60 s   42 %  pg3: first look
        0.40 s   28 %  start-up
        0.30 s   21 %  pg3: connect
        0.10 s    7 %  keys and certificates
        0.02 s    1 %  pg1: goodbye
        0.01 s    1 %  2 shorter things
      pgprov itself used 0.90 s of processor time.

      in order                                     took  when          slowest
      start-up                                   0.40 s  ━━━
      keys and certificates                      0.10 s     ━
      connect                                    0.30 s      ━━━       pg3      0.30 s
      first look                                 0.60 s        ━━━━━━  pg3      0.60 s
          0.35 s  etcd-member
          0.16 s  around the probes: channel, root, locks, shared questions
          0.04 s  ports
      plan                                       0.01 s             ━
      goodbye                                    0.02 s             ━  pg1      0.02 s

      host  connect  first look  scripts
      pg3    0.30 s      0.60 s        1
      pg2    0.25 s      0.45 s        1
      pg1    0.20 s      0.40 s        1"
    `);
  });

  it('fits a small terminal for a hundred hosts with long names', () => {
    const text = render(many(100));
    expect(Math.max(...text.split('\n').map(displayWidth))).toBeLessThanOrEqual(80);
    expect(text).toMatchInlineSnapshot(`
      "Of 2.62 s the run waited for
        1.10 s   42 %  database-server-100.eu-central.example.net: start x on databas…
        0.99 s   38 %  database-server-100.eu-central.example.net: connect
        0.21 s    8 %  database-server-100.eu-central.example.net: first look
        0.10 s    4 %  sending the script
        0.10 s    4 %  reading back
        0.08 s    3 %  pgprov itself, in between
        0.04 s    2 %  2 shorter things
      pgprov itself used 0.90 s of processor time.

      in order              took  when          slowest                         median
      connect             0.99 s  ━━━━━         database-server-100.e…  0.99 s  0.49 s
          0.49 s  in line for a handshake, database-server-100.eu-cent…  median 0.00 s
      first look          0.21 s      ━         database-server-100.e…  0.20 s  0.15 s
          0.10 s  ports                                                  median 0.05 s
          0.09 s  around the probes: channel, root, locks, shared ques…  median 0.09 s
      prepare every hos…  1.30 s       ━━━━━━   database-server-100.e…  1.30 s  1.25 s
          1.10 s  start x on database-server-100.eu-central.example.net
          0.10 s  sending the script
          0.10 s  reading back
      goodbye             0.04 s             ━  database-server-1.eu-…  0.02 s  0.02 s

      host                    connect  in line  first look  stages  scripts
      database-server-100.e…   0.99 s   0.49 s      0.20 s  1.30 s        2
      database-server-99.eu…   0.98 s   0.48 s      0.20 s  1.30 s        2
      database-server-98.eu…   0.97 s   0.47 s      0.20 s  1.30 s        2
      median of 100            0.49 s   0.00 s      0.15 s  1.25 s        2"
    `);
  });

  it('shows a run that has just begun', () => {
    expect(
      render(
        PREPARED.slice(0, 1).map(([at, event]) => [at, { ...event, hosts: ['pg1'], startUp: { processMs: 0, keysMs: 0 } } as RunEvent]),
      ),
    ).toBe(
      `Of 0.00 s the run waited for

host  scripts
pg1         0`,
    );
  });

  it('has the same words in colour', () => {
    const colored = renderTimings(times(ROLLING), { color: true });
    expect(colored).toContain('\u001b[');
    expect(colored.replaceAll(/\u001b\[\d+m/gu, '')).toBe(render(ROLLING));
  });

  it('passes no control codes of a host to the terminal', () => {
    const hostile = 'start\u001b[2J x\nand y \u202e';
    const shown = render([
      ...PREPARED,
      [900, { type: 'step-start', host: 'pg1', stage: 'etcd/start', changes: 1 }],
      [900, { type: 'changing', host: 'pg1', stage: 'etcd/start', resource: 'r', summary: hostile }],
      [2900, { type: 'changed', host: 'pg1', stage: 'etcd/start', resource: 'r', summaries: [hostile], ms: 2000 }],
      [2900, { type: 'step-end', host: 'pg1', stage: 'etcd/start', result: 'changed', changes: 1, ms: 2000 }],
      ...end(3000),
    ]);
    expect(shown).toContain('pg1: start x and y');
    expect(shown).not.toMatch(/[\u001b\u202e]/u);
  });
});

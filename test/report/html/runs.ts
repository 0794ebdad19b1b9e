import type { RunEvent } from '../../../src/events.js';
import { preparePage } from '../../../src/report/html/page.js';
import type { ReportedRun } from '../../../src/report/html/reported-run.js';
import type { TimedEvent } from '../../../src/report/timings.js';
import { failingRun, gateError, stage } from '../fixtures.js';

const START = Date.parse('2026-01-02T03:04:05.000Z');

/** Events, a quarter of a second apart. */
export function timed(events: readonly RunEvent[]): TimedEvent[] {
  return events.map((event, index) => ({ ...event, at: new Date(START + index * 250).toISOString() }));
}

/** A run as its page takes it. */
export function reportedRun(events: readonly TimedEvent[], more: Partial<ReportedRun> = {}): ReportedRun {
  const facts = [
    { label: 'By', text: 'ann@laptop' },
    { label: 'Inventory', text: '/home/ann/inventory.yml' },
  ];
  return { cluster: 'demo', ending: 'failed', at: new Date(START), ms: 45_000, command: 'pgprov apply', facts, events, ...more };
}

/** Its page. */
export function pageOf(events: readonly RunEvent[], more: Partial<ReportedRun> = {}): string {
  return preparePage()(reportedRun(timed(events), more));
}

/** A failing run with everything that a page tells of: differences, a remark, proofs, the cluster. */
export function eventfulRun(): RunEvent[] {
  const events = failingRun().map((event): RunEvent => {
    if (event.type === 'run-end')
      return { ...event, recap: event.recap.map((entry) => ({ ...entry, remarks: ['restart pending for max_connections'] })) };
    if (event.type !== 'planned') return event;
    const diff = {
      stage: 'etcd/start',
      resource: 'file:/etc/etcd',
      action: 'update',
      summary: 'write /etc/etcd',
      projected: true,
      before: 'a: 1\nb: 2\n',
    };
    return {
      ...event,
      effects: ['etcd restarts on pg2'],
      changes: [...event.changes, { host: 'pg1', ...diff, after: 'a: 1\nb: 3\n' }, { host: 'pg2', ...diff, after: 'a: 1\nb: 4\n' }],
    };
  });
  const end = events.splice(-1);
  return [
    ...events,
    { type: 'write-gap', stage: 'patroni/start', ms: 5200, from: 'pg1', to: 'pg2' },
    {
      type: 'checked',
      results: [
        { title: 'a leader', ok: true, detail: 'pg1' },
        { title: 'the replica streams', ok: false, detail: 'it does not', host: 'pg2' },
      ],
    },
    {
      type: 'cluster',
      afterwards: false,
      status: {
        cluster: 'demo',
        scope: 'demo',
        leader: 'pg1',
        maintenance: true,
        scheduled: { at: '2026-01-02T04:00:00+01:00', from: 'pg1', to: 'pg2' },
        members: [
          {
            name: 'pg1',
            address: '10.0.0.1',
            role: 'leader',
            state: 'running',
            timeline: 2,
            pendingRestart: true,
            checksums: true,
            postgresVersion: '17.2',
            patroniVersion: '4.0.7',
          },
          {
            name: 'pg2',
            address: '10.0.0.2',
            role: 'replica',
            state: 'streaming',
            timeline: 2,
            lagBytes: 64 * 1024 * 1024,
            replayLagBytes: 100 * 1024 * 1024,
            replayLagSeconds: 90,
            replayPaused: true,
            pendingRestart: false,
            checksums: false,
          },
          { name: 'pg3', address: '10.0.0.3', pendingRestart: false, problem: 'Patroni does not answer' },
        ],
        lastPromotion: {
          timeline: 2,
          at: '2026-01-01T00:00:00+00:00',
          to: 'pg1',
          reason: 'no recovery target specified',
          lsn: '0/3000148',
        },
        replication: [
          {
            host: 'pg1',
            standby: false,
            sends: [{ name: 'pg2', state: 'catchup', sync: 'async', sentLagBytes: 64 * 1024 * 1024 }],
            slots: [{ name: 'pg2', type: 'physical', active: true, temporary: false, wal: 'reserved', heldBytes: 64 * 1024 * 1024 }],
            usualWalBytes: 1024 * 1024 * 1024,
          },
        ],
        etcd: [
          {
            name: 'pg1',
            healthy: true,
            members: 3,
            requiresClientCertificate: true,
            version: '3.5.16',
            leader: true,
            databaseBytes: 81920,
          },
          { name: 'pg2', healthy: false, problem: 'tls: bad certificate' },
        ],
        certificates: [
          { host: 'pg1', notAfter: '2029-01-01T00:00:00.000Z', daysLeft: 900 },
          { host: 'pg2', notAfter: '2026-01-20T00:00:00.000Z', daysLeft: 18 },
        ],
        services: [
          { host: 'pg1', role: 'balancer', text: 'sends connections to pg1', level: 'ok' },
          { host: 'pg2', role: 'balancer', text: 'no member is up', level: 'problem' },
        ],
        problems: ['member pg9 is not in the inventory'],
      },
    },
    ...end,
  ];
}

/** A run on many hosts with long names, of which a few fail. */
export function wideRun(count: number): RunEvent[] {
  const hosts = Array.from({ length: count }, (_, index) => `database-${index + 1}.eu-central-1.production.example.com`);
  const id = 'etcd/start';
  return [
    { type: 'run-start', command: 'apply', cluster: 'demo', hosts, stages: [stage(id, hosts, 'start etcd')] },
    ...hosts.map((host): RunEvent => ({ type: 'connecting', host })),
    ...hosts.map((host): RunEvent => ({ type: 'connected', host, ms: 120, queuedMs: 60 })),
    ...hosts.map((host): RunEvent => ({ type: 'surveyed', host, ms: 800 })),
    {
      type: 'planned',
      effects: [],
      changes: hosts.map((host) => ({
        host,
        stage: id,
        resource: 'file:/etc/etcd',
        action: 'create',
        summary: 'write /etc/etcd',
        projected: false,
        after: `name: ${host}`,
      })),
    },
    ...hosts.map((host): RunEvent => ({ type: 'step-start', host, stage: id, changes: 1 })),
    ...hosts.map((host): RunEvent => ({ type: 'changing', host, stage: id, resource: 'file:/etc/etcd', summary: 'write /etc/etcd' })),
    ...hosts.map(
      (host, index): RunEvent =>
        index % 50 === 7
          ? { type: 'step-end', host, stage: id, result: 'failed', changes: 0, ms: 300, error: gateError(host) }
          : { type: 'step-end', host, stage: id, result: 'changed', changes: 1, ms: 300 },
    ),
    {
      type: 'run-end',
      exitCode: 1,
      ms: 60_000,
      recap: hosts.map((host) => ({ host, ok: 1, changed: 1, failed: 0, skipped: 0, remarks: [] })),
    },
  ];
}

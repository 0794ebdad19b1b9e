import { Writable } from 'node:stream';
import type { RunEvent, StageShape } from '../../src/events.js';
import { PgprovError } from '../../src/lib/errors.js';

/** A terminal or a pipe that keeps what was written to it. */
export interface FakeStream {
  stream: NodeJS.WriteStream;
  text(): string;
}

/** Makes a stream; with columns it is a terminal. */
export function fakeStream(columns?: number, rows = 200): FakeStream {
  const chunks: string[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk.toString('utf8'));
      done();
    },
  });
  const size = columns === undefined ? {} : { isTTY: true, columns, rows };
  return { stream: Object.assign(stream, size) as unknown as NodeJS.WriteStream, text: () => chunks.join('') };
}

/** A stage for hosts, its title made of its id. */
export function stage(id: string, hosts: readonly string[], title = `do ${id}`): StageShape {
  return { id, role: id.slice(0, id.indexOf('/')), title, hosts };
}

/** What a failed wait looks like. */
export function gateError(host: string): PgprovError {
  return new PgprovError({
    kind: 'gate/closed',
    host,
    message: `${host}: etcd is not healthy\njournal: tls: bad certificate\n    at peer 10.0.0.3\n  1 of 3 members answers`,
    hint: 'fix the cause and run again',
  });
}

/** A run on three hosts: one stage without changes, one with, one where pg2 fails, and one it is skipped in. */
export function failingRun(): RunEvent[] {
  const hosts = ['pg1', 'pg2', 'pg3'];
  const ids = { base: 'base/hosts', install: 'postgresql/packages', etcd: 'etcd/start', patroni: 'patroni/start' };
  return [
    {
      type: 'run-start',
      command: 'apply',
      cluster: 'demo',
      hosts,
      stages: [
        stage(ids.base, hosts, 'prepare hosts'),
        stage(ids.install, hosts, 'install PostgreSQL 17'),
        stage(ids.etcd, hosts, 'start etcd'),
        stage(ids.patroni, hosts, 'start Patroni'),
      ],
    },
    { type: 'warning', text: 'two members cannot lose one' },
    ...hosts.map((host): RunEvent => ({ type: 'connecting', host })),
    ...hosts.map((host): RunEvent => ({ type: 'connected', host, ms: 120 })),
    ...hosts.map((host): RunEvent => ({ type: 'surveyed', host, ms: 800 })),
    {
      type: 'planned',
      changes: hosts.map((host) => ({
        host,
        stage: ids.install,
        resource: 'packages:pg',
        action: 'install',
        summary: 'install postgresql-17',
        projected: false,
      })),
      effects: [],
    },
    { type: 'stage-start', stage: ids.base },
    ...hosts.map((host): RunEvent => ({ type: 'step-end', host, stage: ids.base, result: 'ok', changes: 0, ms: 1 })),
    { type: 'stage-end', stage: ids.base, ms: 3 },
    { type: 'stage-start', stage: ids.install },
    ...hosts.flatMap((host): RunEvent[] => [
      { type: 'step-start', host, stage: ids.install, changes: 1 },
      { type: 'changing', host, stage: ids.install, resource: 'packages:pg', summary: 'install postgresql-17' },
      { type: 'changed', host, stage: ids.install, resource: 'packages:pg', summaries: ['install postgresql-17'], ms: 21_400 },
      { type: 'step-end', host, stage: ids.install, result: 'changed', changes: 1, ms: 21_400 },
    ]),
    { type: 'stage-end', stage: ids.install, ms: 21_400 },
    { type: 'stage-start', stage: ids.etcd },
    ...hosts.flatMap((host): RunEvent[] => [
      { type: 'step-start', host, stage: ids.etcd, changes: 0 },
      { type: 'waiting', host, stage: ids.etcd, title: 'etcd has a quorum' },
      { type: 'note', host, stage: ids.etcd, text: 'etcd[311]: waiting for peers' },
    ]),
    { type: 'waited', host: 'pg1', stage: ids.etcd, title: 'etcd has a quorum', ms: 3000 },
    { type: 'step-end', host: 'pg1', stage: ids.etcd, result: 'ok', changes: 0, ms: 3000 },
    { type: 'step-end', host: 'pg2', stage: ids.etcd, result: 'failed', changes: 0, ms: 5000, error: gateError('pg2') },
    { type: 'step-end', host: 'pg3', stage: ids.etcd, result: 'ok', changes: 0, ms: 3000 },
    { type: 'stage-end', stage: ids.etcd, ms: 5000 },
    { type: 'stage-start', stage: ids.patroni },
    { type: 'step-end', host: 'pg1', stage: ids.patroni, result: 'ok', changes: 0, ms: 1 },
    { type: 'step-end', host: 'pg2', stage: ids.patroni, result: 'skipped', changes: 0, ms: 0, reason: 'an earlier stage failed on it' },
    { type: 'step-end', host: 'pg3', stage: ids.patroni, result: 'ok', changes: 0, ms: 1 },
    { type: 'stage-end', stage: ids.patroni, ms: 1 },
    {
      type: 'run-end',
      exitCode: 1,
      ms: 45_000,
      recap: [
        { host: 'pg1', ok: 11, changed: 1, failed: 0, skipped: 0, remarks: [] },
        { host: 'pg2', ok: 9, changed: 1, failed: 1, skipped: 1, remarks: [] },
        { host: 'pg3', ok: 11, changed: 1, failed: 0, skipped: 0, remarks: [] },
      ],
    },
  ];
}

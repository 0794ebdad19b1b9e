import { describe, expect, it } from 'vitest';
import restart from '../../src/operations/restart.js';
import type { RestartOptions } from '../../src/operations/shared/restart/options.js';
import type { OperationRun } from '../../src/plan/operation.js';
import { ETCD_MEMBER } from '../../src/resources/etcd/member.js';
import { PATRONI_TAKEN } from '../../src/resources/patroni/taken.js';
import { PATRONI_FILE } from '../../src/resources/patroni/file.js';
import { POSTMASTER_DELAY } from '../../src/resources/postmaster-delay.js';
import { SERVER_LIMITS, type Limits } from '../../src/resources/server-limits.js';
import { unitStartHandle } from '../../src/resources/unit-restart.js';
import { inventoryOf, THREE } from '../support/inventory.js';
import { runSeen, type Seen } from './run-seen.js';

const inventory = await inventoryOf(THREE);
const NAMES = ['pg1', 'pg2', 'pg3'];
type Reasons = Record<string, { from: string; to: string }>;

interface Scene {
  leader?: string | null;
  /** Patroni's `postgresql.parameters`. */
  parameters?: Record<string, unknown>;
  /** What runs on all members, or on one. */
  running?: Limits;
  runningOn?: Record<string, Limits>;
  /** What is pending on all members, or on one. */
  pending?: Reasons;
  pendingOn?: Record<string, Reasons | undefined>;
  /** Members whose server was restarted since the operation began. */
  restarted?: readonly string[];
  /** Members whose server takes no connection. */
  down?: readonly string[];
  patroni?: Omit<Seen, 'more'>;
  /** Patroni's own settings besides the parameters. */
  config?: Record<string, unknown>;
  /** Members whose Patroni uses an older configuration. */
  behind?: readonly string[];
  /** Members that do not stream. */
  silent?: readonly string[];
  /** Members on which the unit ran when the operation began, and does not run now. */
  leftDown?: readonly string[];
  /** Why Patroni could not read its file. */
  unreadable?: Readonly<Record<string, string>>;
  /** Seconds that a server's start time is away from its process's. */
  delays?: Record<string, number>;
  /** Members of etcd that are not healthy, and the one that leads. */
  sick?: readonly string[];
  etcdLeader?: string;
  options?: Partial<RestartOptions>;
  done?: string[];
  chosen?: string[];
}

const USUAL: Limits = {
  max_connections: 100,
  max_worker_processes: 8,
  max_wal_senders: 10,
  max_prepared_transactions: 0,
  max_locks_per_transaction: 64,
};

function run(scene: Scene): OperationRun<RestartOptions> {
  const { options = {}, restarted = [], done = [], chosen } = scene;
  const config = { ...scene.config, postgresql: { parameters: scene.parameters ?? {} } };
  const pendingOf = (name: string): Reasons | undefined =>
    scene.pendingOn !== undefined && name in scene.pendingOn ? scene.pendingOn[name] : scene.pending;
  const own = NAMES.map((name) => {
    const reasons = pendingOf(name);
    const given = scene.patroni?.own?.[name];
    const streaming = NAMES.filter((each) => each !== name && !scene.silent?.includes(each));
    const replication = streaming.map((application) => ({ application, state: 'streaming', syncState: 'async' }));
    return [
      name,
      given === null
        ? null
        : { replication, ...(reasons === undefined ? {} : { pendingRestart: true, pendingReasons: reasons }), ...given },
    ];
  });
  const more = NAMES.map((name) => [
    name,
    {
      [SERVER_LIMITS.id]: scene.down?.includes(name)
        ? { started: undefined, running: undefined, control: USUAL }
        : {
            started: restarted.includes(name) ? '2000' : '1000',
            running: { ...USUAL, ...scene.running, ...scene.runningOn?.[name] },
            control: USUAL,
          },
      [PATRONI_TAKEN.id]: scene.behind?.includes(name) ? { postgresql: { parameters: {} } } : config,
      [POSTMASTER_DELAY.id]: scene.delays?.[name],
      [PATRONI_FILE.id]: scene.unreadable?.[name],
      [unitStartHandle('patroni').id]: scene.leftDown?.includes(name) ? '' : restarted.includes(name) ? 'b' : 'a',
      [unitStartHandle('etcd').id]: scene.leftDown?.includes(name) ? '' : restarted.includes(name) ? 'b' : 'a',
      [ETCD_MEMBER.id]: {
        healthy: !scene.sick?.includes(name),
        members: NAMES.map((each) => ({ name: each, peerUrls: [] })),
        hasData: true,
      },
      'etcd-leads': scene.etcdLeader === name,
    },
  ]);
  const seen: Seen = {
    ...scene.patroni,
    ...(scene.leader === undefined ? {} : { leader: scene.leader }),
    own: Object.fromEntries(own),
    config,
    more: Object.fromEntries(more),
  };
  const service = options.service ?? 'postgresql';
  const began = Object.fromEntries((chosen ?? NAMES).map((name) => [name, service === 'postgresql' ? '1000' : 'a']));
  return runSeen(inventory, seen, { service, began, ...options }, { done, chosenHosts: chosen });
}

const steps = (scene: Scene): string[] => restart.remaining(run(scene)).steps.map(({ title }) => title);
const ids = (scene: Scene): string[] => restart.remaining(run(scene)).steps.map(({ id }) => id);
const effects = (scene: Scene): (string | undefined)[] => restart.remaining(run(scene)).steps.map(({ effect }) => effect);
const objection = (scene: Scene): string | undefined => restart.guards?.(run(scene))[0]?.message;
const PENDING = { options: { pending: true } };

const RAISE: Scene = { ...PENDING, parameters: { max_connections: 200 }, pending: { max_connections: { from: '100', to: '200' } } };
const LOWER: Scene = {
  ...PENDING,
  parameters: { max_connections: 100 },
  running: { max_connections: 200 },
  pending: { max_connections: { from: '200', to: '100' } },
};
const MIXED: Scene = {
  ...PENDING,
  parameters: { max_connections: 200, max_worker_processes: 8 },
  running: { max_worker_processes: 16 },
  pending: { max_connections: { from: '100', to: '200' }, max_worker_processes: { from: '16', to: '8' } },
};

describe('the steps of a restart of PostgreSQL', () => {
  const IN_PLACE = ['restart PostgreSQL on pg2', 'restart PostgreSQL on pg3', 'restart PostgreSQL on pg1, the leader, in place'];
  const BY_SWITCHOVER = [
    'restart PostgreSQL on pg2',
    'restart PostgreSQL on pg3',
    'hand the lead from pg1 to pg2, which restarts PostgreSQL on pg1',
    'wait until pg1 and pg3 stream from pg2',
  ];

  it('restart standbys first, then the leader in place, or by a switchover when asked to', () => {
    expect(steps({})).toEqual(IN_PLACE);
    expect(steps({ options: { switchover: true } })).toEqual(BY_SWITCHOVER);
    expect(effects({ options: { switchover: true } })).toEqual([
      'clients that read from pg2 are cut; writes continue',
      'clients that read from pg3 are cut; writes continue',
      'every connection to pg1 is cut, and writes fail for some seconds; pg2 leads from then on',
      undefined,
    ]);
  });

  it('restart the leader by a switchover when that was chosen as the shorter way, unless no member can take over', () => {
    expect(steps({ options: { handsOver: true } })).toEqual(BY_SWITCHOVER);
    expect(steps({ options: { handsOver: true, inPlace: true } })).toEqual(IN_PLACE);
    const tags = { tags: { nofailover: true } };
    expect(steps({ options: { handsOver: true }, patroni: { listed: { pg2: tags, pg3: tags } } })).toEqual(IN_PLACE);
  });

  it.each<{ title: string; scene: Scene; handsOver: true | undefined }>([
    { title: 'in place', scene: {}, handsOver: undefined },
    { title: 'by a switchover where commits would wait for a standby', scene: { config: { synchronous_mode: true } }, handsOver: true },
  ])('choose how to restart the leader: $title', ({ scene, handsOver }) =>
    expect(restart.choose?.(run(scene))).toMatchObject({ began: { pg1: '1000' }, ...(handsOver === undefined ? {} : { handsOver }) }),
  );

  it('keep the choice, whatever the configuration is later', () => {
    expect(steps({ config: { synchronous_mode: true } })).toEqual(IN_PLACE);
  });

  it('raise a limit on standbys first', () => {
    expect(steps({ ...RAISE, options: { pending: true, switchover: true } })).toEqual([
      'restart PostgreSQL on pg2 (max_connections 100 → 200)',
      'restart PostgreSQL on pg3 (max_connections 100 → 200)',
      'hand the lead from pg1 to pg2, which restarts PostgreSQL on pg1 (max_connections 100 → 200)',
      'wait until pg1 and pg3 stream from pg2',
    ]);
  });

  it('lower a limit on the leader first, in place, and on standbys once they have replayed it', () => {
    expect(steps(LOWER)).toEqual([
      'restart PostgreSQL on pg1, the leader, in place (max_connections 200 → 100)',
      'restart PostgreSQL on pg2 (max_connections 200 → 100), once it has replayed max_connections 100 of its leader',
      'restart PostgreSQL on pg3 (max_connections 200 → 100), once it has replayed max_connections 100 of its leader',
    ]);
    expect(effects(LOWER)[0]).toBe(
      'every connection to pg1 is cut, and writes fail until it is up again; a standby keeps the larger max_connections until its leader has restarted with less, so there is no switchover',
    );
  });

  it('have two turns where one limit is raised and another lowered', () => {
    expect(steps(MIXED)).toEqual([
      'restart PostgreSQL on pg2 (max_connections 100 → 200)',
      'restart PostgreSQL on pg3 (max_connections 100 → 200)',
      'restart PostgreSQL on pg1, the leader, in place (max_connections 100 → 200, max_worker_processes 16 → 8)',
      'restart PostgreSQL on pg2 again (max_worker_processes 16 → 8), once it has replayed max_worker_processes 8 of its leader',
      'restart PostgreSQL on pg3 again (max_worker_processes 16 → 8), once it has replayed max_worker_processes 8 of its leader',
    ]);
    expect(effects(MIXED)[0]).toBe('clients that read from pg2 are cut; writes continue; it keeps max_worker_processes until pg1 has less');
  });

  it('include only what is left, whatever was done before', () => {
    const low = { max_connections: 100 };
    expect(
      ids({ ...LOWER, restarted: ['pg1', 'pg2'], runningOn: { pg1: low, pg2: low }, pendingOn: { pg1: undefined, pg2: undefined } }),
    ).toEqual(['restart-pg3']);
    expect(ids({ restarted: ['pg2'] })).toEqual(['restart-pg3', 'restart-pg1']);
    expect(ids({ restarted: ['pg2'], options: { switchover: true } })).toEqual(['restart-pg3', 'hand-over', 'follow']);
    expect(ids({ restarted: NAMES })).toEqual([]);
    expect(ids({ leader: 'pg2', restarted: ['pg2', 'pg3'], down: ['pg1'], done: ['restart-pg2', 'restart-pg3', 'hand-over'] })).toEqual([
      'follow',
    ]);
    expect(ids({ leader: 'pg2', restarted: NAMES, done: ['restart-pg2', 'restart-pg3', 'hand-over', 'follow'] })).toEqual([]);
  });

  it('include only the selected members', () => {
    expect(ids({ chosen: ['pg3'] })).toEqual(['restart-pg3']);
    expect(ids({ chosen: ['pg1'] })).toEqual(['restart-pg1']);
  });

  it('do not exist when nothing is pending', () => {
    expect(ids(PENDING)).toEqual([]);
    expect(restart.nothing?.(run(PENDING))).toBe('no restart is pending on pg1, pg2 and pg3');
  });

  it('move the lead only to a member on which nothing is pending by then', () => {
    const shared: Reasons = { shared_buffers: { from: '128MB', to: '256MB' } };
    expect(steps({ options: { pending: true, switchover: true }, pending: shared, chosen: ['pg1', 'pg3'] })).toEqual([
      'restart PostgreSQL on pg3 (shared_buffers 128MB → 256MB)',
      'hand the lead from pg1 to pg3, which restarts PostgreSQL on pg1 (shared_buffers 128MB → 256MB)',
      'wait until pg1 and pg2 stream from pg3',
    ]);
  });
});

describe('the guards of a restart of PostgreSQL', () => {
  it.each<{ title: string; scene: Scene; says: string | undefined }>([
    { title: 'all is well', scene: {}, says: undefined },
    { title: 'nobody leads', scene: { patroni: { own: { pg1: null } } }, says: 'the cluster has no leader' },
    {
      title: 'maintenance mode',
      scene: { config: { pause: true } },
      says: 'the cluster is in maintenance mode, in which Patroni leaves the members alone',
    },
    {
      title: 'a switchover is scheduled',
      scene: { patroni: { own: { pg1: { scheduled: { at: '2099-01-01T00:00:00+00:00', to: 'pg3' } } } } },
      says: 'a switchover to pg3 is scheduled for 2099-01-01T00:00:00+00:00 (2099-01-01 00:00:00 UTC)',
    },
    {
      title: 'a restart is scheduled',
      scene: { patroni: { listed: { pg3: { scheduledRestart: '2099-01-01T00:00:00+00:00' } } } },
      says: 'a restart of pg3 is scheduled for 2099-01-01T00:00:00+00:00',
    },
    {
      title: 'a member is being built',
      scene: { patroni: { own: { pg3: { state: 'creating replica' } } } },
      says: 'pg3 is being built as a replica, from the member that leads now',
    },
    {
      title: 'a member does not stream',
      scene: {
        chosen: ['pg2'],
        silent: ['pg3'],
        patroni: { listed: { pg3: { state: 'start failed' } }, own: { pg3: { state: 'start failed' } } },
      },
      says: 'pg3 does not stream from pg1: it is "start failed"; while one member is down no other one is restarted',
    },
    {
      title: 'a member is gone',
      scene: { silent: ['pg3'], patroni: { listed: { pg3: null }, own: { pg3: null } } },
      says: 'pg3 does not stream from pg1: its Patroni does not answer; while one member is down no other one is restarted',
    },
    {
      title: 'Patroni has not yet loaded what would be pending',
      scene: { ...RAISE, behind: ['pg3'] },
      says: 'Patroni on pg3 does not use postgresql.parameters.max_connections of the dynamic configuration yet, so nobody knows what is pending there',
    },
    {
      title: 'a restart has not helped',
      scene: {
        ...PENDING,
        restarted: ['pg2'],
        pendingOn: { pg2: { shared_buffers: { from: '128MB', to: '256MB' } } },
      },
      says: 'pg2 was restarted, and a restart is still pending there: shared_buffers 128MB → 256MB',
    },
    {
      title: 'the leader raises a limit and a standby is left out',
      scene: { ...RAISE, chosen: ['pg1', 'pg2'] },
      says: 'pg1 leads, and its restart raises max_connections; pg3, which would have less, would stop',
    },
    {
      title: 'a standby would keep the value that its leader has',
      scene: { ...LOWER, chosen: ['pg2'] },
      says: 'pg1 was not restarted for a lower max_connections, so pg2 would keep the present one: a standby has it no lower than its leader',
    },
    {
      title: 'a switchover is asked for and nobody can take the lead',
      scene: {
        options: { switchover: true },
        patroni: { listed: { pg2: { tags: { nofailover: true } }, pg3: { lag: 2_000_000 } } },
      },
      says: 'no standby can take the lead from pg1:\n  pg2 never leads: it has the tag nofailover\n  pg3 is 2000000 bytes behind, more than maximum_lag_on_failover allows (1048576)',
    },
    {
      title: 'a mixed change in two turns',
      scene: {
        ...MIXED,
        restarted: ['pg2'],
        runningOn: { pg2: { max_connections: 200 } },
        pendingOn: { pg2: { max_worker_processes: { from: '16', to: '8' } } },
      },
      says: undefined,
    },
    {
      title: 'the former leader is on its way back',
      scene: { leader: 'pg2', done: ['hand-over'], silent: ['pg1'], patroni: { listed: { pg1: { state: 'starting' } } } },
      says: undefined,
    },
  ])('decide in this case: $title', ({ scene, says }) => expect(objection(scene)).toBe(says));

  it('wait for a member that may be starting, and not for one that has failed', () => {
    const settles = (state: string): unknown =>
      restart.guards?.(run({ silent: ['pg3'], patroni: { listed: { pg3: { state } }, own: { pg3: { state } } } }))[0]?.settles;
    expect(settles('starting')).toBe(true);
    expect(settles('start failed')).toBe(undefined);
  });
});

describe('the proof of a restart of PostgreSQL', () => {
  const told = (scene: Scene): string[] =>
    (restart.checks?.(run(scene)) ?? []).map(({ host, title, ok, detail }) => `${ok ? 'ok' : 'NO'} ${host ?? 'all'}: ${title} (${detail})`);

  it('requires that all were restarted and stream', () => {
    expect(told({ restarted: ['pg1', 'pg2'] })).toEqual([
      'ok all: the cluster has a leader (pg1)',
      'ok pg1: PostgreSQL was restarted (no restart is pending)',
      'ok pg2: PostgreSQL was restarted (no restart is pending)',
      'NO pg3: PostgreSQL was restarted (it runs since before)',
      'ok pg2: it streams from the leader (as pg1 sees it)',
      'ok pg3: it streams from the leader (as pg1 sees it)',
    ]);
  });

  it('requires that nothing is pending when asked to', () => {
    expect(told({ ...RAISE, pendingOn: { pg1: undefined, pg2: undefined } }).slice(1, 4)).toEqual([
      'ok pg1: no restart is pending (no restart is pending)',
      'ok pg2: no restart is pending (no restart is pending)',
      'NO pg3: no restart is pending (a restart is pending: max_connections 100 → 200)',
    ]);
  });
});

describe('a restart of Patroni', () => {
  const service = { options: { service: 'patroni' } };

  it('takes standbys first, and the leader once it has handed the lead over', () => {
    expect(steps(service)).toEqual([
      'restart Patroni on pg2',
      'restart Patroni on pg3',
      'hand the lead from pg1 to pg2',
      'wait until pg1 and pg3 stream from pg2',
      'restart Patroni on pg1',
    ]);
    expect(effects(service)[0]).toBe('PostgreSQL on pg2 restarts with it: clients that read from pg2 are cut');
    expect(ids({ ...service, leader: 'pg2', restarted: ['pg2', 'pg3'], done: ['hand-over'] })).toEqual(['follow', 'restart-pg1']);
    expect(ids({ ...service, leader: 'pg2', restarted: ['pg2', 'pg3'] })).toEqual(['restart-pg1']);
  });

  it('is refused while Patroni could not start with its file, on members that are restarted', () => {
    const unreadable = { pg2: 'expected a ]' };
    expect(objection({ ...service, unreadable })).toBe('pg2: Patroni cannot read /etc/patroni/config.yml: expected a ]');
    expect(objection({ ...service, unreadable, restarted: ['pg2'] })).toBe(undefined);
    expect(objection({ unreadable })).toBe(undefined);
  });

  it('continues with the member that it left down, unless another one is down too', () => {
    const down = { ...service, leftDown: ['pg3'], silent: ['pg3'] };
    expect(objection(down)).toBe(undefined);
    expect(ids(down).slice(0, 2)).toEqual(['restart-pg3', 'restart-pg2']);
    expect(objection({ ...down, silent: ['pg2', 'pg3'] })).toContain('does not stream from pg1');
    expect(objection({ ...service, silent: ['pg3'] })).toContain('pg3 does not stream from pg1');
    const alone = { ...service, leader: null, leftDown: ['pg1'] };
    expect([objection(alone), ids(alone)]).toEqual([undefined, ['restart-pg1']]);
    expect(objection({ ...alone, leftDown: [] })).toBe('the cluster has no leader');
    const store = { options: { service: 'etcd' }, leftDown: ['pg3'], sick: ['pg3'] };
    expect(objection(store)).toBe(undefined);
    expect(ids(store)[0]).toBe('restart-pg3');
    expect(objection({ ...store, sick: ['pg2', 'pg3'] })).toContain('etcd on pg2 and pg3 is not healthy');
  });

  it('leaves PostgreSQL alone in maintenance mode', () => {
    const paused = { ...service, config: { pause: true } };
    expect(objection(paused)).toBe(undefined);
    expect(steps(paused)).toEqual(['restart Patroni on pg2', 'restart Patroni on pg3', 'restart Patroni on pg1, the leader']);
    expect(effects(paused)).toEqual(Array.from({ length: 3 }, () => 'the cluster is in maintenance mode, so PostgreSQL keeps running'));
  });

  it.each([
    { delay: 5.04, says: 'a restarted Patroni would take it for stopped' },
    { delay: -3600, says: 'start times that are 3600 s apart' },
    { delay: 2.9, says: undefined },
  ])(
    'is refused in maintenance mode when the server began $delay s after its process, because Patroni would lose sight of it',
    ({ delay, says }) => {
      const slow = { ...service, delays: { pg2: delay } };
      const said = objection({ ...slow, config: { pause: true } });
      if (says === undefined) expect(said).toBe(undefined);
      else expect(said).toMatch(new RegExp(`^pg2: .*${says}`, 'u'));
      expect(objection(slow)).toBe(undefined);
    },
  );

  it('does not leave a standby with lower limits than its restarted leader', () => {
    expect(objection({ ...RAISE, ...service, chosen: ['pg1', 'pg2'] })).toBe(
      'pg1 leads, and its restart raises max_connections; pg3, which would have less, would stop',
    );
    expect(objection({ ...RAISE, ...service })).toBe(undefined);
  });
});

describe('a restart of etcd', () => {
  const service = { options: { service: 'etcd' } };

  it('takes its leader last', () => {
    expect(steps({ ...service, etcdLeader: 'pg2' })).toEqual([
      'restart etcd on pg1',
      'restart etcd on pg3',
      'restart etcd on pg2, the leader of etcd',
    ]);
    expect(effects({ ...service, etcdLeader: 'pg2' })[0]).toBe('none: the other 2 members are a quorum');
    expect(ids({ ...service, etcdLeader: 'pg2', restarted: ['pg1', 'pg2'] })).toEqual(['restart-pg3']);
  });

  it('is refused while a member is not healthy', () => {
    expect(objection({ ...service, sick: ['pg3'] })).toBe(
      'etcd on pg3 is not healthy: a restart of another member would leave 1 of 3, and a quorum needs 2',
    );
    expect(objection({ ...service, patroni: { own: { pg1: null } } })).toBe(undefined);
  });
});

describe('the options of a restart', () => {
  const problem = (scene: Scene): string | undefined => restart.problems?.(run(scene))[0]?.message;

  it.each<{ title: string; scene: Scene; says: string | undefined }>([
    { title: 'no option', scene: {}, says: undefined },
    {
      title: 'pending restarts of etcd',
      scene: { options: { service: 'etcd', pending: true } },
      says: '--pending is about PostgreSQL, and --service is etcd',
    },
    {
      title: 'a restart of Patroni in place',
      scene: { options: { service: 'patroni', inPlace: true } },
      says: '--in-place is about PostgreSQL, and --service is patroni',
    },
    { title: 'a host without the service', scene: { chosen: ['lb1'] }, says: 'lb1 does not run PostgreSQL' },
  ])('are checked: $title', ({ scene, says }) => expect(problem(scene)).toBe(says));

  it('include the service, which is kept together with the start time of what runs on each host', () => {
    expect(restart.choose?.(run({ chosen: ['pg2'], options: { pending: true } }))).toEqual({
      service: 'postgresql',
      pending: true,
      began: { pg2: '1000' },
    });
  });
});

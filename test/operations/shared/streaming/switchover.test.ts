import { describe, expect, it } from 'vitest';
import switchover from '../../../../src/operations/switchover.js';
import type { OperationRun } from '../../../../src/plan/operation.js';
import { REPLICATION_LOGIN } from '../../../../src/resources/replication-login.js';
import { SERVER_REPLICATION } from '../../../../src/resources/server-replication.js';
import { TAKEOVER, type Takeover } from '../../../../src/resources/streaming/takeover.js';
import { PENDING_RESTART } from '../../../../src/resources/pending-restart.js';
import { primary, standby, streaming } from '../../../roles/shared/streaming/scene.js';
import type { Known } from '../../run-seen.js';
import { streamingRun, USUAL, WELL, type MadeServer } from '../../streaming-run.js';

const inventory = await streaming();
const synchronous = await streaming('replication: {synchronous: [pg1, pg2, pg3]}\n');

interface Options {
  to?: string;
  at?: string;
  cancel?: boolean;
  leader?: string;
  without?: readonly string[];
}
type Run = OperationRun<Options>;

const CHOSEN: Options = { leader: 'pg1', to: 'pg2', without: [] };
const SENDS = (...names: string[]): { name: string; state: string }[] => names.map((name) => ({ name, state: 'streaming' }));

/** Slots as the server tells of them. */
const slots = (...names: string[]): Record<string, unknown> => ({
  [SERVER_REPLICATION.id]: {
    standby: false,
    sends: [],
    slots: names.map((name) => ({ name: name.replace('!', ''), type: 'physical', active: name.endsWith('!'), temporary: false })),
    usualWalBytes: 0,
  },
});

/** A standby on which somebody has set what only a primary goes by. */
const HINDERED: Takeover = {
  walLevel: 'replica',
  slots: { most: 10, used: 0 },
  hinders: [{ name: 'synchronous_standby_names', value: 'gone', file: '/data/postgresql.auto.conf' }],
  own: [],
};

/** A server whose files tell it another primary, or where its recovery ends. */
const told = (...names: string[]): Record<string, unknown> => ({
  [TAKEOVER.id]: {
    walLevel: 'replica',
    slots: { most: 10, used: 0 },
    hinders: [],
    own: names.map((name) => ({ name, file: '/data/postgresql.auto.conf' })),
  } satisfies Takeover,
});

/** The end of the WAL of a primary that stopped cleanly, and of a standby that has all of it. */
const end = (checkpoint: string): { position: never } => ({
  position: { timeline: 1, checkpoint, atRest: true, nextOid: 20000, lastRecord: checkpoint } as never,
});
const HELD: MadeServer = { signal: true, data: { clusterState: 'shut down', ...end('0/5005420') } };
const caughtUp = (checkpoint = '0/5005420'): MadeServer => ({
  ...standby({ receives: false, replayed: 5000, position: 5000 }),
  data: end(checkpoint),
  more: slots('pg1', 'pg3'),
});
const DONE: Record<string, MadeServer> = {
  pg1: { ...standby({ timeline: 2 }), more: slots() },
  pg2: primary({ timeline: 2, sends: SENDS('pg1', 'pg3') }),
  pg3: standby({ timeline: 2 }),
};

const made = (servers: Record<string, MadeServer> = WELL, options: Options = CHOSEN, known: Known = {}, of = inventory): Run =>
  streamingRun<Options>(of, servers, options, known);
const steps = (run: Run): string[] => switchover.remaining(run).steps.map(({ id }) => id);
const objections = (run: Run): string[] => (switchover.guards?.(run) ?? []).map(({ message }) => message);
const ways = (run: Run): string[] => (switchover.back?.(run) ?? []).map(({ id }) => id);

describe('pgprov switchover of servers that stream without Patroni', () => {
  it('makes slots, holds and stops the primary, compares, promotes, and has the former one follow', () => {
    const run = made({ ...WELL, pg1: { ...WELL['pg1'], more: slots('pg2!', 'pg3!') } });
    expect(objections(run)).toEqual([]);
    const { steps: foreseen } = switchover.remaining(run);
    expect(foreseen.map(({ title }) => title)).toEqual([
      'make the replication slots pg1 and pg3 on pg2',
      'stop pg1, and hold it from starting as a primary again (standby.signal)',
      'write a checkpoint on pg2, and compare pg_controldata: its REDO location must be that with which pg1 stopped',
      'promote pg2',
      'start pg1 as a standby of pg2',
      'wait until pg3 streams from pg2',
      'drop the replication slots pg2 and pg3 on pg1, which nobody uses there any more',
    ]);
    expect(foreseen.filter(({ pointOfNoReturn }) => pointOfNoReturn).map(({ id }) => id)).toEqual(['promote']);
    expect(foreseen[1]).toMatchObject({ measuresWriteGap: { until: 'promote' } });
  });

  it('takes --to, or the standby that is the least behind, and waits for nobody who did not stream', () => {
    const lags = (pg2: number, pg3: number): Record<string, unknown> => ({
      [SERVER_REPLICATION.id]: {
        ...(slots()[SERVER_REPLICATION.id] as object),
        sends: [
          { name: 'pg2', state: 'streaming', sync: 'async', replayLagBytes: pg2 },
          { name: 'pg3', state: 'streaming', sync: 'async', replayLagBytes: pg3 },
        ],
      },
    });
    const lagging = (pg2: number, pg3: number): Record<string, MadeServer> => ({ ...WELL, pg1: { ...WELL['pg1'], more: lags(pg2, pg3) } });
    expect(switchover.choose?.(made(lagging(500, 0), {}))).toEqual({ leader: 'pg1', to: 'pg3', without: [] });
    expect(switchover.choose?.(made(lagging(500, 0), { to: 'pg2' }))).toMatchObject({ to: 'pg2' });
    const down = { ...WELL, pg2: { signal: true } };
    expect(switchover.choose?.(made(down, {}))).toEqual({ leader: 'pg1', to: 'pg3', without: ['pg2'] });
    const run = made(down, { leader: 'pg1', to: 'pg3', without: ['pg2'] });
    expect([objections(run), steps(run)]).toEqual([[], ['slots', 'hold', 'catch-up', 'promote', 'follow']]);
    expect(switchover.remaining(run).then).toBe('nothing waits for pg2: pg2 is down');
    const paused = switchover.choose?.(made({ ...WELL, pg3: standby({ paused: true }) }, {}));
    expect(paused).toEqual({ leader: 'pg1', to: 'pg2', without: ['pg3'] });
    const stays = made({ ...WELL, pg3: standby({ paused: true }) }, paused);
    expect([objections(stays), steps(stays)]).toEqual([[], ['slots', 'hold', 'catch-up', 'promote', 'follow']]);
    expect(switchover.remaining(stays).then).toBe('nothing waits for pg3: pg3 has its replay paused (pg_wal_replay_resume() ends that)');
    const after = made({ ...DONE, pg3: standby({ receives: false, paused: true }) }, paused);
    expect(switchover.finished?.(after)).toContain('pg3 receives no WAL, and has its replay paused (pg_wal_replay_resume() ends that)');
    const much = made(lagging(20 * 1024 * 1024, 0));
    expect(switchover.guards?.(much)).toMatchObject([{ message: expect.stringContaining('20 MiB of WAL left to replay'), settles: true }]);
  });

  it('names two that take writes, where the former primary came back as one', async () => {
    const run = made({ ...DONE, pg1: primary({ timeline: 2 }) }, CHOSEN);
    expect(objections(run)).toEqual([expect.stringContaining('pg1 (timeline 2, runs) and pg2 (timeline 2, runs) are both primaries')]);
    expect(await switchover.broken?.(run, { touched: true, desk: {} as never })).toBeUndefined();
  });

  it('is refused while the primary would not follow another one, and does not wait for others that would not', () => {
    const stays = (...names: string[]): Run => made({ ...WELL, pg1: { ...WELL['pg1'], more: told(...names) } });
    expect(switchover.guards?.(stays('primary_conninfo'))).toEqual([
      {
        kind: 'refuse',
        message:
          'pg1 could not become a standby: it has primary_conninfo of its own (/data/postgresql.auto.conf), with which it would not find another primary',
        hint: expect.stringMatching(
          /^nothing was changed; take that setting away on pg1 .*ALTER SYSTEM RESET.*pgprov reload \S+ --host pg1`$/u,
        ),
      },
    ]);
    expect(objections(stays('primary_slot_name', 'recovery_target_time'))).toEqual([
      'pg1 could not become a standby: it has recovery_target_time of its own (/data/postgresql.auto.conf), with which as a standby it would end its recovery there, and may take writes beside another primary',
    ]);
    expect(objections(stays('recovery_target_timeline'))).toEqual([expect.stringContaining('would not go on to the timeline')]);
    // Of the standby that is to be the primary it does not matter.
    expect(objections(made({ ...WELL, pg2: { ...standby(), more: told('primary_conninfo') } }))).toEqual([]);
    const other = { ...WELL, pg3: { ...standby(), more: told('primary_conninfo') } };
    expect(switchover.choose?.(made(other, { to: 'pg2' }))).toMatchObject({ to: 'pg2', without: ['pg3'] });
    const run = made(other, { leader: 'pg1', to: 'pg2', without: ['pg3'] });
    expect([objections(run), steps(run)]).toEqual([[], ['slots', 'hold', 'catch-up', 'promote', 'follow']]);
    expect(switchover.remaining(run).then).toContain('pg3 has primary_conninfo of its own');
  });

  it.each([
    ['cannot be reached', { pg2: undefined }],
    ['is down', { pg2: { signal: true } }],
    ['receives no WAL', { pg2: standby({ receives: false }) }],
    ['does not stream from pg1', { pg1: primary({ sends: SENDS('pg3') }) }],
    ['has its replay paused', { pg2: standby({ paused: true }) }],
    [
      'has synchronous_standby_names gone (/data/postgresql.auto.conf), so that as the primary no commit would end',
      { pg2: { ...standby(), more: { [TAKEOVER.id]: HINDERED } } },
    ],
    [
      'has wal_level minimal',
      { pg2: { ...standby(), more: { [TAKEOVER.id]: { walLevel: 'minimal', slots: { most: 10, used: 0 }, hinders: [], own: [] } } } },
    ],
    [
      'has 9 replication slots of 10 (max_replication_slots), and needs 2 more',
      { pg2: { ...standby(), more: { [TAKEOVER.id]: { walLevel: 'replica', slots: { most: 10, used: 9 }, hinders: [], own: [] } } } },
    ],
    [
      'has max_wal_senders 1, and there are 2 standbys',
      {
        pg2: {
          ...standby(),
          running: { ...USUAL, max_wal_senders: 1 },
          more: { [TAKEOVER.id]: { walLevel: 'replica', slots: { most: 10, used: 0 }, hinders: [], own: [] } },
        },
      },
    ],
    ['has max_connections 200, and pg1 only 100', { pg2: { ...standby(), running: { ...USUAL, max_connections: 200 } } }],
    [
      'is not reached from pg1: no route',
      {
        pg1: {
          ...WELL['pg1'],
          more: { [REPLICATION_LOGIN.id]: [{ address: '10.0.0.2', systemIdentifier: undefined, error: 'no route' }] },
        },
      },
    ],
  ] as [string, Record<string, MadeServer | undefined>][])('refuses a standby that %s', (why, change) => {
    const servers = Object.fromEntries(
      Object.entries({ ...WELL, ...change }).flatMap(([name, server]) => (server === undefined ? [] : [[name, server]])),
    );
    expect(objections(made(servers))).toEqual([expect.stringContaining(`pg2 cannot take over: it ${why}`)]);
  });

  it('takes one with more than the primary has in force where that takes it up with its restart', () => {
    const more = { [PENDING_RESTART.id]: ['max_connections'] };
    const raised = { ...USUAL, max_connections: 200 };
    const servers = { pg1: { ...WELL['pg1'], more }, pg2: { ...standby(), running: raised }, pg3: { ...standby(), running: raised } };
    expect(objections(made(servers))).toEqual([]);
    expect(objections(made({ ...servers, pg3: standby() }))).toEqual([expect.stringContaining('and pg3 only 100')]);
  });

  it('refuses what every run refuses, --at and --cancel, and where nobody leads', async () => {
    expect(objections(made({ ...WELL, pg3: primary({ timeline: 2 }) }, {}))[0]).toContain('are both primaries of one database');
    const problems = (options: Options): string[] => (switchover.problems?.(made(WELL, options)) ?? []).map(({ message }) => message);
    expect(problems({ at: '+5m' })[0]).toContain('--at is for clusters of Patroni');
    expect(problems({ cancel: true })[0]).toContain('--cancel is for clusters of Patroni');
    expect(problems({ to: 'pg9' })).toEqual(['there is no server "pg9"']);
    const { pg1: _off, ...rest } = WELL;
    expect(objections(made(rest, {}))).toEqual(['no server that answers is the primary; pg1 cannot be reached']);
    const cascaded = await streaming();
    const upstream = { ...cascaded, hosts: cascaded.hosts.map((host) => (host.name === 'pg3' ? withUpstream(host, 'pg2') : host)) };
    const cascade = { ...WELL, pg1: primary({ sends: SENDS('pg2') }), pg2: standby({ sends: SENDS('pg3') }) };
    expect(objections(made(cascade, { ...CHOSEN, to: 'pg3' }, {}, upstream))[0]).toContain('is a standby of pg2 (replication.upstream)');
    const run = made({ ...cascade, pg2: { ...standby({ sends: SENDS('pg3') }), more: slots('pg3!') } }, CHOSEN, {}, upstream);
    expect([objections(run), switchover.remaining(run).steps[0]?.title]).toEqual([[], 'make the replication slot pg1 on pg2']);
  });

  const withUpstream = (host: (typeof inventory.hosts)[number], upstream: string): typeof host => ({
    ...host,
    vars: { ...host.vars, replication: { ...(host.vars['replication'] as object), upstream } } as typeof host.vars,
  });

  describe('given again after it was killed', () => {
    it('stops a primary that is held already, with all that was checked before', () => {
      const servers = { ...WELL, pg1: { ...WELL['pg1'], signal: true }, pg2: { ...standby(), more: slots('pg1', 'pg3') } };
      expect([objections(made(servers)), steps(made(servers))]).toEqual([[], ['hold', 'catch-up', 'promote', 'follow', 'others']]);
    });

    it('promotes only a standby that has all that the primary wrote', () => {
      const behind = made({ ...WELL, pg1: HELD, pg2: caughtUp('0/5000028') });
      expect([objections(behind), steps(behind)]).toEqual([[], ['catch-up', 'promote', 'follow', 'others']]);
      const all = { ...WELL, pg1: HELD, pg2: caughtUp() };
      expect([objections(made(all)), steps(made(all))]).toEqual([[], ['promote', 'follow', 'others']]);
      const unreplayed = { ...all, pg2: { ...caughtUp(), ...standby({ receives: false, replayed: 4000, position: 5000 }) } };
      expect(steps(made(unreplayed))[0]).toBe('catch-up');
      expect(objections(made(unreplayed, CHOSEN, { done: ['catch-up'] }))).toEqual([
        'pg2 has not replayed all that pg1 wrote, so it is not promoted',
      ]);
    });

    it('promotes none where the primary did not stop cleanly, or one of the two is out of reach', () => {
      const crashed = { ...HELD, data: { ...(HELD.data as object), clusterState: 'in production' } } as MadeServer;
      expect(objections(made({ ...WELL, pg1: crashed, pg2: caughtUp() }))[0]).toContain('pg1 did not stop cleanly, so pg2 is not promoted');
      const unreachable = switchover.guards?.(made({ pg1: HELD, pg3: standby({ receives: false }) }));
      expect(unreachable).toMatchObject([{ kind: 'unreachable', message: expect.stringContaining('pg2 cannot be reached') }]);
      const away = switchover.guards?.(made({ pg2: caughtUp(), pg3: standby({ receives: false }) }));
      expect(away).toMatchObject([{ kind: 'unreachable', message: expect.stringContaining('pg1 cannot be reached') }]);
    });

    it('goes on where the former primary was started as a standby meanwhile, unless it has more', () => {
      const booted = standby({ receives: false, replayed: 5000, position: 5000 });
      const run = made({ ...WELL, pg1: booted, pg2: caughtUp() });
      expect([objections(run), steps(run)]).toEqual([[], ['promote', 'follow', 'others']]);
      const more = made({ ...WELL, pg1: standby({ receives: false, replayed: 6000, position: 6000 }), pg2: caughtUp() });
      expect(objections(more)[0]).toContain('pg2 lacks WAL of pg1');
    });

    it('finishes what is left once the standby is the primary, and finds nothing to do then', () => {
      const run = made({ ...DONE, pg1: { ...HELD, more: slots() } });
      expect([objections(run), steps(run)]).toEqual([[], ['follow']]);
      expect(steps(made(DONE))).toEqual([]);
      expect(switchover.checks?.(made(DONE)).filter(({ ok }) => !ok)).toEqual([]);
      expect(switchover.nothing?.(made(DONE))).toBe('pg2 is the primary already, and all others stream from it');
      expect(switchover.finished?.(made(DONE))).toMatch(
        /^pg2 is the primary, and pg1 its standby\. The inventory says pg1 \([^)]*\), .*`leader: pg2`/u,
      );
      expect(objections(made({ ...DONE, pg2: standby(), pg3: primary({ timeline: 2 }) }))[0]).toContain('pg3 is the primary meanwhile');
    });
  });

  it('sets the synchronous standbys of the new primary where all that are named stream', () => {
    expect(steps(made(WELL, CHOSEN, {}, synchronous)).at(-1)).toBe('synchronous');
    expect(steps(made(DONE, CHOSEN, {}, synchronous))).toEqual(['synchronous']);
    const without = made({ ...DONE, pg3: { signal: true } }, { ...CHOSEN, without: ['pg3'] }, {}, synchronous);
    expect(steps(without)).toEqual([]);
    expect(switchover.finished?.(without)).toContain('Not all of pg1 and pg3 stream, so commits of pg2 wait for no standby');
  });

  describe('broken off before the promotion', () => {
    it('starts the primary again, then drops the slots that were made', () => {
      expect(ways(made({ ...WELL, pg1: HELD, pg2: caughtUp('0/5000028') }))).toEqual(['back', 'back-slots']);
      expect(ways(made({ ...WELL, pg2: { ...standby(), more: slots('pg1', 'pg3') } }))).toEqual(['back-slots']);
      expect(ways(made({ ...WELL, pg2: { ...standby(), more: slots() } }))).toEqual([]);
    });

    it('also where the standby fell silent, as long as no earlier command may have promoted it', async () => {
      const silent = made({ pg1: HELD, pg3: standby({ receives: false }) });
      expect(ways(silent)).toEqual(['back']);
      expect(ways({ ...silent, resumed: true })).toEqual([]);
      expect(ways({ ...made({ ...WELL, pg1: HELD, pg2: caughtUp() }), resumed: true })).toEqual([]);
      expect(ways({ ...made({ ...WELL, pg1: HELD, pg2: caughtUp('0/5000028') }), resumed: true })).toEqual(['back', 'back-slots']);
      expect(ways(made(DONE))).toEqual([]);
    });

    it('says what is then', async () => {
      const said = (servers: Record<string, MadeServer>): Promise<string | undefined> | undefined =>
        switchover.broken?.(made(servers), { touched: true, desk: {} as never });
      expect(await said(WELL)).toBe('pg1 is the primary, as before, and takes writes');
      expect(await said({ ...WELL, pg1: HELD, pg2: caughtUp() })).toContain('nobody takes writes: the same command goes on');
      expect(await said(DONE)).toBe('pg2 is the primary; the same command finishes what is left');
    });
  });
});

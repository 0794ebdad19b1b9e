import { describe, expect, it } from 'vitest';
import { guardParted, guardParts, guardStreaming } from '../../../../roles/shared/streaming/guards.js';
import { primary, standby, streaming, viewOf, type Scene } from './scene.js';

const inventory = await streaming();
const objections = (scene: Record<string, Scene>): { message: string; hint: string; kind: string }[] =>
  guardStreaming(viewOf(inventory, scene)).map(({ kind, message, hint }) => ({ kind, message, hint }));
const messages = (scene: Record<string, Scene>): string[] => objections(scene).map(({ message }) => message);

const SENDS = ['pg2', 'pg3'].map((name) => ({ name, state: 'streaming' }));
const well = { pg1: primary({ sends: SENDS }), pg2: standby(), pg3: standby() };
const timeline = (value: number): { position: never } => ({
  position: { timeline: value, checkpoint: '0/1000', nextOid: 20000, lastRecord: '0/1000' } as never,
});

describe('servers that stream without Patroni', () => {
  it('are well with one primary and standbys that stream, on hosts without data, and while standbys are made', () => {
    expect(objections(well)).toEqual([]);
    expect(objections({ pg1: { data: 'absent' }, pg2: { data: 'absent' }, pg3: { data: 'absent' } })).toEqual([]);
    expect(objections({ pg1: primary(), pg2: { data: 'absent', joining: true }, pg3: { signal: true, joining: true } })).toEqual([]);
  });

  it('are refused with two primaries, which are named with their timelines', () => {
    const [found] = objections({ ...well, pg3: primary({ timeline: 2 }) });
    expect(found).toMatchObject({
      kind: 'refuse',
      message: expect.stringContaining(
        'pg1 (timeline 1, runs) and pg3 (timeline 2, runs) are both primaries of one database (system identifier 7100)',
      ) as string,
      hint: expect.stringMatching(
        /`pgprov rebuild \S+ --host pg1 --give-up-commits` ends pg1 and makes it a standby, `pgprov rebuild \S+ --host pg3 --give-up-commits` does so/u,
      ) as string,
    });
  });

  it('are refused where one that is down would start as a second primary, with what to do for one that was stopped cleanly', () => {
    const former = (checkpoint: string): Scene => ({
      data: { clusterState: 'shut down', position: { timeline: 1, checkpoint, nextOid: 20000, lastRecord: checkpoint } },
    });
    const promoted: Scene = { ...primary({ timeline: 2 }), data: { history: { timeline: 2, forks: ['1 0/5005498'] } } };
    const [clean] = objections({ pg1: former('0/5005420'), pg2: promoted, pg3: standby({ timeline: 2 }) });
    expect(clean?.message).toBe(
      'pg1 is to be a standby of pg2 and has no standby.signal: it would start as a second primary (pg1 is on timeline 1, pg2 on timeline 2)',
    );
    expect(clean?.hint).toBe(
      'it was stopped cleanly before pg2 took over, so it can follow: `install -o postgres -g postgres -m 600 /dev/null /var/lib/postgresql/17/main/standby.signal` on pg1, then run this again',
    );
    const [parted] = objections({ pg1: former('0/6000000'), pg2: promoted, pg3: standby({ timeline: 2 }) });
    expect(parted?.hint).toContain('it may have commits that pg2 lacks');
  });

  it('are refused where two that are down would both start as primaries', () => {
    expect(messages({ pg1: { data: timeline(1) }, pg2: { data: timeline(2) }, pg3: { signal: true } })).toEqual([
      'pg1 (timeline 1, down, without standby.signal) and pg2 (timeline 2, down, without standby.signal) would both start as primaries of one database (system identifier 7100): nobody knows which is to',
    ]);
  });

  it('are refused with the data of another database', () => {
    expect(messages({ ...well, pg2: { data: { systemIdentifier: '7200' } } })).toEqual([
      'pg2 has another database (system identifier 7200) than pg1 (7100): neither can be a standby of the other',
    ]);
  });

  it('are refused with a standby whose standby.signal is gone, and a primary that has one', () => {
    expect(messages({ ...well, pg2: { ...standby(), signal: false } })).toEqual([
      'pg2 runs as a standby, and its standby.signal is gone: its next start would make it a second primary',
    ]);
    expect(messages({ ...well, pg1: { ...well.pg1, signal: true } })).toEqual([
      'pg1 is the primary, and has a standby.signal: its next start would make it a standby, and nobody would take writes',
    ]);
  });

  it('are refused with a standby that is ahead of its primary, by timeline or by WAL that it does not get from it', () => {
    expect(messages({ ...well, pg2: standby({ receives: false, timeline: 2 }) })).toEqual([
      'pg2 is ahead of its primary: it is on timeline 2, and its primary pg1 on timeline 1, so it can never stream from it',
    ]);
    const view = viewOf(inventory, { ...well, pg2: standby({ receives: false, position: 9000, location: '0/2328' }) });
    const [further] = guardStreaming(view);
    expect(further?.message).toBe(
      'pg2 is ahead of its primary: it has WAL up to 0/2328, and its primary pg1 only up to 0/1388, so it can never stream from it',
    );
    // The two were not asked at one moment.
    expect(further?.settles).toBeDefined();
    // One that streams was asked later than its primary.
    expect(messages({ ...well, pg2: standby({ position: 9000 }) })).toEqual([]);
  });

  it('are refused where one that is down has one record more than its primary, whose WAL ends where that begins', () => {
    const down = (lastRecord: string): Scene => ({
      signal: true,
      data: { position: { timeline: 1, checkpoint: '0/1000', nextOid: 20000, lastRecord } },
    });
    expect(messages({ ...well, pg2: down('0/1388') })).toEqual([expect.stringContaining('pg2 is ahead of its primary')]);
    // One that is being made was copied after its primary was asked.
    expect(messages({ ...well, pg2: { ...standby({ receives: false, position: 9000, location: '0/2328' }), joining: true } })).toEqual([]);
    expect(messages({ ...well, pg2: down('0/1380') })).toEqual([]);
    // Each of several such can be rebuilt.
    expect(guardParts(viewOf(inventory, { ...well, pg2: down('0/1388') }))).toEqual([]);
  });

  it('are refused with one that went on where its primary left their timeline, down or up, until it is rebuilt', () => {
    const promoted: Scene = { ...primary({ timeline: 2 }), data: { history: { timeline: 2, forks: ['1 0/6000'] } } };
    const down = (lastRecord: string): Scene => ({
      signal: true,
      data: { position: { timeline: 1, checkpoint: '0/1000', nextOid: 20000, lastRecord } },
    });
    const parted = (scene: Scene): string[] =>
      guardParted(viewOf(inventory, { pg1: scene, pg2: promoted, pg3: standby({ timeline: 2 }) })).map(({ message }) => message);
    const up = (location: string): Scene => standby({ receives: false, location });
    for (const scene of [down('0/6000'), down('0/7000'), up('0/6001')])
      expect(parted(scene)).toEqual([
        expect.stringMatching(/^pg1 has parted from its primary: it went on on timeline 1 to .* left at 0\/6000/u),
      ]);
    for (const scene of [down('0/5FFF'), up('0/6000'), standby({ location: '0/7000' })]) expect(parted(scene)).toEqual([]);
    // What would start as a second primary is refused as that.
    for (const scene of [{ ...down('0/7000'), signal: false }, primary({ location: '0/7000' })]) expect(parted(scene)).toEqual([]);
  });

  it('are refused with a standby that streams from a server which has not what it has replayed', () => {
    const parted = { ...well, pg2: standby({ replayed: 9000, position: 9000, location: '0/2328', senderEnd: 8000 }) };
    const [found] = guardStreaming(viewOf(inventory, parted));
    expect(found?.message).toContain('it has replayed WAL up to 0/2328, which that one does not have');
    expect(found?.settles).toBeDefined();
    expect(messages({ ...well, pg2: standby({ replayed: 8000, senderEnd: 8000 }) })).toEqual([]);
    expect(messages({ ...well, pg2: standby({ replayed: 9000 }) })).toEqual([]);
  });

  it('are refused where none is a primary, because no run promotes one by itself', () => {
    const [found] = objections({
      pg1: { data: 'absent' },
      pg2: standby({ receives: false }),
      pg3: standby({ receives: false, position: 9000 }),
    });
    expect(found?.message).toContain('no server is a primary: pg2 (timeline 1, up to 0/1388) and pg3');
    expect(found?.hint).toMatch(/`pgprov failover [^`]+` promotes the one that has the most, pg3; where the primary is only away/u);
  });

  it('are refused where the primary is none of the inventory’s hosts, as where its line was taken out, and no failover is advised', () => {
    const fed = (from: string): Record<string, Scene> => ({
      pg1: standby({ from }),
      pg2: standby({ from }),
      pg3: standby({ receives: false }),
    });
    const [found] = objections(fed('10.0.0.9'));
    expect(found?.message).toBe(
      'no server of the inventory is a primary, and there is one: pg1 receives WAL from 10.0.0.9, which the inventory does not have',
    );
    expect(found?.hint).toMatch(/^put its host back into the inventory\./u);
    // A standby that somebody made one of another standby shows no primary.
    expect(objections(fed('10.0.0.3'))[0]?.hint).toContain('pgprov failover');
  });

  it('are not made anew while hosts were not asked that may have them', () => {
    expect(messages({ pg1: { data: 'absent' } })).toEqual([
      'pg1 has no database, and whether pg2 and pg3 have it was not asked: a new one is made only where none is',
    ]);
    expect(messages({ pg3: { data: 'absent' } })).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { checkStreaming, leaderDrift, partedDrift } from '../../../../roles/shared/streaming/told.js';
import { founderOf, isJoining, isMade, primaryOf } from '../../../../roles/shared/streaming/seen.js';
import { primary, standby, streaming, viewOf } from './scene.js';

const SENDS = ['pg1', 'pg3'].map((name) => ({ name, state: 'streaming' }));
const promoted = { pg1: standby(), pg2: primary({ timeline: 2, sends: SENDS }), pg3: standby() };

describe('who is the primary', () => {
  it('is told where it differs from the inventory, with the line to change', async () => {
    const named = await streaming('leader: pg1\n');
    expect(leaderDrift(viewOf(named, promoted))).toEqual([
      {
        host: 'pg2',
        allowed: true,
        what: 'pg2 is the primary, and the inventory says pg1 (inventory.yml:7); pgprov goes by what is',
        mend: expect.stringMatching(/^make `leader: pg2` of that line, if it is to stay so \(`pgprov settle \S+` does\)$/u) as string,
      },
    ]);
    const [unnamed] = leaderDrift(viewOf(await streaming(), promoted));
    expect(unnamed?.what).toContain('the inventory says pg1 (its first host, where it names no leader)');
    expect(unnamed?.mend).toContain('write `leader: pg2` at the top of the inventory');
    expect(leaderDrift(viewOf(await streaming('leader: pg2\n'), promoted))).toEqual([]);
  });

  it('is told beside who has parted from it, and is to be rebuilt', async () => {
    const down = { signal: true, data: { position: { timeline: 1, checkpoint: '0/5000', nextOid: 20000, lastRecord: '0/9000' } } };
    const leads = { ...promoted.pg2, data: { history: { timeline: 2, forks: ['1 0/6000'] } } };
    const [found, ...more] = partedDrift(viewOf(await streaming(), { pg1: down, pg2: leads, pg3: standby({ timeline: 2 }) }));
    expect(more).toEqual([]);
    expect(found?.host).toBe('pg1');
    expect(found?.mend).toMatch(/`pgprov rebuild \S+ --host pg1 --give-up-commits`/u);
  });

  it('is who takes writes, and while nobody does, who would after a start', async () => {
    const inventory = await streaming();
    expect(primaryOf(viewOf(inventory, promoted))?.name).toBe('pg2');
    expect(primaryOf(viewOf(inventory, { pg1: { signal: true }, pg2: { signal: true }, pg3: {} }))?.name).toBe('pg3');
    expect(primaryOf(viewOf(inventory, { pg1: {}, pg2: {}, pg3: { signal: true } }))).toBeUndefined();
  });
});

describe('which hosts get what', () => {
  const absent = { data: 'absent' } as const;

  it('is a new database on the inventory’s primary, and copies of it on the others', async () => {
    const view = viewOf(await streaming('leader: pg3\n'), { pg1: absent, pg2: absent, pg3: absent });
    expect(founderOf(view)).toBe('pg3');
    expect(['pg1', 'pg2', 'pg3'].map((host) => [isMade(view, host), isJoining(view, host)])).toEqual([
      [false, true],
      [false, true],
      [true, false],
    ]);
  });

  it('is a copy where the inventory’s primary has lost its data and another server has it', async () => {
    const view = viewOf(await streaming(), { ...promoted, pg1: absent });
    expect([founderOf(view), isMade(view, 'pg1'), isJoining(view, 'pg1')]).toEqual([undefined, false, true]);
  });

  it('is no new database while a copy was begun anywhere, or a host was not asked', async () => {
    const inventory = await streaming();
    expect(founderOf(viewOf(inventory, { pg1: absent, pg2: { ...absent, joining: true }, pg3: absent }))).toBeUndefined();
    expect(founderOf(viewOf(inventory, { pg1: absent, pg2: absent }))).toBeUndefined();
  });

  it('is what is left of joining for a standby that was copied and has not streamed yet', async () => {
    const view = viewOf(await streaming(), { pg1: primary(), pg2: { ...standby({ receives: false }), joining: true }, pg3: standby() });
    expect([isMade(view, 'pg2'), isJoining(view, 'pg2'), isMade(view, 'pg3')]).toEqual([false, true, true]);
  });
});

describe('the proof of a run', () => {
  it('is one primary that sends to every standby', async () => {
    expect(checkStreaming(viewOf(await streaming(), promoted)).map(({ ok, host }) => [host, ok])).toEqual([
      [undefined, true],
      ['pg1', true],
      ['pg3', true],
    ]);
  });

  it('is that commits wait for the synchronous standbys that the inventory names', async () => {
    const inventory = await streaming('replication: {synchronous: [pg1, pg3]}\n');
    const failed = (sync: string): string[] =>
      checkStreaming(viewOf(inventory, { ...promoted, pg2: primary({ sends: SENDS.map((target) => ({ ...target, sync })) }) })).flatMap(
        ({ ok, title, detail }) => (ok ? [] : [`${title}: ${detail}`]),
      );
    expect(failed('sync')).toEqual([]);
    expect(failed('async')).toEqual(['commits wait for synchronous standbys: none is synchronous']);
  });

  it('fails for a standby that its primary does not send to, and one that is down', async () => {
    const scene = { ...promoted, pg2: primary({ sends: [{ name: 'pg1', state: 'catchup' }] }), pg3: { signal: true } };
    expect(checkStreaming(viewOf(await streaming(), scene)).flatMap(({ ok, host, detail }) => (ok ? [] : [`${host}: ${detail}`]))).toEqual([
      'pg1: it receives; its sender has it as catchup',
      'pg3: PostgreSQL does not answer; no server has a connection from it',
    ]);
  });
});

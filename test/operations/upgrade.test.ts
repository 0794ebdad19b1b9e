import { describe, expect, it } from 'vitest';
import upgrade from '../../src/operations/upgrade.js';
import type { UpgradeOptions } from '../../src/operations/shared/upgrade/seen.js';
import type { OperationRun } from '../../src/plan/operation.js';
import { POOLER } from '../../src/resources/pgbouncer/pooler.js';
import type { Tablespace } from '../../src/resources/streaming/tablespaces.js';
import { debian13 } from '../../src/platform/debian.js';
import { rocky9 } from '../../src/platform/el.js';
import type { Platform } from '../../src/platform/platform.js';
import { contextOf, inventoryOf } from '../support/inventory.js';
import { CHOSEN, data, GIB, inventory, seen, TEXT, type Made } from './upgrade-seen.js';

const steps = (run: OperationRun<UpgradeOptions>): string[] => upgrade.remaining(run).steps.map(({ id }) => id);
const back = (run: OperationRun<UpgradeOptions>): string[] => (upgrade.back?.(run) ?? []).map(({ id }) => id);
/** A tablespace on a disk of its own. */
const SPACE: Tablespace = { location: '/srv/fast', bytes: GIB, disk: { device: '2', free: 10 * GIB }, fixed: undefined };

const refused = (run: OperationRun<UpgradeOptions>): string[] => (upgrade.guards?.(run) ?? []).map(({ message }) => message);

describe('the steps of an upgrade', () => {
  const LATER = ['settle', 'others', 'follow', 'settled', 'conform'];

  it('try pg_upgrade before anything is stopped, and let clients in last', () => {
    const lacking = { programs: [15] };
    const run = seen({ place: { pg1: lacking, pg2: lacking, pg3: lacking }, trial: { asked: false } });
    expect(steps(run)).toEqual([
      'packages',
      'trial',
      'stop-standbys',
      'stop-leader',
      'upgrade',
      'configure',
      'store',
      'note',
      'lead',
      ...LATER,
    ]);
    expect(steps(seen({ reads: { pg3: { asked: false } } })).slice(0, 2)).toEqual(['trial', 'stop-standbys']);
    expect(steps(seen())).toEqual(['stop-standbys', 'stop-leader', 'upgrade', 'configure', 'store', 'note', 'lead', ...LATER]);
  });

  it('go on from what is there', () => {
    expect(steps(seen({ up: undefined }))).toEqual(['upgrade', 'configure', 'store', 'note', 'lead', ...LATER]);
    expect(steps(seen({ up: undefined, made: ['pg1'] }))).toEqual(['configure', 'store', 'note', 'lead', ...LATER]);
    const stored = { initialize: '8', leader: undefined, keys: [] };
    expect(steps(seen({ up: undefined, made: ['pg1'], configured: 17, store: stored }))).toEqual(['note', 'lead', ...LATER]);
    expect(steps(seen({ up: undefined, made: ['pg1'], configured: 17, noted: true, store: stored }))).toEqual(['lead', ...LATER]);
    expect(steps(seen({ up: 17, noted: true, listed: { pg3: { state: 'starting' } } }))).toEqual(LATER);
    const settled = { pg1: { settled: ['one'] } };
    expect(steps(seen({ up: 17, noted: true, place: settled }))).toEqual(['conform']);
    expect(steps(seen({ up: 17, noted: true, place: settled, done: ['conform'] }))).toEqual([]);
  });

  it('measure how long nothing is written', () => {
    const all = upgrade.remaining(seen()).steps;
    expect(all.filter((step) => 'measuresWriteGap' in step).map(({ id }) => id)).toEqual(['stop-leader']);
  });

  it('say for how long, by what the trial took', () => {
    const took = { prepare: 2, check: 4, dump: 3, copies: GIB / 10 };
    const effect = (run: OperationRun<UpgradeOptions>): string =>
      upgrade.remaining(run).steps.find(({ id }) => id === 'stop-leader')?.effect ?? '';
    expect(effect(seen({ trial: { took } }))).toContain('about 47 s by what the trial took there, of which 10 s to copy 1 GiB');
    expect(effect(seen({ trial: { took } }, { ...CHOSEN, transfer: 'clone' }))).toMatch(/about 37 s by what the trial took there$/u);
    expect(effect(seen())).toBe('the database is down until pg1 leads with the new version');
  });

  it('start who has the last commits where the upgraded member was lost after others had copied it', () => {
    const run = seen({ up: undefined, made: ['pg1', 'pg2'], configured: 17, noted: true });
    expect(upgrade.remaining(run).steps[0]).toMatchObject({ id: 'lead', on: ['pg1', 'pg2'] });
  });

  it('write the version into the inventory last, where pgprov can', () => {
    const settled = { pg1: { settled: ['one'] } };
    const run = { ...seen({ up: 17, noted: true, place: settled }), written: { hosts: inventory15.hosts, takes: true } };
    expect(steps(run)).toEqual(['conform', 'inventory']);
    const cannot = { ...run, written: { hosts: inventory15.hosts, takes: false } };
    expect(steps(cannot)).toEqual(['conform']);
    expect(upgrade.leaves?.(cannot).map(({ message }) => message)).toEqual([expect.stringContaining('still says postgresql.version 15')]);
    expect(upgrade.leaves?.({ ...run, written: { hosts: inventory.hosts, takes: false } })).toEqual([]);
  });
});

const inventory15 = await inventoryOf(TEXT.replace('17', '15'));

describe('the place for the new data', () => {
  const idsOn = (platform: Platform, text: string): Promise<string[]> =>
    inventoryOf(text).then((own) => {
      const step = upgrade.remaining(seen({ up: undefined }, CHOSEN, own)).steps.find(({ id }) => id === 'upgrade');
      return step !== undefined && 'resources' in step ? (step.resources?.(contextOf(own, 'pg1', platform)) ?? []).map(({ id }) => id) : [];
    });

  it('has its label before pg_upgrade is started, since what is made in it inherits that', async () => {
    const own = TEXT.replace('{version: 17}', "{version: 17, data_dir: '/data/{version}/main'}");
    expect(await idsOn(rocky9, own)).toEqual(['selinux-directory:/data/17/main', 'upgraded:/data/17/main']);
    expect(await idsOn(rocky9, TEXT)).toEqual(['upgraded:/var/lib/pgsql/17/data']);
    expect(await idsOn(debian13, own)).toEqual(['upgraded:/data/17/main']);
  });
});

describe('an upgrade with the pools paused', async () => {
  const pooled = await inventoryOf(TEXT.replace('etcd, patroni]', 'etcd, patroni, haproxy, pgbouncer]'));
  const pooler = (paused?: string): Record<string, Record<string, unknown>> =>
    Object.fromEntries(['pg1', 'pg2', 'pg3'].map((host) => [host, { [POOLER.id]: { answers: true, paused } }]));
  const options = { ...CHOSEN, pausePools: true };
  const took = { prepare: 2, check: 4, dump: 3, copies: GIB / 10 };

  it('has their clients wait from before the first stop until the new server leads', () => {
    expect(steps(seen({ more: pooler() }, options, pooled)).slice(0, 10)).toEqual([
      'pause-pools-1',
      ...['stop-standbys', 'stop-leader', 'upgrade', 'configure', 'store', 'note', 'lead'],
      ...['lead-proxies-1', 'resume-pools-1'],
    ]);
    const run = seen({ up: undefined, more: pooler('all'), done: ['pause-pools-1'] }, options, pooled);
    expect(steps(run).slice(0, 7)).toEqual(['upgrade', 'configure', 'store', 'note', 'lead', 'lead-proxies-1', 'resume-pools-1']);
    const led = seen({ up: 17, noted: true, more: pooler('all'), done: ['pause-pools-1'] }, options, pooled);
    expect(steps(led).slice(0, 2)).toEqual(['lead-proxies-1', 'resume-pools-1']);
    expect(back(seen({ up: undefined, more: pooler('all') }, options, pooled))).toEqual([
      'start-first',
      'start-others',
      'resume-pools-early',
    ]);
  });

  it('is refused where they would not wait for that long', () => {
    expect(refused(seen({ more: pooler(), trial: { took } }, options, pooled))).toEqual([]);
    const slow = { ...took, copies: GIB / 100 };
    expect(refused(seen({ more: pooler(), trial: { took: slow } }, options, pooled))).toEqual([
      expect.stringContaining('wait for 115 s at most, and the upgrade may take 3 min 26 s (2 min 17 s by what the trial took'),
    ]);
    expect(refused(seen({ more: pooler() }, options, pooled))).toEqual([expect.stringContaining('could not measure')]);
    const none = (upgrade.problems?.({ ...seen(), options }) ?? []).map(({ message }) => message);
    expect(none).toEqual([expect.stringContaining('no host of the inventory has the role pgbouncer')]);
    const undo = (upgrade.problems?.({ ...seen({}, options, pooled), options: { to: 15, pausePools: true, undo: true } }) ?? []).map(
      ({ message }) => message,
    );
    expect(undo).toEqual(['--pause-pools is for the upgrade itself']);
  });

  it('is taken back and finished as any other, and resumes what it has left paused', () => {
    const undo = { ...options, undo: true };
    expect(upgrade.problems?.({ ...seen({}, undo, pooled) })).toEqual([]);
    expect(upgrade.problems?.({ ...seen({}, { ...options, finish: true }, pooled) })).toEqual([]);
    const left = seen({ up: undefined, more: pooler('all'), done: ['pause-pools-1'] }, undo, pooled);
    expect(steps(left).slice(0, 3)).toEqual(['start-first', 'start-others', 'resume-pools-early']);
  });

  it('says what going back costs once clients were let in, and nothing before', () => {
    const effect = (scene: Parameters<typeof seen>[0]): string | undefined => {
      const step = upgrade.remaining(seen(scene, { ...CHOSEN, undo: true })).steps.find(({ id }) => id === 'start-first');
      return step?.effect;
    };
    expect(effect({ up: 17, noted: true })).toMatch(/^what was written since PostgreSQL 17 was started is lost to 15/u);
    expect(effect({ up: undefined })).toBeUndefined();
  });
});

describe('the way back of an upgrade', () => {
  it('is nothing where nothing was done', () => {
    expect(back(seen())).toEqual([]);
  });

  it('starts the former servers, the leader first, whatever was done until clients are let in', () => {
    expect(back(seen({ up: undefined }))).toEqual(['start-first', 'start-others']);
    expect(back(seen({ up: undefined, place: { pg1: { upgrading: true } } }))).toEqual(['break-off', 'start-first', 'start-others']);
    const run = seen({ up: undefined, made: ['pg1'], configured: 17, store: { initialize: '8', leader: undefined, keys: [] } });
    expect(back(run)).toEqual(['aside', 'configure', 'store', 'start-first', 'start-others']);
  });

  it('is not taken by itself once clients are let in', () => {
    expect(back(seen({ up: 17, noted: true }))).toEqual([]);
  });

  it('is taken by --undo also then, with the new servers stopped first', () => {
    const run = seen({ up: 17, noted: true, store: { initialize: '8' } }, { ...CHOSEN, undo: true });
    expect(steps(run)).toEqual([
      ...['stop-newer', 'stop-newer-leader', 'aside', 'configure', 'store', 'start-first', 'start-others', 'forget'],
      'conform',
    ]);
    expect(upgrade.question?.(run)).toContain('what was written since PostgreSQL 17 was started is lost to 15');
  });

  it('brings tablespaces that are aside back before the former servers start', () => {
    const spread = { pg2: { data: { 15: { ...data('pg2', 15, false), spread: true } } } };
    expect(back(seen({ up: undefined, place: spread }))).toEqual(['tablespaces', 'start-first', 'start-others']);
  });

  it('is found by what members note, and refused without', () => {
    const options = { to: 15, undo: true };
    const run = seen({ up: 17, noted: true }, options, inventory15);
    expect(upgrade.choose?.(run)).toMatchObject({ older: 15, newer: 17, member: 'pg1', identifier: '7', was: { pg2: 'old-pg2' } });
    expect(upgrade.aims?.(options)).toEqual({ path: ['postgresql', 'version'], value: 15 });
    expect(refused(seen({ up: 17 }, options, inventory15))).toEqual([
      'no member of demo notes an upgrade from PostgreSQL 15 that could be taken back',
    ]);
    const lost = { pg1: { data: { 17: data('pg1', 17, true) } } };
    expect(refused(seen({ up: 17, noted: true, place: lost }, { ...CHOSEN, undo: true }))).toEqual([
      'the data that pg1 had of PostgreSQL 15 is not in its place any more, so it cannot come back',
    ]);
  });
});

describe('the end of an upgrade', () => {
  it('removes the former data by its identity, and says where it is and how large', () => {
    const run = seen({ up: 17, noted: true }, { finish: true });
    const chosen = upgrade.choose?.(run) ?? {};
    const all = upgrade.remaining({ ...run, options: chosen }).steps;
    expect(all.map(({ id }) => id)).toEqual(['remove', 'forget']);
    expect(all[0]?.effect).toContain('/var/lib/postgresql/15/main on pg1 (1 GiB)');
    expect(upgrade.aims?.({ finish: true })).toBeUndefined();
  });

  it('leaves other data, and a member that does not run the new version', () => {
    const other = { pg2: { data: { 15: { ...data('pg2', 15, false), identity: 'another' }, 17: data('pg2', 17, true) } } };
    const run = seen({ up: 17, noted: true, place: other }, { ...CHOSEN, finish: true });
    expect(upgrade.remaining(run).steps[0]).toMatchObject({ id: 'remove', on: ['pg1', 'pg3'] });
    const down = { pg3: { data: { 15: data('pg3', 15, false), 17: data('pg3', 17, false) } } };
    expect(refused(seen({ up: 17, noted: true, place: down }, { ...CHOSEN, finish: true }))).toEqual([
      'PostgreSQL 17 does not run on pg3, so what was there before is not removed',
    ]);
  });
});

describe('an upgrade is refused', () => {
  it.each<{ of: string; made?: Made; options?: UpgradeOptions; says: string }>([
    { of: 'a version that runs already', made: { up: 17 }, options: { ...CHOSEN, older: 17 }, says: 'demo runs PostgreSQL 17 already' },
    { of: 'an earlier version', options: { ...CHOSEN, to: 14, newer: 14 }, says: 'no major version goes back to 14' },
    { of: 'a standby that does not stream', made: { listed: { pg3: { state: 'starting' } } }, says: 'pg3 does not stream from pg1' },
    { of: 'maintenance mode', made: { config: { pause: true } }, says: 'maintenance mode' },
    { of: 'data in the new place', made: { facts: { occupied: 'PG_VERSION' } }, says: 'is not empty (PG_VERSION)' },
    { of: 'an upgrade that is not finished', made: { noted: true }, options: { ...CHOSEN, id: 'two' }, says: 'still has its way back' },
    {
      of: 'a tablespace in the data directory',
      made: { says: { tablespaces: [{ name: 'fast', location: '/var/lib/postgresql/15/main/fast' }] } },
      says: 'cannot be upgraded where they are: fast (/var/lib/postgresql/15/main/fast)',
    },
    {
      of: 'a directory that looks like one put aside',
      made: { says: { tablespaces: [{ name: 'fast', location: '/srv/fast.aside-20260101T000000' }] } },
      says: 'cannot be upgraded where they are',
    },
    {
      of: 'a tablespace in a mount point',
      made: { facts: { spaces: { 15: [{ ...SPACE, fixed: 'is a mount point' }] } } },
      says: 'the directory of a tablespace on pg1, /srv/fast, is a mount point',
    },
    {
      of: 'a tablespace whose directory a standby shares with others',
      made: { facts: { spaces: { 15: [{ ...SPACE, fixed: 'has more in it than one tablespace' }] } } },
      says: 'the directory of a tablespace on pg2, /srv/fast, has more in it',
    },
    {
      of: 'a tablespace of the new version',
      made: { facts: { occupiedSpaces: ['/srv/fast/PG_17_202406281'] } },
      says: '/srv/fast/PG_17_202406281 on pg1 is there already',
    },
    {
      of: 'no room for a tablespace',
      made: { facts: { spaces: { 15: [{ ...SPACE, bytes: 10 * GIB }] } } },
      says: '11 GiB is needed on pg1, and 10 GiB is free; ',
    },
    {
      of: 'no room for the data and a tablespace on the same disk',
      made: { facts: { spaces: { 15: [{ ...SPACE, disk: { device: '1', free: 10 * GIB }, bytes: 9 * GIB }] } } },
      says: '11 GiB is needed on pg1, and 10 GiB is free; ',
    },
    { of: 'logical slots', made: { says: { slots: ['feed of shop'] } }, says: 'would be lost: feed of shop' },
    { of: 'subscriptions', made: { says: { subscriptions: 2 } }, says: '2 subscriptions' },
    {
      of: 'prepared transactions',
      made: { says: { prepared: ['half'] } },
      says: 'prepared transactions, which pg_upgrade does not take: half',
    },
    { of: 'long transactions', made: { says: { long: ['process 1 (app), for 02:00:00'] } }, says: 'open for more than an hour' },
    { of: 'no room', made: { facts: { disk: { device: '1', free: GIB } } }, says: 'there is no room for the new data' },
    {
      of: 'what pg_upgrade says',
      made: { trial: { objections: ['your installation contains one of the reg* data types'] } },
      says: 'reg* data types',
    },
    {
      of: 'settings',
      made: { reads: { pg2: { settings: { old_snapshot_threshold: 'unrecognized' } } } },
      says: 'every setting of pg2:\n  old_snapshot_threshold: unrecognized',
    },
    {
      of: 'a library that one standby lacks',
      made: { reads: { pg3: { libraries: { foo: 'could not access file "foo"' } } } },
      says: 'PostgreSQL 17 on pg3 cannot load every library that is used there:\n  foo: could not access file "foo"',
    },
    {
      of: 'a member that could not be asked',
      made: { reads: { pg3: { asked: false } }, done: ['trial'] },
      says: 'PostgreSQL 17 could not be asked on pg3',
    },
    { of: 'a trial that said nothing', made: { trial: { asked: false }, done: ['trial'] }, says: 'pg_upgrade could not be tried on pg1' },
  ])('for $of', ({ made = {}, options, says }) => {
    expect(refused(seen(made, options))).toEqual([expect.stringContaining(says)]);
  });

  it('not for what it has done itself', () => {
    expect(refused(seen())).toEqual([]);
    expect(refused(seen({ up: undefined, made: ['pg1'], done: ['stop-leader'] }))).toEqual([]);
    expect(refused({ ...seen({ up: undefined, made: ['pg1'] }), resumed: true })).toEqual([]);
    expect(refused(seen({ up: 17, noted: true }))).toEqual([]);
  });

  it('before any host is connected to, without a version, or where it knows no way', async () => {
    const problem = async (options: UpgradeOptions, text = TEXT): Promise<string[]> => {
      const base = await inventoryOf(text);
      return (upgrade.problems?.({ ...seen(), inventory: base, options }) ?? []).map(({ message }) => message);
    };
    expect(await problem({})).toEqual(['it is not said which major version demo is to have']);
    expect(await problem({ to: 17, undo: true, finish: true })).toEqual([
      '--undo and --finish are given, and only one of them can be done',
    ]);
    expect(await problem({ to: 17 })).toEqual([]);
    expect(await problem({ to: 17 }, TEXT.replace('{version: 17}', '{data_dir: /data/pg}'))).toEqual([
      expect.stringContaining('says one directory for all versions (/data/pg of pg1, /data/pg of pg2 and /data/pg of pg3)'),
    ]);
    expect(await problem({ to: 17 }, TEXT.replace('{version: 17}', "{version: 17, data_dir: '/data/{version}/main'}"))).toEqual([]);
    expect(await problem({ to: 17 }, TEXT.replace(', etcd, patroni', ''))).toEqual([
      expect.stringContaining('no cluster that Patroni runs'),
    ]);
  });
});

it('waits for no lease of a leader that the inventory does not have, and says what to do about it', () => {
  const run = seen({ up: undefined, store: { leader: 'db3' } });
  const [found] = upgrade.guards?.(run) ?? [];
  expect(found).toMatchObject({
    kind: 'refuse',
    message: 'nobody of the inventory runs, and db3, which is not in the inventory, has the lead',
  });
  expect(found?.hint).toMatch(/^put it back; .*pgprov remove .* --host db3/u);
  expect(found?.settles).toBeUndefined();
});

import { describe, expect, it } from 'vitest';
import update from '../../src/operations/update.js';
import type { UpdateOptions } from '../../src/operations/shared/update/options.js';
import type { OperationRun } from '../../src/plan/operation.js';
import { ETCD_MEMBER } from '../../src/resources/etcd/member.js';
import { SERVER_LIMITS } from '../../src/resources/server-limits.js';
import { unitStartHandle } from '../../src/resources/unit-restart.js';
import { fetchDigest, PACKAGES_FETCHED } from '../../src/resources/versions/fetched.js';
import { PACKAGE_OFFERS, type PackageOffer } from '../../src/resources/versions/offers.js';
import { runningProgramHandle } from '../../src/resources/versions/running.js';
import { CATALOG } from '../../roles/index.js';
import { contextOf, inventoryOf, THREE } from '../support/inventory.js';
import { runSeen, type Seen } from './run-seen.js';

const inventory = await inventoryOf(THREE);
const NAMES = ['pg1', 'pg2', 'pg3'];
const OLD = '17.5-1';
const NEW = '17.6-1';
const PACKAGES = ['postgresql-17', 'postgresql-client-17'];

const offer = (installed: string, versions: string[]): PackageOffer => ({ installed, candidate: versions[0] ?? installed, versions });

interface Scene {
  /** What a host has installed of PostgreSQL; default: the old version. */
  installed?: Record<string, string | undefined>;
  /** Hosts on which an older PostgreSQL runs than is installed. */
  old?: readonly string[];
  offers?: Record<string, PackageOffer>;
  stale?: string;
  /** Hosts that have fetched everything. */
  fetched?: readonly string[];
  patroni?: Omit<Seen, 'more'>;
  options?: UpdateOptions;
  done?: string[];
}

const TARGETS = { postgresql: { 'postgresql-17': NEW, 'postgresql-client-17': NEW } };
const FORMER = { 'postgresql-17': OLD, 'postgresql-client-17': OLD };
const CHOSEN: UpdateOptions = {
  packages: 'postgresql',
  targets: Object.fromEntries(NAMES.map((name) => [name, TARGETS])),
  former: Object.fromEntries(NAMES.map((name) => [name, FORMER])),
};

function run(scene: Scene = {}): OperationRun<UpdateOptions> {
  const { installed = {}, old = [], offers = {}, stale, fetched = [], patroni = {}, options = CHOSEN, done } = scene;
  const more = NAMES.map((name) => {
    const version = name in installed ? installed[name] : OLD;
    const versions = version === undefined ? {} : Object.fromEntries(PACKAGES.map((each) => [each, version]));
    const known = offer(version ?? OLD, [NEW, OLD]);
    return [
      name,
      {
        [runningProgramHandle('postgresql').id]: { installed: versions, old: old.includes(name) },
        [unitStartHandle('patroni').id]: 'first',
        [unitStartHandle('etcd').id]: 'first',
        [ETCD_MEMBER.id]: { healthy: true, members: [] },
        [SERVER_LIMITS.id]: { started: '1', running: {} },
        [PACKAGES_FETCHED.id]: fetched.includes(name)
          ? { digest: fetchDigest({ versions: TARGETS.postgresql, former: FORMER }), kept: PACKAGES }
          : { digest: '', kept: [] },
        [PACKAGE_OFFERS.id]: {
          packages: { 'postgresql-17': offers[name] ?? known, 'postgresql-client-17': offers[name] ?? known },
          ...(stale === undefined ? {} : { stale }),
        },
      },
    ];
  });
  return runSeen(inventory, { ...patroni, more: Object.fromEntries(more) }, options, { done });
}

const steps = (scene: Scene): string[] => update.remaining(run(scene)).steps.map(({ id }) => id);
const objection = (scene: Scene): string | undefined => update.guards?.(run(scene))[0]?.message;

describe('the steps of an update', () => {
  it('download everywhere, then standbys, then the former leader once another member leads', () => {
    expect(steps({})).toEqual([
      'download',
      'install-pg2',
      'restart-pg2',
      'install-pg3',
      'restart-pg3',
      'hand-over',
      'follow',
      'install-pg1',
      'restart-pg1',
    ]);
  });

  it.each<{ title: string; scene: Scene; left: string[] }>([
    {
      title: 'a host that has the packages and runs the old version is restarted first',
      scene: { installed: { pg2: NEW }, old: ['pg2'], fetched: NAMES },
      left: ['restart-pg2', 'install-pg3', 'restart-pg3', 'hand-over', 'follow', 'install-pg1', 'restart-pg1'],
    },
    {
      title: 'after the switchover the former leader is a standby like others',
      scene: { installed: { pg2: NEW, pg3: NEW }, fetched: NAMES, patroni: { leader: 'pg2' } },
      left: ['install-pg1', 'restart-pg1'],
    },
    {
      title: 'all must stream from the new leader before',
      scene: { installed: { pg2: NEW, pg3: NEW }, fetched: NAMES, patroni: { leader: 'pg2' }, done: ['hand-over'] },
      left: ['follow', 'install-pg1', 'restart-pg1'],
    },
    {
      title: 'a package that is not wholly installed is installed again',
      scene: { installed: { pg2: undefined, pg3: NEW, pg1: NEW }, fetched: NAMES },
      left: ['install-pg2', 'restart-pg2'],
    },
    {
      title: 'nothing is left where all run the new version',
      scene: { installed: { pg1: NEW, pg2: NEW, pg3: NEW } },
      left: [],
    },
    {
      title: 'where nobody can take over, the leader is updated where it is',
      scene: {
        installed: { pg2: NEW, pg3: NEW },
        fetched: NAMES,
        patroni: { listed: { pg2: { tags: { nofailover: true } }, pg3: { tags: { nofailover: true } } } },
      },
      left: ['install-pg1', 'restart-pg1'],
    },
  ])('$title', ({ scene, left }) => {
    expect(steps(scene)).toEqual(left);
  });
});

describe('what an update chooses', () => {
  const chosen = (scene: Scene): UpdateOptions | undefined => update.choose?.(run({ options: { packages: 'postgresql' }, ...scene }));

  it('is the newest that each host is offered, with what it has now', () => {
    expect(chosen({})).toMatchObject({ targets: { pg2: TARGETS }, former: { pg2: FORMER } });
  });

  it('is the version that was named, by its number alone', () => {
    const offers = Object.fromEntries(NAMES.map((name) => [name, offer('17.4-1', [NEW, OLD, '17.4-1'])]));
    expect(chosen({ offers, options: { to: '17.5' } })?.targets?.['pg1']).toEqual({
      postgresql: { 'postgresql-17': OLD, 'postgresql-client-17': OLD },
    });
  });

  it('leaves a host alone that has what is wanted', () => {
    expect(chosen({ installed: { pg3: NEW } })?.former?.['pg3']).toEqual({});
  });
});

describe('the guards of an update', () => {
  const given = { packages: 'postgresql' };

  it.each<{ title: string; scene: Scene; says: string | undefined }>([
    { title: 'all is well', scene: {}, says: undefined },
    { title: 'lists are old', scene: { stale: 'E: no network' }, says: 'the package lists of pg1 could not be refreshed: E: no network' },
    {
      title: 'no repository has the version',
      scene: { options: { to: '17.9' } },
      says: 'the repositories of pg1 do not offer postgresql-17 17.9',
    },
    {
      title: 'the version is older',
      scene: { installed: { pg1: NEW, pg2: NEW, pg3: NEW }, options: { to: '17.5' } },
      says: `pg1 has postgresql-17 ${NEW}, which is newer than ${OLD}`,
    },
    {
      title: 'a package is on hold',
      scene: { offers: { pg2: { ...offer(OLD, [NEW, OLD]), held: true } } },
      says: 'on pg2 postgresql-17 and postgresql-client-17 are on hold',
    },
    {
      title: 'repositories differ',
      scene: { offers: { pg3: offer(OLD, [OLD]) } },
      says: `the repositories of pg1 lead to postgresql-17 ${NEW}, and those of pg3 to ${OLD}`,
    },
    {
      title: 'settings wait for a restart',
      scene: { patroni: { own: { pg2: { pendingRestart: true } } } },
      says: 'PostgreSQL on pg2 waits for a restart that brings settings, which would come with the new version',
    },
    {
      title: 'maintenance mode',
      scene: { patroni: { config: { pause: true } } },
      says: 'the cluster is in maintenance mode, in which Patroni leaves the members alone',
    },
    {
      title: 'a standby does not stream',
      scene: { patroni: { own: { pg3: null }, listed: { pg3: { state: 'stopped' } } } },
      says: 'pg3 does not stream from pg1: its Patroni does not answer; while one member is down no other one is restarted',
    },
  ])('$title', ({ scene, says }) => {
    expect(objection({ options: given, ...scene })).toBe(says);
  });

  it.each([
    [{ packages: 'postgres' }, '--packages knows no postgres'],
    [{ to: '4.0.7', packages: 'patroni,etcd' }, '--to is the version of one program'],
  ])('%j', (options, says) => {
    expect(update.problems?.({ inventory, options, catalog: [], chosenHosts: undefined } as never)[0]?.message).toBe(says);
  });

  it('has nothing to do with an inventory without a server', async () => {
    const none = await inventoryOf('cluster: demo\nroles: [base]\nhosts:\n  pg1: 10.0.0.1\n');
    const [found] = update.problems?.({ inventory: none, options: {}, catalog: [], chosenHosts: undefined } as never) ?? [];
    expect(found?.message).toBe('no host of demo has the role postgresql');
  });
});

describe('versions in the inventory', async () => {
  const pinned = await inventoryOf(`${THREE}postgresql: {minor: "17.5"}\n`);
  const pinnedRun = (options: UpdateOptions): OperationRun<UpdateOptions> => ({ ...run({ options }), inventory: pinned });

  it('refuse another one on the command line', () => {
    const said = (to: string): string | undefined =>
      update.problems?.({ inventory: pinned, options: { to }, catalog: [], chosenHosts: undefined } as never)[0]?.message;
    expect(said('17.6')).toBe('the inventory has PostgreSQL in version 17.5, and --to says 17.6');
    expect([said('17.5'), said('17.5-1')]).toEqual([undefined, undefined]);
  });

  it('must be of the major version', async () => {
    await expect(inventoryOf(`${THREE}postgresql: {minor: "16.3"}\n`)).rejects.toThrow('16.3 is no minor version of PostgreSQL 17');
    await expect(inventoryOf(`${THREE}postgresql: {minor: 17.10}\n`)).rejects.toThrow('must be numbers with dots');
  });

  it('are what is installed on a new host', () => {
    const context = contextOf(pinned, 'pg1');
    const installs = CATALOG.filter(({ name }) => context.host.roles.includes(name)).flatMap((role) => role.install?.(context) ?? []);
    expect(Object.assign({}, ...installs.map(({ versions }) => versions))).toEqual({
      'postgresql-17': '17.5',
      'postgresql-client-17': '17.5',
    });
  });

  it('are named where nothing is left to do', () => {
    expect(update.nothing?.(pinnedRun({ packages: 'postgresql' }))).toBe('PostgreSQL 17.5 runs, as the inventory says');
    expect(update.nothing?.(pinnedRun({}))).toBe(
      'PostgreSQL 17.5 runs, as the inventory says; everything else is as new as the repositories have it, and runs',
    );
  });

  it('are what an update goes to', () => {
    const context = (host: string): ReturnType<typeof contextOf> => contextOf(pinned, host);
    const chosen = update.choose?.({ ...pinnedRun({ packages: 'postgresql' }), contextOf: context });
    expect(chosen?.targets?.['pg2']).toEqual({ postgresql: { 'postgresql-17': OLD, 'postgresql-client-17': OLD } });
  });
});

describe('packages on hold in the inventory', async () => {
  const holding = await inventoryOf(`${THREE}base: {hold_packages: true}\n`);
  const held = Object.fromEntries(NAMES.map((name) => [name, { ...offer(OLD, [NEW, OLD]), held: true as const }]));

  it('are brought on by an update, which refuses them where somebody else has put them there', () => {
    const seen = run({ options: { packages: 'postgresql' }, offers: held });
    expect(update.guards?.(seen)[0]?.message).toContain('on hold');
    expect(update.guards?.({ ...seen, inventory: holding, contextOf: (host) => contextOf(holding, host) })).toEqual([]);
  });

  it('are put on hold again where an update was cut off before that', () => {
    const seen = run({ installed: { pg1: NEW, pg2: NEW, pg3: NEW } });
    const left = update.remaining({ ...seen, inventory: holding, contextOf: (host) => contextOf(holding, host) }).steps;
    expect(left[0]).toMatchObject({ id: 'hold-pg2', title: 'put postgresql-17, postgresql-client-17 on hold again on pg2' });
  });

  it('are held by a stage of every role whose program they bring, and by none where nothing is said', () => {
    const stages = (inventory: typeof holding): string[] =>
      CATALOG.filter(({ name }) => contextOf(inventory, 'pg1').host.roles.includes(name)).flatMap((role) =>
        role.stages(contextOf(inventory, 'pg1')).flatMap((stage) => (stage.name === 'hold' ? stage.resources.map(({ id }) => id) : [])),
      );
    expect(stages(holding).sort()).toEqual(['packages-on-hold:etcd', 'packages-on-hold:patroni', 'packages-on-hold:postgresql']);
    expect(stages(inventory)).toEqual([]);
  });
});

describe('the way back of an update', () => {
  const back = (scene: Scene): string[] => (update.back?.(run({ fetched: NAMES, ...scene })) ?? []).map(({ id }) => id);

  it.each<{ title: string; scene: Scene; steps: string[] }>([
    { title: 'is none where nothing was touched', scene: {}, steps: [] },
    { title: 'is none for a host that works', scene: { installed: { pg2: NEW } }, steps: [] },
    {
      title: 'is taken where PostgreSQL does not start',
      scene: { installed: { pg2: NEW }, patroni: { own: { pg2: { state: 'start failed' } } } },
      steps: ['return-pg2'],
    },
    {
      title: 'is taken where Patroni does not answer',
      scene: { installed: { pg2: NEW }, patroni: { own: { pg2: null } } },
      steps: ['return-pg2'],
    },
    { title: 'is taken where half is installed', scene: { installed: { pg2: undefined } }, steps: ['return-pg2'] },
    { title: 'is none where no file was kept', scene: { installed: { pg2: undefined }, fetched: [] }, steps: [] },
    {
      title: 'is taken where Patroni tries again to start it',
      scene: { installed: { pg2: NEW }, patroni: { own: { pg2: { state: 'starting' } } } },
      steps: ['return-pg2'],
    },
  ])('$title', ({ scene, steps }) => {
    expect(back(scene)).toEqual(steps);
  });
});

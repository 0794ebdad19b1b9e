import { describe, expect, it } from 'vitest';
import recover from '../../src/operations/recover.js';
import type { RecoverOptions } from '../../src/operations/shared/recover/seen.js';
import { DATA_BESIDE } from '../../src/resources/data-beside.js';
import { DATA_OWNERSHIP } from '../../src/resources/data-ownership.js';
import { ETCD_MEMBER } from '../../src/resources/etcd/member.js';
import { ETCD_RUNNING } from '../../src/resources/etcd/running.js';
import { PATRONI_TAKEN } from '../../src/resources/patroni/taken.js';
import { fileHandle } from '../../src/resources/files/path.js';
import { RUNNING, type PatroniFile } from '../../src/resources/running.js';
import { enabledHandle } from '../../src/resources/service.js';
import { START_TRIAL, type FailingSetting } from '../../src/resources/start-trial.js';
import { STORE_WRITES } from '../../src/resources/store-writes.js';
import { WAL_KEPT } from '../../src/resources/wal-kept.js';
import { inventoryOf, THREE } from '../support/inventory.js';
import { madeUp, type Made } from './made-up-run.js';

const inventory = await inventoryOf(THREE);
const ALL = ['pg1', 'pg2', 'pg3'];

const steps = (made: Made<RecoverOptions>): string[] =>
  recover
    .remaining(madeUp(inventory, { done: ['snapshot'], ...made }))
    .steps.map((step) => `${step.id} ${'on' in step ? step.on.join() : ''}`.trim());
const objection = (made: Made<RecoverOptions>): string | undefined => recover.guards?.(madeUp(inventory, made))[0]?.message.split('\n')[0];

const at = (timeline: number, lastRecord: string, clusterState = 'shut down in recovery') => ({
  clusterState,
  position: { timeline, checkpoint: lastRecord, nextOid: 1, lastRecord },
});

/** Patroni runs on all members, PostgreSQL on none, pg2 has the last commits. */
const DOWN: Made<RecoverOptions> = {
  leader: null,
  own: Object.fromEntries(ALL.map((name) => [name, { state: 'start failed' }])),
  data: {
    pg1: { running: false, ...at(3, '0/5000028') },
    pg2: { running: false, ...at(4, '0/5000400', 'shut down') },
    pg3: { running: false, ...at(4, '0/5000100') },
  },
};
const STOPPED: Made<RecoverOptions> = { ...DOWN, stopped: ALL, disabled: ALL };
const START = ['start-first pg2', 'start-others pg1,pg3', 'follow pg2'];

const failing = (settings: readonly Partial<FailingSetting>[]): ReadonlyMap<string, unknown> => {
  const all = settings.map((setting) => ({
    name: 'shared_buffers',
    value: '500GB',
    file: 'postgresql.conf',
    says: 'no memory',
    ...setting,
  }));
  return new Map<string, unknown>([
    [START_TRIAL.id, { asked: true, objections: all.map(({ says }) => ({ message: says })), settings: all }],
  ]);
};
const onAll = (states: ReadonlyMap<string, unknown>): Record<string, ReadonlyMap<string, unknown>> =>
  Object.fromEntries(ALL.map((name) => [name, states]));
const etcd = (hasData: boolean): ReadonlyMap<string, unknown> => new Map([[ETCD_MEMBER.id, { healthy: false, members: [], hasData }]]);
const stoppedEtcd = (hasData: boolean): ReadonlyMap<string, unknown> =>
  new Map([...etcd(hasData), [ETCD_RUNNING.id, { process: undefined }]]);
const withoutWal: ReadonlyMap<string, unknown> = new Map([[ETCD_MEMBER.id, { healthy: false, members: [], hasData: true, walGone: true }]]);
const SEGMENT = 16 * 1024 * 1024;

/** Of which segment on the members have WAL. */
const kept = (oldest: number): Record<string, ReadonlyMap<string, unknown>> =>
  onAll(new Map([[WAL_KEPT.id, { oldest, segmentBytes: SEGMENT, restores: false }]]));
const patroniYml = (text: string): ReadonlyMap<string, unknown> =>
  new Map([[fileHandle('/etc/patroni/config.yml').id, { type: 'file', content: Buffer.from(text) }]]);
/** What ran on a host last, by its patroni.yml. */
const runsAs = (file: Partial<PatroniFile>): ReadonlyMap<string, unknown> => {
  const dataDirectory = file.dataDirectory ?? '/var/lib/postgresql/17/main';
  const patroniData = { dataDirectory, realDirectory: dataDirectory, version: '17', systemIdentifier: '7', ours: false, clusters: [] };
  const patroniFile = { scope: 'demo', namespace: '', listen: '', restListen: '', connectAddress: '', ...file };
  return new Map([[RUNNING.id, { wantedDirectory: '', postmasters: [], databases: [], patroniFile, patroniData }]]);
};
/** As seen at the start. */
const putOff: ReadonlyMap<string, unknown> = new Map([[enabledHandle('patroni').id, { enabled: false, runs: true, putOff: true }]]);
const BUFFERS = { postgresql: { parameters: { shared_buffers: '500GB', work_mem: '13MB' } } };

const TAGGED_FILE = patroniYml('scope: demo\nname: pg1\npostgresql: {}\ntags: {nofailover: true}\n');
/** PostgreSQL runs on all members, and the tags that hands gave them keep each from leading. */
const HELD: Made<RecoverOptions> = {
  leader: null,
  listed: Object.fromEntries(ALL.map((name) => [name, { tags: { nofailover: true } }])),
  data: Object.fromEntries(ALL.map((name) => [name, { running: true, clusterState: 'in archive recovery', position: undefined }])),
  more: onAll(TAGGED_FILE),
};

describe('pgprov recover', () => {
  it.each<{ title: string; made: Made<RecoverOptions>; left: string[] }>([
    { title: 'nothing where all stream', made: {}, left: [] },
    { title: 'stops all first, and starts the member with the last commits alone', made: DOWN, left: ['stop pg1,pg2,pg3', ...START] },
    {
      title: 'has members start at boot again that a run was to stop, and that elected a leader meanwhile',
      made: {
        disabled: ['pg1', 'pg2', 'pg3'],
        more: { pg1: putOff, pg2: putOff },
      },
      left: ['start-at-boot pg1,pg2'],
    },
    {
      title: 'has none start at boot twice',
      made: { more: onAll(putOff) },
      left: [],
    },
    { title: 'stops nothing that is stopped and stays so', made: STOPPED, left: START },
    { title: 'stops one that would start at boot', made: { ...STOPPED, disabled: ['pg1', 'pg2'] }, left: ['stop pg3', ...START] },
    {
      title: 'corrects the store once all are stopped',
      made: { ...DOWN, config: BUFFERS, more: onAll(failing([{}])) },
      left: ['stop pg1,pg2,pg3', 'correct pg2', ...START],
    },
    {
      title: 'corrects nothing that is corrected already, though the files of the last start have it',
      made: { ...STOPPED, config: {}, more: onAll(failing([{}])) },
      left: START,
    },
    {
      title: 'takes what ALTER SYSTEM has set out of its file',
      made: { ...STOPPED, more: { pg3: failing([{ file: 'postgresql.auto.conf' }]) } },
      left: ['correct-system pg3', ...START],
    },
    ...[
      '\n    shared_buffers: "500GB"\n  pg_hba: []',
      '\n    Shared_Buffers: 500GB # as it was told\n  pg_hba: []',
      ' {shared_buffers: 500GB, port: 5432}',
    ].map((parameters) => ({
      title: `writes a patroni.yml that somebody edited: parameters:${parameters}`,
      made: {
        ...STOPPED,
        more: { pg3: new Map([...failing([{}]), ...patroniYml(`scope: demo\nname: pg3\npostgresql:\n  parameters:${parameters}\n`)]) },
      },
      left: ['correct-file pg3', ...START],
    })),
    ...[
      { what: 'is no YAML', file: patroniYml('a: [b\n') },
      { what: 'says nothing of the member', file: patroniYml('restapi: {}\n') },
      { what: 'is gone', file: new Map([[fileHandle('/etc/patroni/config.yml').id, { type: 'absent' }]]) },
    ].map(({ what, file }) => ({
      title: `writes a patroni.yml that ${what}`,
      made: { ...STOPPED, more: { pg3: file } },
      left: ['correct-file pg3', ...START],
    })),
    {
      title: 'writes a patroni.yml that is no YAML of a member that is down beside a leader',
      made: { stopped: ['pg3'], listed: {}, more: { pg3: patroniYml('a: [b\n') } },
      left: ['correct-file pg3', 'start-others pg3', 'follow pg1'],
    },
    ...['nofailover: true', 'failover_priority: 0'].map((tag) => ({
      title: `writes a patroni.yml whose tag ${tag} keeps the member from leading, once all are stopped`,
      made: { ...STOPPED, more: { pg2: patroniYml(`scope: demo\nname: pg2\npostgresql: {}\ntags:\n  ${tag}\n`) } },
      left: ['correct-file pg2', ...START],
    })),
    {
      title: 'stops members that only their tags keep from leading',
      made: HELD,
      left: ['stop pg1,pg2,pg3', 'correct-file pg1,pg2,pg3'],
    },
    {
      title: 'leaves such a tag as it is beside a leader, where apply takes it out',
      made: { stopped: ['pg3'], listed: {}, more: { pg3: TAGGED_FILE } },
      left: ['start-others pg3', 'follow pg1'],
    },
    {
      title: 'leaves a patroni.yml as it is that says nothing of the setting',
      made: {
        ...STOPPED,
        more: { pg1: new Map([...failing([{}]), ...patroniYml('scope: demo\nname: pg1\npostgresql: {}\nshared_buffers: 500GB\n')]) },
      },
      left: START,
    },
    {
      title: 'starts a store that is down',
      made: {
        ...STOPPED,
        registered: null,
        more: onAll(etcd(true)),
      },
      left: ['start-store pg1,pg2,pg3', ...START],
    },
    {
      title: 'makes a new store where too few of its members have data, and gives the scope its identity back',
      made: {
        ...STOPPED,
        registered: null,
        more: { ...onAll(etcd(false)), pg3: etcd(true) },
      },
      left: ['store-aside pg3', 'start-store pg1,pg2,pg3', 'identity pg2', ...START],
    },
    {
      title: 'makes a new store where too few of its members have their WAL',
      made: {
        ...STOPPED,
        registered: null,
        more: { ...onAll(withoutWal), pg3: etcd(true) },
      },
      left: ['store-aside pg1,pg2,pg3', 'start-store pg1,pg2,pg3', 'identity pg2', ...START],
    },
    {
      title: 'starts the members of the store that have their WAL, where these are a quorum',
      made: { ...STOPPED, registered: null, more: { ...onAll(etcd(true)), pg3: withoutWal } },
      left: ['start-store pg1,pg2', ...START],
    },
    {
      title: 'stops a member of the store first that runs though its data is gone',
      made: {
        ...STOPPED,
        registered: null,
        more: { ...onAll(etcd(false)), pg1: new Map([...etcd(false), [ETCD_RUNNING.id, { process: {} }]]), pg3: etcd(true) },
      },
      left: ['stop-store pg1', 'store-aside pg3', 'start-store pg1,pg2,pg3', 'identity pg2', ...START],
    },
    {
      title: 'starts a stopped member of a store that works',
      made: { etcdDown: ['pg3'], more: { pg3: stoppedEtcd(true) } },
      left: ['start-store-member pg3'],
    },
    {
      title: 'starts a stopped member of the store last where nobody leads',
      made: { ...STOPPED, etcdDown: ['pg3'], more: { pg3: stoppedEtcd(true) } },
      left: [...START, 'start-store-member pg3'],
    },
    {
      title: 'starts no member of the store whose data is gone beside others that work',
      made: { etcdDown: ['pg3'], more: { pg3: stoppedEtcd(false) } },
      left: [],
    },
    {
      title: 'gives data back to PostgreSQL',
      made: { ...STOPPED, more: { pg2: new Map([[DATA_OWNERSHIP.id, { misowned: undefined, mode: '755' }]]) } },
      left: ['data-access pg2', ...START],
    },
    {
      title: 'brings a member back that is down beside a leader',
      made: { stopped: ['pg3'], listed: {} },
      left: ['start-others pg3', 'follow pg1'],
    },
    {
      title: 'stops a member beside a leader whose Patroni goes on with what keeps PostgreSQL down, also where its file is right by now',
      made: {
        own: { pg3: { state: 'start failed' } },
        listed: { pg3: { state: 'start failed' } },
        data: { pg3: { running: false } },
        more: { pg3: failing([{}]) },
      },
      left: ['stop-failed pg3', 'start-others pg3', 'follow pg1'],
    },
    {
      title: 'stops members that hold an election where a host is given up',
      made: {
        ...DOWN,
        away: ['pg1'],
        own: { pg3: { state: 'start failed' } },
        data: { ...DOWN.data, pg2: { running: true, clusterState: 'in archive recovery' } },
        options: { without: 'pg1' },
      },
      left: ['stop pg2,pg3'],
    },
    {
      title: 'leaves a member alone that needs WAL which its leader no longer has',
      made: { ...STOPPED, data: { ...STOPPED.data, pg3: at(4, '0/3000028') }, more: kept(5) },
      left: ['start-first pg2', 'start-others pg1', 'follow pg2'],
    },
    {
      title: 'starts one that needs it where the leader has the next segment, or it can restore it',
      made: {
        ...STOPPED,
        data: { ...STOPPED.data, pg3: at(4, '0/3000028') },
        more: { ...kept(5), pg3: new Map([[WAL_KEPT.id, { oldest: 3, segmentBytes: SEGMENT, restores: true }]]) },
      },
      left: START,
    },
    {
      title: 'leaves one alone that needs such WAL beside a leader that works',
      made: { stopped: ['pg3'], data: { pg3: at(4, '0/2000028') }, more: kept(5) },
      left: [],
    },
    {
      title: 'leaves a member with other data alone',
      made: { ...STOPPED, data: { ...STOPPED.data, pg3: { systemIdentifier: '8' } } },
      left: ['start-first pg2', 'start-others pg1', 'follow pg2'],
    },
  ])('$title', ({ made, left }) => expect(steps(made)).toEqual(left));

  it('puts the identity back from the data, and the configuration from the member with the last commits', () => {
    const more = { pg2: new Map([[PATRONI_TAKEN.id, BUFFERS]]), pg1: new Map([[PATRONI_TAKEN.id, {}]]) };
    const run = madeUp(inventory, { done: ['snapshot'], ...STOPPED, more });
    for (const name of ALL) {
      const dcs = run.view.read(name, { id: 'dcs' } as never) as unknown as Record<string, unknown>;
      delete dcs['initialize'];
      delete dcs['config'];
    }
    const [step, ...then] = recover.remaining(run).steps;
    expect(step?.title).toBe(
      'put back into etcd: /service/demo/config, from patroni.dynamic.json of pg2; and /service/demo/initialize, which is the system identifier 7 of the data on pg1, pg2 and pg3',
    );
    expect(then[0]?.id).toBe('start-first');
  });

  it('lets a member lead that lacks what the last leader noted, where that is given up', () => {
    const run = madeUp(inventory, { done: ['snapshot'], ...STOPPED, away: ['pg1'], options: { without: 'pg1' } });
    for (const name of ['pg2', 'pg3']) {
      const dcs = run.view.read(name, { id: 'dcs' } as never) as unknown as Record<string, unknown>;
      dcs['leaderPosition'] = 0x5000400 + 2_000_000;
    }
    const [step, ...then] = recover.remaining(run).steps;
    expect([step?.id, step?.effect]).toEqual(['position', 'at least 2000000 bytes of WAL are lost, with the commits in them']);
    expect(then[0]?.id).toBe('start-first');
  });

  it('saves what there is before anything else, and nothing where there is nothing to do', () => {
    expect(recover.remaining(madeUp(inventory, DOWN)).steps[0]?.id).toBe('snapshot');
    expect(recover.remaining(madeUp(inventory, {})).steps).toEqual([]);
  });

  it('says how sure it is, and what is lost', () => {
    const run = madeUp(inventory, { done: ['snapshot'], ...STOPPED, away: ['pg1'], options: { without: 'pg1' } });
    const [first] = recover.remaining(run).steps;
    expect(first).toMatchObject({ pointOfNoReturn: true });
    expect(first?.effect).toBe(
      'pg2 is on timeline 4, shut down, its last WAL record at 0/5000400; pg3 ends 768 bytes of WAL before it; a new timeline begins, and what another member has beyond it is taken back (pg_rewind); commits that only pg1 may have are lost',
    );
    expect(recover.question?.(run)).toBe('Commits that only pg1 may have are lost. Recover demo?');
  });

  it.each<{ title: string; made: Made<RecoverOptions>; says: string | undefined }>([
    { title: 'all members down', made: DOWN, says: undefined },
    { title: 'all members stopped', made: STOPPED, says: undefined },
    {
      title: 'a host that is off',
      made: { ...DOWN, away: ['pg3'] },
      says: 'nobody leads, and pg3, which cannot be reached, may have the last commits',
    },
    { title: 'a host that is given up', made: { ...DOWN, away: ['pg3'], options: { without: 'pg3' } }, says: undefined },
    {
      title: 'an election',
      made: { ...DOWN, own: {}, data: {} },
      says: 'nobody leads, but PostgreSQL runs on pg1, pg2 and pg3, where Patroni holds an election by itself',
    },
    { title: 'members that only their tags keep from leading', made: HELD, says: undefined },
    {
      title: 'such members beside one that may come up and lead',
      made: {
        ...HELD,
        own: { pg3: { state: 'starting' } },
        data: { ...HELD.data, pg3: { running: false } },
      },
      says: 'nobody leads: the tag nofailover keeps pg1 and pg2 from it',
    },
    {
      title: 'such members beside one that is not tagged',
      made: { ...HELD, listed: { ...HELD.listed, pg3: {} } },
      says: 'nobody leads, but PostgreSQL runs on pg1, pg2 and pg3, where Patroni holds an election by itself',
    },
    {
      title: 'such members, and a host that is off',
      made: { ...HELD, away: ['pg1'] },
      says: 'nobody leads (the tag nofailover keeps pg2 and pg3 from it), and pg1, which cannot be reached, may have the last commits',
    },
    {
      title: 'such members, and such a host that is given up',
      made: { ...HELD, away: ['pg1'], options: { without: 'pg1' } },
      says: undefined,
    },
    {
      title: 'two histories of one timeline',
      made: {
        ...STOPPED,
        data: {
          pg1: { ...at(4, '0/5000400'), history: { timeline: 4, forks: ['3 0/4000000'] } },
          pg2: { ...at(4, '0/5000400'), history: { timeline: 4, forks: ['3 0/4000100'] } },
          pg3: at(3, '0/4000000'),
        },
      },
      says: 'pg1 and pg2 wrote two different histories of timeline 4',
    },
    {
      title: 'data that cannot be read',
      made: { ...STOPPED, data: { ...STOPPED.data, pg3: { control: 'zero' } } },
      says: 'data that may have the last commits cannot be read (pg3: global/pg_control holds zeros only)',
    },
    {
      title: 'such data that is given up',
      made: { ...STOPPED, data: { ...STOPPED.data, pg3: { control: 'zero' } }, options: { without: 'pg3' } },
      says: undefined,
    },
    {
      title: 'data of another cluster alone',
      made: { ...STOPPED, data: Object.fromEntries(ALL.map((name) => [name, { systemIdentifier: '8' }])) },
      says: 'etcd knows demo with system identifier 7, and no member has data of it',
    },
    {
      title: 'a member whose WAL cannot be read',
      made: {
        ...STOPPED,
        data: { ...STOPPED.data, pg3: { position: { timeline: 4, checkpoint: '0/5', nextOid: 1, lastRecord: undefined } } },
      },
      says: 'it is unknown which member has the last commits: it is unknown how far the WAL of pg3 goes',
    },
    {
      title: 'an inventory with another data directory than a member has',
      made: { ...STOPPED, more: { pg3: runsAs({ dataDirectory: '/srv/pg' }) } },
      says: 'pg3: postgresql.data_dir is /var/lib/postgresql/17/main, but the database is in /srv/pg',
    },
    {
      title: 'maintenance mode',
      made: { ...DOWN, config: { pause: true } },
      says: 'the cluster is in maintenance mode, in which Patroni starts no PostgreSQL that is down',
    },
    {
      title: 'maintenance mode with a leader, and a standby that is down',
      made: {
        config: { pause: true },
        own: { pg3: { state: 'stopped' } },
        data: { pg3: { running: false } },
        listed: { pg3: { state: 'stopped' } },
      },
      says: 'the cluster is in maintenance mode, in which Patroni starts no PostgreSQL that is down, as on pg3',
    },
    { title: 'maintenance mode in which all stream', made: { config: { pause: true } }, says: undefined },
    {
      title: 'a server that no setting keeps down',
      made: { ...STOPPED, more: { pg1: new Map([[START_TRIAL.id, { asked: true, objections: [{ message: 'no' }], settings: [] }]]) } },
      says: 'PostgreSQL does not start, and no setting of Patroni’s is the reason:',
    },
    {
      title: 'a full disk of the member with the last commits',
      made: { ...STOPPED, more: { pg2: new Map([[WAL_KEPT.id, { oldest: 5, segmentBytes: SEGMENT, restores: false, free: 4096 }]]) } },
      says: 'pg2 has the last commits, and the file system of its WAL is full (4 KiB free), so PostgreSQL cannot start there',
    },
    {
      title: 'a store that takes no writes',
      made: { ...STOPPED, more: onAll(new Map([[STORE_WRITES.id, { asked: true, refused: 'etcdserver: request timed out' }]])) },
      says: 'etcd answers on pg1 and takes no writes ("etcdserver: request timed out"), so no member could take the lead',
    },
    {
      title: 'a store of which one member takes writes',
      made: {
        ...STOPPED,
        more: {
          pg1: new Map([[STORE_WRITES.id, { asked: true, refused: 'etcdserver: request timed out' }]]),
          pg2: new Map([[STORE_WRITES.id, { asked: true, refused: undefined }]]),
        },
      },
      says: undefined,
    },
    {
      title: 'a store without enough members',
      made: { ...STOPPED, registered: null, etcdDown: ALL, away: ['pg3'], options: { without: 'pg3' } },
      says: 'etcd has no quorum: 2 of its members on pg1, pg2 and pg3 are needed with their data, and none of those that can be reached has any',
    },
  ])('decides about $title', ({ made, says }) => expect(objection(made)).toBe(says));

  it('refuses an inventory that lets no member lead, before anything is stopped', async () => {
    const own = await inventoryOf(`${THREE}\npatroni: {tags: {nofailover: true}}\n`);
    const refused = (made: Made<RecoverOptions>): string | undefined => recover.guards?.(madeUp(own, made))[0]?.message;
    const says = 'nobody leads, and the tags that the inventory gives keep pg1, pg2 and pg3 from it';
    expect([HELD, STOPPED].map(refused)).toEqual([says, says]);
    expect(refused({})).toBeUndefined();
  });

  it('says of a cluster of which no host can be reached that nothing is known, and not whom to go on without', () => {
    const [found] = recover.guards?.(madeUp(inventory, { leader: null, registered: null, away: ALL })) ?? [];
    expect([found?.kind, found?.message]).toEqual([
      'unreachable',
      'none of the hosts pg1, pg2 and pg3 could be reached, so nothing is known of the cluster',
    ]);
    expect(found?.hint).not.toContain('--without');
  });

  it('says of data that was put aside where it is, and what finishes a restore that did that', () => {
    const hint = (made: Made<RecoverOptions>): string => recover.guards?.(madeUp(inventory, made))[0]?.hint ?? '';
    const gone = { kind: 'absent' } as never;
    const beside = '/var/lib/postgresql/17/main.aside-20261129T010000';
    const more = onAll(new Map<string, unknown>([...putOff, [DATA_BESIDE.id, beside]]));
    const one = hint({ ...STOPPED, data: { ...STOPPED.data, pg3: gone }, more: { pg3: more['pg3'] as ReadonlyMap<string, unknown> } });
    expect(one).toContain(`What was put aside last is in ${beside} on pg3`);
    expect(one).toContain(`finish it on the machine that began it (\`pgprov restore ${inventory.file}\`)`);
    expect(one).toContain('--without pg3');
    // Without any data there is nothing to go on with.
    const all = hint({ ...STOPPED, data: Object.fromEntries(ALL.map((name) => [name, gone])), more });
    expect(all).toContain(`${beside} on pg1, ${beside} on pg2 and ${beside} on pg3`);
    expect(all).not.toContain('--without');
    expect(hint({ ...STOPPED, data: { ...STOPPED.data, pg3: gone }, more: { pg3: putOff } })).toContain('is its file system mounted?');
  });

  it('says how one goes on without a member whose WAL cannot be read', () => {
    const position = { timeline: 4, checkpoint: '0/5', nextOid: 1, lastRecord: undefined };
    const made = { ...STOPPED, data: { ...STOPPED.data, pg3: { position } } };
    expect(recover.guards?.(madeUp(inventory, made))[0]?.hint).toBe(
      `nothing was changed: repair it; or go on without what only pg3 may have, with its data kept aside: \`mv /var/lib/postgresql/17/main /var/lib/postgresql/17/main.unread\`, as root on pg3; then \`pgprov recover ${inventory.file} --without pg3\``,
    );
  });

  it('refuses an inventory with another scope than the members have, which it would make a second time', async () => {
    const own = await inventoryOf(`${THREE}\npatroni: {scope: other}\n`);
    const made: Made<RecoverOptions> = { ...STOPPED, registered: null, more: onAll(runsAs({})) };
    expect(recover.guards?.(madeUp(own, made))[0]?.message).toMatch(/^pg1, pg2 and pg3: patroni\.scope is other.*says demo$/u);
  });

  it('waits for what gets further, however long it takes: WAL that is replayed, and an election', () => {
    const settles = (made: Made<RecoverOptions>): unknown => recover.guards?.(madeUp(inventory, made))[0]?.settles;
    const replaying = (file: string): Made<RecoverOptions> => ({
      ...DOWN,
      own: { ...DOWN.own, pg2: { state: 'starting' } },
      data: { ...DOWN.data, pg2: { running: true, clusterState: 'in crash recovery', replays: file } },
    });
    expect(settles(replaying('000000040000000000000005'))).toMatchObject({
      within: 300,
      moves: new Map([['pg2', 'PostgreSQL on pg2 recovers from a crash, replaying WAL file 000000040000000000000005']]),
    });
    expect(settles({ ...DOWN, own: {}, data: {} })).toMatchObject({ within: 40, moves: new Map([['', 'Patroni elects a leader']]) });
    // Where no Patroni runs, nothing tells that it gets further.
    expect(settles({ ...replaying('000000040000000000000005'), stopped: ALL })).toBe(true);
  });

  it('takes the inventory’s value, and refuses where that is the wrong one', async () => {
    const own = await inventoryOf(`${THREE}\npostgresql: {parameters: {shared_buffers: 64MB}}\n`);
    const made: Made<RecoverOptions> = { ...STOPPED, config: BUFFERS, more: onAll(failing([{}])) };
    expect(recover.remaining(madeUp(own, { done: ['snapshot'], ...made })).steps[0]?.title).toBe(
      'correct the dynamic configuration in etcd: shared_buffers = 500GB becomes 64MB, as the inventory says',
    );
    const wrong = await inventoryOf(`${THREE}\npostgresql: {parameters: {shared_buffers: 500GB}}\n`);
    expect(recover.guards?.(madeUp(wrong, made))[0]?.message).toContain('the inventory itself gives what PostgreSQL does not start with');
  });

  it('names what is left for a person to do, each with its command, and leaves nothing where all is well or was given up', () => {
    const left = (made: Made<RecoverOptions>): unknown[] =>
      (recover.leaves?.(madeUp(inventory, made)) ?? []).map(({ kind, message, hint, settles }) =>
        [kind, message, hint, settles].filter(Boolean),
      );
    expect(left({})).toEqual([]);
    expect(left({ away: ['pg3'] })).toEqual([
      [
        'unreachable',
        'pg3 could not be reached, so it is as it was',
        `switch it on and run \`pgprov recover ${inventory.file}\` again, which brings it back where it does not come up by itself`,
      ],
    ]);
    expect(left({ away: ['pg3'], options: { without: 'pg3' } })).toEqual([]);
    expect(left({ own: { pg3: { state: 'stopped' } }, data: { pg3: { running: false, systemIdentifier: '99' } } })).toEqual([
      [
        'preflight',
        'pg3 is left as it is: it has data of another cluster (system identifier 99)',
        `\`pgprov rebuild ${inventory.file} --host pg3\` copies the leader’s data to it`,
      ],
    ]);
    const late = ['preflight', 'etcd on pg3 does not work', `\`pgprov doctor ${inventory.file}\` says why`];
    expect(left({ etcdDown: ['pg3'], more: { pg3: etcd(false) } })).toEqual([late]);
    // One with its data may be coming up.
    expect(left({ etcdDown: ['pg3'], more: { pg3: etcd(true) } })).toEqual([[...late, true]]);
  });

  it('says of a cluster that all its members stream only where all can be reached', () => {
    const nothing = (made: Made<RecoverOptions>): string | undefined => recover.nothing?.(madeUp(inventory, made));
    expect(nothing({})).toBe('pg1 leads, and all members stream from it');
    expect(nothing({ away: ['pg3'] })).toBe('pg1 leads, and the others that can stream do so from it');
  });

  it('says of members that it has stopped, and of no others, that they stay down when their hosts boot', async () => {
    const end = { touched: false, desk: undefined as never };
    const goesOn = `Nothing was deleted; \`pgprov recover ${inventory.file}\` goes on from what is there`;
    expect(await recover.broken?.(madeUp(inventory, { ...DOWN, stopped: ALL }), end)).toBe(goesOn);
    expect(await recover.broken?.(madeUp(inventory, STOPPED), end)).toBe(
      `Patroni is stopped on pg1, pg2 and pg3 and stays so, also when the hosts boot. ${goesOn}`,
    );
  });

  it('knows the hosts that it is to go on without', () => {
    const { inventory: own, catalog, kept } = madeUp(inventory);
    const start = { inventory: own, catalog, kept, chosenHosts: undefined, options: { without: 'pg1,pg9' } };
    expect(recover.problems?.(start)[0]?.message).toContain('pg9');
  });
});

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import type { Inventory } from '../../src/model/index.js';
import { rocky9 } from '../../src/platform/el.js';
import { debian13 } from '../../src/platform/debian.js';
import { View } from '../../src/plan/view.js';
import { DATA_DIRECTORY, type DataDirectoryState } from '../../src/resources/data-directory.js';
import { DCS, type DcsState } from '../../src/resources/dcs.js';
import { ETCD_MEMBER, type EtcdMemberState } from '../../src/resources/etcd/member.js';
import type { PathState } from '../../src/resources/files/path.js';
import { HOST_FACTS } from '../../src/resources/host-facts.js';
import { INTERRUPTED_BOOTSTRAP, type BootstrapState } from '../../src/resources/interrupted-bootstrap.js';
import { RUNNING } from '../../src/resources/running.js';
import { PATRONI_MEMBER } from '../../src/resources/patroni/member.js';
import { UNAPPROVED_DATA, type UnapprovedData } from '../../src/resources/restore/unapproved-data.js';
import type { UnitInForce } from '../../src/resources/unit-in-force.js';
import { inventoryOf, MATERIAL, THREE } from '../support/inventory.js';

type Seen = Record<string, Record<string, unknown>>;

const three = await inventoryOf(THREE);
const alone = await inventoryOf('cluster: one\nroles: [base, pgdg, postgresql, replication]\nhosts: {db: {address: 192.0.2.1}}\n');

const DEBIAN = { os: 'debian', version: '13', memory: 8 * 1024 ** 3 };
const ROCKY8 = { ...DEBIAN, os: 'rocky', version: '8.10' };
const ROCKY9 = { ...DEBIAN, os: 'rocky', version: '9.4' };
const on = (facts: object, states: object = {}): Record<string, unknown> => ({ [HOST_FACTS.id]: facts, ...states });

const viewOf = (seen: Seen, inventory: Inventory = three): View =>
  new View(
    inventory,
    new Map(Object.entries(seen).map(([host, states]) => [host, new Map(Object.entries({ [HOST_FACTS.id]: DEBIAN, ...states }))])),
  );

/** `refuse pg1: …` of a role's guards. */
function guards(name: string, seen: Seen, inventory?: Inventory): string[] {
  const view = viewOf(seen, inventory);
  const role = CATALOG.find((candidate) => candidate.name === name);
  return (role?.guards?.(view, MATERIAL) ?? []).map(({ kind, host, message }) => `${kind} ${host ?? 'all'}: ${message}`);
}

function preflight(name: string, seen: Seen, inventory?: Inventory): string[] {
  const role = CATALOG.find((candidate) => candidate.name === name);
  return (role?.preflight?.(viewOf(seen, inventory)) ?? []).map(({ kind, host, message }) => `${kind} ${host ?? 'all'}: ${message}`);
}

function checks(name: string, seen: Seen, inventory?: Inventory): string[] {
  const role = CATALOG.find((candidate) => candidate.name === name);
  return (role?.checks?.(viewOf(seen, inventory)) ?? []).map(
    ({ ok, title, host, detail }) => `${ok ? 'ok' : 'NO'} ${host ?? 'all'}: ${title} (${detail})`,
  );
}

const cluster = (systemIdentifier: string | undefined, rest: object = {}): DataDirectoryState =>
  ({
    kind: 'cluster',
    version: '17',
    systemIdentifier,
    checksums: 1,
    clusterState: 'in production',
    copy: 'none',
    ours: false,
    control: systemIdentifier === undefined ? 'missing' : 'valid',
    running: false,
    position: undefined,
    history: undefined,
    misowned: undefined,
    ...rest,
  }) as DataDirectoryState;
const store = (rest: Partial<Extract<DcsState, { reachable: true }>> = {}): DcsState => ({
  reachable: true,
  initialize: undefined,
  leader: undefined,
  members: [],
  config: undefined,
  ...rest,
});
const down: DcsState = { reachable: false, why: 'x' };
const etcd = (rest: Partial<EtcdMemberState> = {}): EtcdMemberState => ({
  healthy: true,
  members: [],
  requiresClientCertificate: true,
  hasData: true,
  ...rest,
});

describe('patroni’s guards', () => {
  const all = (state: object): Seen => ({ pg1: { ...state }, pg2: { ...state }, pg3: { ...state } });
  const scene = (dcs: DcsState, data: Record<string, DataDirectoryState>, member: EtcdMemberState = etcd()): Seen =>
    Object.fromEntries(
      ['pg1', 'pg2', 'pg3'].map((host) => [
        host,
        { [DCS.id]: dcs, [ETCD_MEMBER.id]: member, [DATA_DIRECTORY.id]: data[host] ?? { kind: 'absent' } },
      ]),
    );

  it.each<{ title: string; seen: Seen; objections: string[] }>([
    { title: 'no observations', seen: all({}), objections: [] },
    { title: 'a new cluster', seen: scene(down, {}, etcd({ hasData: false, healthy: false })), objections: [] },
    { title: 'a new cluster, etcd up', seen: scene(store(), {}), objections: [] },
    {
      title: 'a running cluster',
      seen: scene(store({ initialize: '7', leader: 'pg1' }), { pg1: cluster('7'), pg2: cluster('7') }),
      objections: [],
    },
    { title: 'a cluster that is down', seen: scene(store({ initialize: '7' }), { pg2: cluster('7') }), objections: [] },
    {
      title: 'data that a new etcd cannot know',
      seen: scene(down, { pg2: cluster('9') }, etcd({ hasData: false })),
      objections: [
        'refuse pg2: pg2: the data directory holds a PostgreSQL cluster (system identifier 9) that etcd does not know as this cluster’s',
      ],
    },
    { title: 'data, and an etcd with data that is down', seen: scene(down, { pg1: cluster('9'), pg2: cluster('9') }), objections: [] },
    {
      title: 'two databases, etcd down',
      seen: scene(down, { pg1: cluster('7'), pg3: cluster('9') }),
      objections: [
        'refuse all: pg1 holds a cluster with system identifier 7, pg3 one with 9\n  pg1: system identifier 7\n  pg3: system identifier 9',
      ],
    },
    {
      title: 'data of a scope that etcd does not know',
      seen: scene(store(), { pg1: cluster('9') }),
      objections: [
        'refuse pg1: pg1: the data directory holds a PostgreSQL cluster (system identifier 9) that etcd does not know as this cluster’s',
      ],
    },
    {
      title: 'another database’s data',
      seen: scene(store({ initialize: '7', leader: 'pg1' }), { pg1: cluster('7'), pg3: cluster('9') }),
      objections: ['refuse pg3: pg3 holds a cluster with system identifier 9, but etcd knows demo as 7'],
    },
    // The host itself fails over it, see sound-data.test.ts.
    {
      title: 'a replica’s data that cannot be read',
      seen: scene(store({ initialize: '7', leader: 'pg1' }), { pg1: cluster('7'), pg3: cluster(undefined) }),
      objections: [],
    },
    {
      title: 'lost data',
      seen: scene(store({ initialize: '7' }), {}),
      objections: [
        'refuse all: etcd knows the cluster demo with system identifier 7, but it has no leader and none of the hosts has its data',
      ],
    },
    { title: 'no data here, but a leader somewhere', seen: scene(store({ initialize: '7', leader: 'pg9' }), {}), objections: [] },
    {
      title: 'lost data, as far as two of three hosts tell',
      seen: { pg1: { [DCS.id]: store({ initialize: '7' }) }, pg2: { [DCS.id]: store({ initialize: '7' }) } },
      objections: [],
    },
    {
      title: 'a member of the same name elsewhere',
      seen: scene(
        store({
          initialize: '7',
          leader: 'pg1',
          members: [
            { name: 'pg1', connUrl: 'postgres://10.0.0.1:5432/postgres', state: 'running', role: 'primary' },
            { name: 'pg2', connUrl: 'postgres://10.9.9.9:5432/postgres', state: 'running', role: 'replica' },
            { name: 'pg3', connUrl: '', state: '', role: '' },
          ],
        }),
        {},
      ),
      objections: ['refuse pg2: the cluster already has a member pg2, at 10.9.9.9:5432; the inventory has it at 10.0.0.2:5432'],
    },
  ])('decide in this case: $title', ({ seen, objections }) => expect(guards('patroni', seen)).toEqual(objections));

  const member = (name: string, scope = 'demo', facts: object = DEBIAN): Record<string, unknown> => ({
    [HOST_FACTS.id]: facts,
    [`file:${facts === ROCKY9 ? '/etc/patroni/patroni.yml' : '/etc/patroni/config.yml'}`]: {
      type: 'file',
      owner: 'postgres',
      group: 'postgres',
      mode: '0600',
      content: Buffer.from(`# Managed by pgprov: x\nscope: ${scope}\nname: ${name}\n`),
    } satisfies PathState,
  });
  const wal = (clusterState: string, timeline: number, lastRecord: string | undefined, rest: object = {}): DataDirectoryState =>
    cluster('7', { clusterState, position: { timeline, checkpoint: lastRecord ?? '0/1', nextOid: 20_000, lastRecord }, ...rest });
  const active = (state: string): object => ({ 'service:patroni': { active: state } });
  /** Patroni runs there, and answers with this state of its PostgreSQL. */
  const answering = (state: string): object => ({
    ...active('active'),
    [PATRONI_MEMBER.id]: { answers: true, role: 'replica', state, cluster: [] },
  });
  const up = (data: DataDirectoryState): DataDirectoryState => ({ ...data, running: true }) as DataDirectoryState;
  const HALTED = { 'halted:patroni': { due: true } };
  const at = (data: DataDirectoryState, rest: object = {}): object => ({ ...member('x'), [DATA_DIRECTORY.id]: data, ...rest });
  const three = (dcs: DcsState, ...states: readonly object[]): Seen =>
    Object.fromEntries(states.map((state, index) => [`pg${index + 1}`, { ...state, [DCS.id]: dcs, [ETCD_MEMBER.id]: etcd() }]));

  /** The whole of what is refused, with the advice. */
  const refusals = (seen: Seen): string[] => {
    const role = CATALOG.find(({ name }) => name === 'patroni');
    return (role?.guards?.(viewOf(seen), MATERIAL) ?? []).map(({ message, hint }) => `${message}\n→ ${hint}`);
  };

  const LAST = wal('shut down', 3, '0/9');
  const BEHIND = wal('shut down in recovery', 3, '0/8');

  it.each<{ title: string; seen: Seen; says: (RegExp | string)[] }>([
    { title: 'all stopped, the last known', seen: three(store({ initialize: '7' }), at(BEHIND), at(LAST), at(BEHIND)), says: [] },
    {
      title: 'the last member cannot be determined',
      seen: three(store({ initialize: '7' }), at(BEHIND), at(wal('in archive recovery', 3, undefined)), at(BEHIND)),
      says: [
        /demo has no leader, and it is unknown which member has the last commits: it is unknown how far the WAL of pg2 goes\n {2}pg1: system identifier 7, timeline 3, shut down in recovery, last checkpoint at 0\/8, last WAL record at 0\/8\n/u,
      ],
    },
    {
      title: 'two histories of one timeline',
      seen: three(
        store({ initialize: '7' }),
        at({ ...LAST, history: { timeline: 3, forks: ['2 0/5'] } } as DataDirectoryState),
        at({ ...BEHIND, history: { timeline: 3, forks: ['2 0/6'] } } as DataDirectoryState),
        {},
      ),
      says: [/pg1 and pg2 wrote two different histories of timeline 3/u, /→ .*keep a copy/u],
    },
    {
      title: 'a history of a timeline that no member has',
      seen: three(
        store({ initialize: '7' }),
        at(LAST),
        at({ ...BEHIND, history: { timeline: 4, forks: [] } } as DataDirectoryState),
        at(BEHIND),
      ),
      says: [/pg2 knows of timeline 4, and none of these hosts has data of it/u],
    },
    {
      title: 'hosts are left out',
      seen: { pg1: { ...at(LAST), [DCS.id]: store({ initialize: '7' }) } },
      says: [/this run leaves out pg2 and pg3, which may have the last commits/u, /→ run it without --host/u],
    },
    {
      title: 'damaged data, nobody leads',
      seen: three(store({ initialize: '7' }), at(LAST), at(BEHIND), at(cluster('7', { control: 'truncated' }))),
      says: [
        /the data of pg3 cannot be read.*may have the last commits[^]*pg3: system identifier 7, global\/pg_control is shorter than its 8192 bytes/u,
      ],
    },
    {
      title: 'a member whose data is gone',
      seen: three(store({ initialize: '7' }), at(LAST), at({ kind: 'empty' }, { 'enabled:patroni': { enabled: true } }), at(BEHIND)),
      says: [/pg2 had data and has none now/u, /→ .*is its file system mounted\?.*systemctl disable patroni/u],
    },
    {
      title: 'a host that is to be built anew',
      seen: three(store({ initialize: '7' }), at(LAST), at({ kind: 'empty' }, { 'enabled:patroni': { enabled: false } }), at(BEHIND)),
      says: [],
    },
    {
      title: 'a setting that PostgreSQL does not start with',
      seen: three(store({ initialize: '7' }), ...[LAST, BEHIND, BEHIND].map((data) => at(data, active('active')))),
      says: [
        /demo has no leader, and Patroni runs on pg1, pg2 and pg3, but PostgreSQL does not/u,
        /→ nothing is changed now: the first member to come up would take the lead.*correct it in the inventory.*Patroni is then stopped on all of them first/u,
      ],
    },
    {
      title: 'a server that recovers from a crash in single-user mode: slow is not broken',
      seen: three(
        store({ initialize: '7' }),
        at(cluster('7', { clusterState: 'in crash recovery', alone: true, replays: '0000000300000000000000A1' }), {
          ...answering('crashed'),
          ...HALTED,
        }),
        at(BEHIND, active('active')),
        at(BEHIND, active('active')),
      ),
      says: [
        /demo has no leader, and PostgreSQL on pg1 recovers from a crash in single-user mode, replaying WAL file 0000000300000000000000A1: it may have the last commits\n/u,
        /→ wait, and run this again when it is up.*Do not stop PostgreSQL or Patroni on pg1 meanwhile/u,
      ],
    },
    {
      title: 'servers that replay WAL and accept no connections yet',
      seen: three(
        store({ initialize: '7' }),
        at(up(wal('in crash recovery', 3, undefined)), active('active')),
        at(up(wal('in archive recovery', 3, undefined, { replays: '000000030000000000000002' })), answering('starting')),
        at(BEHIND, answering('running pg_rewind')),
      ),
      says: [
        /PostgreSQL on pg1 recovers from a crash, and PostgreSQL on pg2 runs and takes no connections yet \(Patroni calls it “starting”\), replaying WAL file 000000030000000000000002, and PostgreSQL on pg3 is being rewound/u,
      ],
    },
    {
      title: 'a setting in etcd that somebody else set',
      seen: three(
        store({ initialize: '7', config: { postgresql: { parameters: { wal_level: 'replica', shared_buffers: '500GB' } } } }),
        ...[LAST, BEHIND, BEHIND].map((data) => at(data, active('active'))),
      ),
      says: [/→ .*correct it in the inventory \(which does not give these, that etcd has: shared_buffers = 500GB\) and run this again/u],
    },
    {
      title: 'a setting in etcd that PostgreSQL does not start with, which the inventory corrects',
      seen: three(store({ initialize: '7' }), ...[LAST, BEHIND, BEHIND].map((data) => at(data, { ...active('active'), ...HALTED }))),
      says: [],
    },
    {
      title: 'the same, and a member that runs: it could take the lead while the others are down',
      seen: three(
        store({ initialize: '7' }),
        at(LAST, { ...active('active'), ...HALTED }),
        at({ ...BEHIND, running: true } as DataDirectoryState, active('active')),
        at(BEHIND, { ...active('active'), ...HALTED }),
      ),
      says: [/demo has no leader, and Patroni runs on pg1 and pg3, but PostgreSQL does not/u],
    },
    {
      title: 'the same, and the last member cannot be determined',
      seen: three(
        store({ initialize: '7' }),
        ...[BEHIND, wal('in archive recovery', 3, undefined), BEHIND].map((data) => at(data, { ...active('active'), ...HALTED })),
      ),
      says: [
        /it is unknown which member has the last commits: it is unknown how far the WAL of pg2 goes/u,
        /→ stop Patroni on all members.*etcdctl put \/service\/demo\/config < FILE` writes it; then find out which host has the last commits/u,
      ],
    },
    {
      title: 'the same, in a run that leaves hosts out',
      seen: { pg1: { ...at(LAST, { ...active('active'), ...HALTED }), [DCS.id]: store({ initialize: '7' }) } },
      says: [/this run leaves out pg2 and pg3, which may have the last commits/u],
    },
    {
      title: 'a configuration that has stopped the loop of every Patroni',
      seen: three(
        store({ initialize: '7' }),
        ...[LAST, BEHIND, BEHIND].map((data) =>
          at(up(data), { ...answering('running'), 'patroni-config:demo:stuck': { malformed: true } }),
        ),
      ),
      says: [],
    },
    {
      title: 'the same, in a run that leaves hosts out',
      seen: {
        pg1: {
          ...at(up(LAST), { ...answering('running'), 'patroni-config:demo:stuck': { malformed: true } }),
          [DCS.id]: store({ initialize: '7' }),
        },
      },
      says: [/this run leaves out pg2 and pg3, which may have the last commits/u],
    },
    {
      title: 'an election',
      seen: three(
        store({ initialize: '7' }),
        ...[LAST, BEHIND].map((data) => at({ ...data, running: true } as DataDirectoryState, active('active'))),
      ),
      says: [/an election may be under way/u, /→ .*an election takes no longer than the lease of a leader/u],
    },
    {
      title: 'a member that waits beside one that is stopped',
      seen: three(store({ initialize: '7' }), at(up(BEHIND), answering('running')), at(LAST), at(BEHIND)),
      says: [],
    },
    {
      title: 'a member that recovers from a crash beside those that are stopped',
      seen: three(store({ initialize: '7' }), at(up(wal('in crash recovery', 3, undefined)), answering('starting')), at(LAST), at(BEHIND)),
      says: [
        /demo has no leader, and PostgreSQL on pg1 recovers from a crash: it may have the last commits/u,
        /→ wait, and run this again when it is up: .*only if the WAL file that it replays stays the same for long, see `journalctl -u patroni` there/u,
      ],
    },
    {
      title: 'the same, of a configuration that has stopped the loop of every Patroni',
      seen: three(
        store({ initialize: '7' }),
        ...['starting', 'running', 'running'].map((state) =>
          at(up(BEHIND), { ...answering(state), 'patroni-config:demo:stuck': { malformed: true } }),
        ),
      ),
      says: [
        /PostgreSQL on pg1 is not up yet and may have the last commits/u,
        /→ wait until `patronictl -c \/etc\/patroni\/config\.yml list`, as root on a member, shows it running.*if it does not come up, stop Patroni.*on pg1 first/u,
      ],
    },
    {
      title: 'a primary that serves without its Patroni beside those that are stopped',
      seen: three(store({ initialize: '7' }), at(BEHIND), at(up(wal('in production', 3, undefined))), at(BEHIND)),
      says: [],
    },
    {
      title: 'a standby that serves without its Patroni beside those that are stopped',
      seen: three(store({ initialize: '7' }), at(LAST), at(up(wal('in archive recovery', 3, undefined))), at(BEHIND)),
      says: [/it is unknown which member has the last commits: PostgreSQL runs on pg2, and no Patroni there reports its WAL position/u],
    },
    {
      title: 'a leader that lost its power and whose key is still there',
      seen: three(
        store({ initialize: '7', leader: 'pg1' }),
        at(LAST, { [PATRONI_MEMBER.id]: { answers: false } }),
        at(BEHIND),
        at(cluster('7', { control: 'zero' })),
      ),
      says: [/the data of pg3 cannot be read/u],
    },
    {
      title: 'a leader whose Patroni is stopped while its PostgreSQL serves, and whose key is still there',
      seen: three(
        store({ initialize: '7', leader: 'pg1' }),
        at(up(wal('in production', 3, undefined)), { ...active('inactive'), [PATRONI_MEMBER.id]: { answers: false } }),
        at(BEHIND),
        at(cluster('7', { control: 'zero' })),
      ),
      says: [/the data of pg3 cannot be read/u],
    },
    {
      title: 'a leader whose Patroni is slow to answer',
      seen: three(
        store({ initialize: '7', leader: 'pg1' }),
        at(up(wal('in production', 3, undefined)), { ...active('active'), [PATRONI_MEMBER.id]: { answers: false } }),
        at(BEHIND),
        at(BEHIND),
      ),
      says: [],
    },
    {
      title: 'a correction through a Patroni without data, in a run that leaves out those that have it',
      seen: {
        pg1: {
          ...at({ kind: 'empty' }, answering('stopped')),
          [DCS.id]: store({ initialize: '7' }),
          'patroni-config:demo:stuck': { stuck: true, malformed: false, rest: { answers: true, current: { ttl: 99 } } },
        },
      },
      says: [/demo has no leader, and this run leaves out pg2 and pg3, which may have the last commits/u, /→ run it without --host/u],
    },
    {
      title: 'etcd is empty, the data is this cluster’s, Patroni is stopped',
      seen: three(store(), at(BEHIND), at(LAST), at(BEHIND)),
      says: [
        /etcd does not know the PostgreSQL cluster that is the data of demo\n {2}pg1: /u,
        /→ etcd has lost its contents.*nothing needs to be moved.*`systemctl start patroni` on pg2, which has the last commits, and once .* on pg1 and pg3/u,
      ],
    },
    {
      title: 'etcd is empty and was started anew, Patroni runs',
      seen: three(store(), ...[LAST, BEHIND, BEHIND].map((data) => at({ ...data, running: true } as DataDirectoryState, active('active')))),
      says: [
        /→ etcd has lost its contents, and nothing needs to be moved: Patroni runs on pg1, pg2 and pg3 and writes the cluster into etcd by itself/u,
      ],
    },
    {
      title: 'etcd’s data is lost, Patroni runs',
      seen: Object.fromEntries(
        ['pg1', 'pg2', 'pg3'].map((name) => [
          name,
          {
            ...at({ ...LAST, running: true } as DataDirectoryState, active('active')),
            [DCS.id]: down,
            [ETCD_MEMBER.id]: etcd({ hasData: false }),
          },
        ]),
      ),
      says: [
        /→ etcd has lost its contents, and nothing needs to be moved: start etcd yourself \(`systemctl start etcd` on pg1, pg2 and pg3\); Patroni runs on/u,
      ],
    },
    {
      title: 'the data of another scope of this cluster',
      seen: three(store(), { ...at(LAST), ...member('pg1', 'shop') }, {}, {}),
      says: [
        /pg1: the data directory holds a PostgreSQL cluster \(.*\) that served as the scope shop; the inventory says demo/u,
        /→ .*set patroni.scope back to shop/u,
      ],
    },
    {
      title: 'the empty mark, valid data of enabled members',
      seen: three(store({ initialize: '' }), ...[BEHIND, LAST, BEHIND].map((data) => at(data, { 'enabled:patroni': { enabled: true } }))),
      says: [/etcd does not know the PostgreSQL cluster that is the data of demo/u, /→ .*nothing needs to be moved/u],
    },
  ])('decide in this case: $title', ({ seen, says }) => {
    const all = refusals(seen);
    if (says.length === 0) expect(all).toEqual([]);
    for (const each of says) expect(all.join('\n')).toMatch(each);
    expect(all.join('\n')).not.toMatch(/aside/u);
  });

  const silent = { ...active('active'), [PATRONI_MEMBER.id]: { answers: false } };
  const stuck = (state: string): object => ({ ...answering(state), 'patroni-config:demo:stuck': { malformed: true } });
  const ours = (rest: object = {}): DcsState => store({ initialize: '7', ...rest });
  const replaying = at(up(wal('in crash recovery', 3, undefined, { replays: '000000030000000000000002' })), answering('starting'));

  it.each<{ title: string; seen: Seen; waits: string | undefined }>([
    {
      title: 'a server that replays WAL',
      seen: three(ours(), replaying, at(LAST), at(BEHIND)),
      waits: '300 patroni.start_timeout: PostgreSQL on pg1 recovers from a crash, replaying WAL file 000000030000000000000002',
    },
    {
      title: 'a server that takes no connections yet, beside one that did not start',
      seen: three(ours(), at(up(BEHIND), answering('starting')), at(LAST, answering('start failed')), at(BEHIND)),
      waits: '300 patroni.start_timeout: PostgreSQL on pg1 runs and takes no connections yet (Patroni calls it “starting”); failed on pg2',
    },
    {
      title: 'a Patroni that was just started',
      seen: three(ours(), at(LAST, silent), at(BEHIND), at(BEHIND)),
      waits: '60: Patroni on pg1 runs and does not answer yet',
    },
    {
      title: 'a Patroni that is about to start its server',
      seen: three(ours(), at(LAST, answering('stopped')), at(BEHIND), at(BEHIND, answering('crashed'))),
      waits: [
        '40: Patroni on pg1 is about to start PostgreSQL (it calls it “stopped”)',
        'Patroni on pg3 is about to start PostgreSQL (it calls it “crashed”)',
      ].join(', and '),
    },
    {
      title: 'an election',
      seen: three(ours(), ...[LAST, BEHIND, BEHIND].map((data) => at(up(data), answering('running')))),
      waits: '40: Patroni elects a leader',
    },
    {
      title: 'a store that was emptied while Patroni runs, which writes the cluster into it',
      seen: three(store(), ...[LAST, BEHIND, BEHIND].map((data) => at(up(data), answering('running')))),
      waits: '40: Patroni elects a leader',
    },
    {
      title: 'servers that did not start',
      seen: three(ours(), ...[LAST, BEHIND, BEHIND].map((data) => at(data, answering('start failed')))),
      waits: undefined,
    },
    {
      title: 'a Patroni that systemd starts again and again',
      seen: three(ours(), at(LAST, { ...silent, ...active('activating') }), at(BEHIND), at(BEHIND)),
      waits: undefined,
    },
    {
      title: 'a Patroni whose loop has stopped',
      seen: three(ours(), ...['starting', 'running', 'running'].map((state) => at(up(BEHIND), stuck(state)))),
      waits: undefined,
    },
    {
      title: 'maintenance mode, in which nobody is elected',
      seen: three(ours({ config: { pause: true } }), ...[LAST, BEHIND, BEHIND].map((data) => at(up(data), answering('running')))),
      waits: undefined,
    },
    {
      title: 'maintenance mode, in which nothing is started',
      seen: three(ours({ config: { pause: true } }), ...[LAST, BEHIND, BEHIND].map((data) => at(data, answering('stopped')))),
      waits: undefined,
    },
    {
      title: 'a store that was emptied, and nobody runs',
      seen: three(store(), ...[LAST, BEHIND, BEHIND].map((data) => at(data))),
      waits: undefined,
    },
  ])('wait only where something moves by itself: $title', ({ seen, waits }) => {
    const role = CATALOG.find(({ name }) => name === 'patroni');
    const [objection] = role?.guards?.(viewOf(seen), MATERIAL) ?? [];
    expect(objection).toBeDefined();
    const { settles } = objection ?? {};
    const words =
      settles &&
      [
        `${[settles.within, settles.variable].filter((each) => each !== undefined).join(' ')}: ${[...settles.moves.values()].join(', and ')}`,
        ...settles.failed.map((host) => `failed on ${host}`),
      ].join('; ');
    expect(words).toBe(waits);
  });

  it('refuse to start data that a restore has put there and nobody has approved, whichever machine began it', () => {
    const restored = (restore: string): Seen =>
      three(store({ initialize: '7' }), at(LAST, { [UNAPPROVED_DATA.id]: { restore } }), at(BEHIND), at(BEHIND));
    const [unfinished, ...more] = refusals(restored('20261129T060000Z'));
    expect(unfinished).toMatch(/^pg1 has data of a restore that is not finished \(20261129T060000Z\)/u);
    expect(unfinished).toMatch(/`pgprov restore [^`]+`.*--undo.*`touch \/var\/lib\/pgprov\/restore\/20261129T060000Z\.let-in`/u);
    expect(more).toEqual([]);
    expect(refusals(restored(''))[0]).toMatch(/^pgBackRest is restoring a backup on pg1/u);
  });

  it('refuse the same of a server without Patroni, and to start one that a restore holds', () => {
    const objections = (found: UnapprovedData): string[] => guards('postgresql', { db: { [UNAPPROVED_DATA.id]: found } }, alone);
    expect(objections({ restore: 'R' })[0]).toMatch(/^refuse db: db has data of a restore that is not finished \(R\)/u);
    expect(objections({ restore: '', held: true })).toEqual([
      'refuse db: PostgreSQL on db is held by a restore that is not finished: it must not be started',
    ]);
  });

  it('refuse to make a cluster that etcd does not know when hosts are left out, which may have its data', () => {
    expect(guards('patroni', { pg1: { [DCS.id]: store() }, pg3: {} })).toEqual([
      'refuse all: etcd knows no cluster demo, and this run, which would make it, leaves out pg2, which may hold its data',
    ]);
  });

  const bootstrap = (rest: Partial<BootstrapState>, data: DataDirectoryState): object => ({
    [DATA_DIRECTORY.id]: data,
    [INTERRUPTED_BOOTSTRAP.id]: {
      initialize: 'empty',
      led: false,
      underWay: false,
      configured: true,
      enabled: false,
      noted: false,
      data,
      ...rest,
    } satisfies BootstrapState,
  });
  const FRESH = cluster('9', {
    clusterState: 'in production',
    position: { timeline: 1, checkpoint: '0/2', nextOid: 13_572, lastRecord: undefined },
  });

  it.each<{ title: string; facts: object; state: object; refused: boolean }>([
    {
      title: 'a bootstrap under way',
      facts: DEBIAN,
      state: bootstrap({ underWay: true, noted: true }, { ...FRESH, running: true } as DataDirectoryState),
      refused: false,
    },
    { title: 'an unrecorded bootstrap', facts: DEBIAN, state: bootstrap({ underWay: true }, FRESH), refused: true },
    { title: 'an interrupted bootstrap', facts: ROCKY9, state: bootstrap({ noted: true }, FRESH), refused: false },
    { title: 'a disabled member’s data', facts: ROCKY9, state: bootstrap({}, cluster('9')), refused: true },
    { title: 'a member that once ran', facts: ROCKY9, state: bootstrap({ enabled: true, noted: true }, FRESH), refused: true },
  ])('decide about data under an empty mark: $title', ({ facts, state, refused }) => {
    const seen = {
      pg1: { ...member('pg1', 'demo', facts), [DCS.id]: store({ initialize: '' }), [ETCD_MEMBER.id]: etcd(), ...state },
      pg2: {},
      pg3: {},
    };
    expect(guards('patroni', seen)).toHaveLength(refused ? 1 : 0);
  });

  const mixed = (one: object, other: object): Seen => ({ pg1: on(one), pg2: on(one), pg3: on(other) });
  const differs = (first: string, second: string, locale: string): string =>
    `preflight all: pg1 runs ${first} and pg3 runs ${second}: their C libraries may sort the locale ${locale} in different orders, which corrupts indexes after a failover`;

  it.each<{ title: string; seen: Seen; yaml: string; objections: string[] }>([
    {
      title: 'one system, a locale',
      seen: mixed(ROCKY9, { ...ROCKY9, version: '9.2' }),
      yaml: 'postgresql: {locale: de_DE.UTF-8}\n',
      objections: [],
    },
    { title: 'two systems, the default locale', seen: mixed(DEBIAN, ROCKY9), yaml: '', objections: [] },
    ...['C', 'POSIX', 'C.UTF-8', 'C.utf8'].map((locale) => ({
      title: `two systems, ${locale}`,
      seen: mixed(DEBIAN, ROCKY9),
      yaml: `postgresql: {locale: ${locale}}\n`,
      objections: [],
    })),
    {
      title: 'two systems, a locale',
      seen: mixed(ROCKY9, DEBIAN),
      yaml: 'postgresql: {locale: en_US.UTF-8}\n',
      objections: [differs('Rocky Linux 9', 'Debian 13 (trixie)', 'en_US.UTF-8')],
    },
    {
      title: 'two releases of one system, a locale',
      seen: mixed(ROCKY8, ROCKY9),
      yaml: 'postgresql: {locale: de_DE}\n',
      objections: [differs('Rocky Linux 8', 'Rocky Linux 9', 'de_DE')],
    },
    {
      title: 'a locale whose name only begins with C',
      seen: mixed(DEBIAN, ROCKY9),
      yaml: 'postgresql: {locale: C.UTF-8.x}\n',
      objections: [differs('Debian 13 (trixie)', 'Rocky Linux 9', 'C.UTF-8.x')],
    },
    {
      title: 'two systems of which one was not asked',
      seen: { pg1: on(DEBIAN), pg2: on(DEBIAN) },
      yaml: 'postgresql: {locale: de_DE}\n',
      objections: [],
    },
  ])('decide about the locale: $title', async ({ seen, yaml, objections }) => {
    expect(preflight('patroni', seen, await inventoryOf(`${THREE}${yaml}`))).toEqual(objections);
  });

  it.each([
    { title: 'long enough', yaml: '', objections: [] },
    {
      title: 'too short',
      yaml: 'patroni: {ttl: 29}\n',
      objections: [
        'preflight all: patroni.ttl is 29 s, but loop_wait + 2 × retry_timeout is 30 s: a leader would lose its lease while it still tries',
      ],
    },
  ])('decide about a lease that is $title', async ({ yaml, objections }) => {
    expect(preflight('patroni', { pg1: {} }, await inventoryOf(`${THREE}${yaml}`))).toEqual(objections);
  });
});

describe('etcd’s guards', () => {
  const file = (text: string): PathState => ({ type: 'file', owner: 'root', group: 'root', mode: '0644', content: Buffer.from(text) });
  const ours = '# Managed by pgprov: x\nETCD_NAME="pg1"\nETCD_INITIAL_CLUSTER_TOKEN="demo"\n';

  it.each<{ title: string; states: Record<string, unknown>; objections: string[] }>([
    { title: 'no file', states: { 'file:/etc/default/etcd': { type: 'absent' } }, objections: [] },
    {
      title: 'Debian’s own file, all comments',
      states: { 'file:/etc/default/etcd': file('## etcd(1)\n# ETCD_NAME="default"\n') },
      objections: [],
    },
    { title: 'pgprov’s file', states: { 'file:/etc/default/etcd': file(ours) }, objections: [] },
    {
      title: 'a foreign file',
      states: { 'file:/etc/default/etcd': file('ETCD_NAME=infra1\n') },
      objections: ['refuse pg1: pg1 is configured as a member of an etcd cluster that pgprov did not make (ETCD_NAME=infra1)'],
    },
    {
      title: 'pgprov’s file of another inventory',
      states: { 'file:/etc/default/etcd': file(ours.replace('demo', 'other')) },
      objections: ['refuse pg1: pg1 is a member of the cluster other, made by pgprov from another inventory; this one is demo'],
    },
    { title: 'the same authority', states: { 'file:/etc/etcd/tls/ca.crt': file('CA\n'), [ETCD_MEMBER.id]: etcd() }, objections: [] },
    {
      title: 'another authority, no data yet',
      states: { 'file:/etc/etcd/tls/ca.crt': file('other\n'), [ETCD_MEMBER.id]: etcd({ hasData: false }) },
      objections: [],
    },
    {
      title: 'another authority',
      states: { 'file:/etc/etcd/tls/ca.crt': file('other\n'), [ETCD_MEMBER.id]: etcd() },
      objections: ['refuse pg1: pg1 belongs to a cluster with another certificate authority than the one beside this inventory'],
    },
  ])('decide about the environment file and authority: $title', ({ states, objections }) =>
    expect(guards('etcd', { pg1: states })).toEqual(objections),
  );

  const inForce = (rest: Partial<UnitInForce>): Record<string, unknown> => ({
    'service:etcd': {
      loaded: true,
      enabled: true,
      active: 'active',
      applied: undefined,
      inForce: { dropIns: [], stale: false, running: [], next: [], ...rest },
    },
  });
  const open = { name: 'ETCD_CLIENT_CERT_AUTH', wanted: 'true', is: undefined };

  it.each<{ title: string; states: Record<string, unknown>; objections: string[] }>([
    { title: 'its settings', states: inForce({}), objections: [] },
    { title: 'a drop-in that changes none', states: inForce({ dropIns: ['/etc/x.conf'] }), objections: [] },
    { title: 'an older process, which a restart corrects', states: inForce({ running: [open] }), objections: [] },
    {
      title: 'a drop-in that overrides some',
      states: inForce({ dropIns: ['/etc/x.conf'], next: [open] }),
      objections: [
        'preflight pg1: pg1: /etc/x.conf overrides the configuration of etcd, which so starts with other settings: ETCD_CLIENT_CERT_AUTH is not set, not true',
      ],
    },
  ])('in force is $title', ({ states, objections }) => expect(preflight('etcd', { pg1: states })).toEqual(objections));

  it('include what is in force among the checks, and name drop-ins', () => {
    const seen = { pg1: { ...inForce({ dropIns: ['/etc/x.conf'], running: [open] }), [ETCD_MEMBER.id]: etcd() } };
    expect(checks('etcd', seen)).toContain('NO pg1: etcd runs with its settings (ETCD_CLIENT_CERT_AUTH is not set, not true)');
    expect(checks('etcd', { pg1: { ...inForce({}), [ETCD_MEMBER.id]: etcd() } })).toContain(
      'ok pg1: etcd runs with its settings (as its process has them)',
    );
    expect(CATALOG.find(({ name }) => name === 'etcd')?.remarks?.(viewOf(seen), 'pg1')).toEqual([
      'etcd’s unit has a drop-in that pgprov does not know: /etc/x.conf',
    ]);
  });

  const CONF = 'file:/etc/etcd/etcd.conf';
  /** What PGDG's package for EL comes with. */
  const packaged =
    '# [member]\nETCD_NAME=default\nETCD_DATA_DIR="/var/lib/etcd/default.etcd"\nETCD_LISTEN_CLIENT_URLS="http://localhost:2379"\n';

  it.each<{ title: string; states: Record<string, unknown>; objections: string[] }>([
    { title: 'no file', states: { [CONF]: { type: 'absent' } }, objections: [] },
    { title: 'the package’s own file', states: { [CONF]: file(packaged) }, objections: [] },
    { title: 'the package’s own file, quoted', states: { [CONF]: file(packaged.replace('default', '"default"')) }, objections: [] },
    { title: 'pgprov’s file', states: { [CONF]: file(ours) }, objections: [] },
    {
      title: 'a foreign file',
      states: { [CONF]: file(packaged.replace('=default', '=default1')) },
      objections: ['refuse pg1: pg1 is configured as a member of an etcd cluster that pgprov did not make (ETCD_NAME=default1)'],
    },
    {
      title: 'pgprov’s file of another inventory',
      states: { [CONF]: file(ours.replace('demo', 'other')) },
      objections: ['refuse pg1: pg1 is a member of the cluster other, made by pgprov from another inventory; this one is demo'],
    },
    {
      title: 'pgprov’s file of another inventory, whose host is called `default`',
      states: { [CONF]: file(ours.replace('demo', 'other').replace('"pg1"', '"default"')) },
      objections: ['refuse pg1: pg1 is a member of the cluster other, made by pgprov from another inventory; this one is demo'],
    },
    { title: 'a foreign file at Debian’s path', states: { 'file:/etc/default/etcd': file('ETCD_NAME=infra1\n') }, objections: [] },
    { title: 'the same authority', states: { 'file:/etc/pki/etcd/ca.crt': file('CA\n'), [ETCD_MEMBER.id]: etcd() }, objections: [] },
    {
      title: 'another authority',
      states: { 'file:/etc/pki/etcd/ca.crt': file('other\n'), [ETCD_MEMBER.id]: etcd() },
      objections: ['refuse pg1: pg1 belongs to a cluster with another certificate authority than the one beside this inventory'],
    },
    {
      title: 'another authority at Debian’s path',
      states: { 'file:/etc/etcd/tls/ca.crt': file('other\n'), [ETCD_MEMBER.id]: etcd() },
      objections: [],
    },
  ])('decide on Rocky about the environment file and authority: $title', ({ states, objections }) => {
    for (const facts of [ROCKY8, ROCKY9]) expect(guards('etcd', { pg1: on(facts, states) })).toEqual(objections);
  });

  const members = (...numbers: number[]): EtcdMemberState['members'] =>
    numbers.map((number) => ({ name: `pg${number}`, peerUrls: [`https://10.0.0.${number}:2380`] }));

  it.each<{ title: string; member: EtcdMemberState; objections: string[] }>([
    { title: 'not formed yet', member: etcd(), objections: [] },
    { title: 'the inventory’s members', member: etcd({ members: members(3, 1, 2) }), objections: [] },
    {
      title: 'a newcomer',
      member: etcd({ members: members(1, 2) }),
      objections: [],
    },
    {
      title: 'an unknown member',
      member: etcd({ members: members(1, 2, 3, 4) }),
      objections: [
        'preflight all: etcd has formed a cluster already, with other members than the inventory: pg4 (https://10.0.0.4:2380) is not in the inventory',
      ],
    },
  ])('decide about etcd’s member list: $title', ({ member, objections }) => {
    expect(preflight('etcd', { pg1: { [ETCD_MEMBER.id]: etcd() }, pg2: { [ETCD_MEMBER.id]: member } })).toEqual(objections);
  });

  it.each<{ title: string; member: EtcdMemberState; results: string[] }>([
    {
      title: 'healthy',
      member: etcd({ members: members(1, 2, 3) }),
      results: ['ok pg1: etcd is healthy (3 members)', 'ok pg1: etcd requires client certificates (refused in the TLS handshake)'],
    },
    {
      title: 'open to clients without a certificate',
      member: etcd({ members: members(1), requiresClientCertificate: false }),
      results: [
        'ok pg1: etcd is healthy (1 members)',
        'NO pg1: etcd requires client certificates (it accepted a client without a certificate)',
      ],
    },
  ])('check a member that is $title', ({ member, results }) =>
    expect(checks('etcd', { pg1: { [ETCD_MEMBER.id]: member } })).toEqual(results),
  );

  it('fail for a member that is down', () => {
    const results = checks('etcd', { pg1: { [ETCD_MEMBER.id]: etcd({ healthy: false, requiresClientCertificate: undefined }) } });
    expect(results.map((result) => result.slice(0, 2))).toEqual(['NO', 'NO']);
  });
});

describe('postgresql’s guards', () => {
  it('refuse the port of another inventory’s instance on the host, and nothing else that its server says', () => {
    const other = (differs: object): object => ({
      dataDirectory: '/d',
      realDirectory: '/d',
      version: '17',
      systemIdentifier: '7',
      ours: true,
      clusters: ['two'],
      port: 5432,
      unit: 'postgresql@17-two.service',
      ...differs,
    });
    const objections = (...postmasters: object[]): string[] =>
      guards('postgresql', { db: on(DEBIAN, { [RUNNING.id]: { wantedDirectory: '/mine', postmasters, databases: [] } }) }, alone);
    expect(objections(other({}))).toEqual([
      'refuse db: db: postgresql.port is 5432 (the default), and port 5432 is held by the instance of two (postgresql@17-two.service, /d)',
    ]);
    expect(objections(other({ port: 5433 }), other({ realDirectory: '/mine', clusters: ['one'] }))).toEqual([]);
  });

  it.each<{ title: string; data: DataDirectoryState | undefined; inventory: Inventory; objections: string[] }>([
    { title: 'no observation', data: undefined, inventory: alone, objections: [] },
    { title: 'absent', data: { kind: 'absent' }, inventory: alone, objections: [] },
    { title: 'empty', data: { kind: 'empty' }, inventory: alone, objections: [] },
    {
      title: 'an empty mount point',
      data: { kind: 'empty', mounted: true },
      inventory: alone,
      objections: [
        'refuse db: db: the data directory /var/lib/postgresql/17/main is the mount point of a file system of its own and a database can only be made below one',
      ],
    },
    {
      title: 'a mount point with lost+found',
      data: { kind: 'foreign', entries: ['lost+found'], mounted: true },
      inventory: alone,
      objections: [
        'refuse db: db: the data directory /var/lib/postgresql/17/main is the mount point of a file system of its own, with lost+found, and a database can only be made below one',
      ],
    },
    {
      title: 'foreign files',
      data: { kind: 'foreign', entries: ['lost+found', 'x'] },
      inventory: alone,
      objections: ['refuse db: db: the data directory is not empty and holds no PostgreSQL cluster (found lost+found, x)'],
    },
    {
      title: 'another version',
      data: cluster('7', { version: '15', ours: true }),
      inventory: alone,
      objections: ['refuse db: db: the data directory holds a PostgreSQL 15 cluster, the inventory says 17'],
    },
    { title: 'this cluster’s data', data: cluster('7', { ours: true }), inventory: alone, objections: [] },
    {
      title: 'another cluster’s data',
      data: cluster('7'),
      inventory: alone,
      objections: ['refuse db: db: the data directory holds a PostgreSQL cluster that pgprov did not make (system identifier 7)'],
    },
    { title: 'data of a Patroni cluster', data: cluster('7'), inventory: three, objections: [] },
    {
      title: 'data of a Patroni cluster of another version',
      data: cluster('7', { version: '16' }),
      inventory: three,
      objections: ['refuse pg1: pg1: the data directory holds a PostgreSQL 16 cluster, the inventory says 17'],
    },
  ])('decide about the data directory: $title', ({ data, inventory, objections }) => {
    const host = inventory.hosts[0]?.name ?? '';
    expect(guards('postgresql', { [host]: { [DATA_DIRECTORY.id]: data } }, inventory)).toEqual(objections);
  });

  // The replica itself fails over it, see sound-data.test.ts.
  it('do not let a replica of another version delay the others', () => {
    const seen = (leader: string): Seen => ({
      pg1: { [DATA_DIRECTORY.id]: cluster('7'), [DCS.id]: store({ initialize: '7', leader }) },
      pg2: { [DATA_DIRECTORY.id]: cluster('7', { version: '16' }) },
    });
    expect(guards('postgresql', seen('pg1'))).toEqual([]);
    expect(guards('postgresql', seen('pg2'))).toEqual([
      'refuse pg2: pg2: the data directory holds a PostgreSQL 16 cluster, the inventory says 17',
    ]);
  });

  it.each([
    { data: cluster('7'), result: 'ok pg1: data checksums are on (data page checksum version 1)' },
    { data: cluster('7', { checksums: 0 }), result: 'NO pg1: data checksums are on (data page checksum version 0)' },
    { data: cluster('7', { checksums: undefined }), result: 'NO pg1: data checksums are on (data page checksum version unknown)' },
    { data: { kind: 'absent' }, result: 'NO pg1: data checksums are on (the data directory is absent)' },
  ])('prove checksums: $result', ({ data, result }) =>
    expect(checks('postgresql', { pg1: { [DATA_DIRECTORY.id]: data } })).toEqual([result]),
  );
});

describe('a server without Patroni', () => {
  const SERVED = 'served-data';
  const at = (yaml: string): Promise<Inventory> =>
    inventoryOf(`cluster: one\nroles: [base, pgdg, postgresql]\nhosts: {db: {address: 192.0.2.1}}\n${yaml}`);
  const elsewhere = (unit: string, served: string, wanted: string): string =>
    `refuse db: db: ${unit} has its cluster in ${served}, the inventory says ${wanted}`;

  it.each<{ title: string; facts: object; served: string | undefined; yaml: string; objections: string[] }>([
    { title: 'at an unobserved place', facts: ROCKY9, served: undefined, yaml: '', objections: [] },
    { title: 'nowhere', facts: ROCKY9, served: '', yaml: '', objections: [] },
    { title: 'where the packages put it', facts: ROCKY9, served: '/var/lib/pgsql/17/data', yaml: '', objections: [] },
    { title: 'where the packages put it on Debian', facts: DEBIAN, served: '/var/lib/postgresql/17/main', yaml: '', objections: [] },
    { title: 'where the inventory says', facts: ROCKY9, served: '/srv/pg', yaml: 'postgresql: {data_dir: /srv/pg}\n', objections: [] },
    {
      title: 'there, but for a slash in the inventory',
      facts: ROCKY9,
      served: '/srv/pg',
      yaml: 'postgresql: {data_dir: /srv/pg/}\n',
      objections: [],
    },
    {
      title: 'there, but for a slash on the host',
      facts: DEBIAN,
      served: '/srv/pg//',
      yaml: 'postgresql: {data_dir: /srv/pg}\n',
      objections: [],
    },
    {
      title: 'elsewhere',
      facts: ROCKY8,
      served: '/var/lib/pgsql/17/data',
      yaml: 'postgresql: {data_dir: /srv/pg}\n',
      objections: [elsewhere('postgresql-17', '/var/lib/pgsql/17/data', '/srv/pg')],
    },
    {
      title: 'elsewhere, because the inventory names another cluster',
      facts: ROCKY9,
      served: '/var/lib/pgsql/16/data',
      yaml: 'postgresql: {version: 16, name: other}\n',
      objections: [elsewhere('postgresql-16-other', '/var/lib/pgsql/16/data', '/var/lib/pgsql/16/other')],
    },
    {
      title: 'elsewhere on Debian',
      facts: DEBIAN,
      served: '/srv/old',
      yaml: '',
      objections: [elsewhere('postgresql@17-main', '/srv/old', '/var/lib/postgresql/17/main')],
    },
  ])('has its data $title', async ({ facts, served, yaml, objections }) => {
    expect(guards('postgresql', { db: on(facts, { [SERVED]: served }) }, await at(yaml))).toEqual(objections);
  });

  it('is not a member of Patroni', () => {
    expect(guards('postgresql', { pg1: on(ROCKY9, { [SERVED]: '/srv/old' }) })).toEqual([]);
  });

  const awkward = (title: string, path: string): string =>
    `preflight db: db: without Patroni, a data directory on ${title} can hold only letters, digits and / . _ -, not ${JSON.stringify(path)}`;

  it.each<{ facts: object; path: string; objections: string[] }>([
    { facts: ROCKY9, path: '/srv/pg-17_a.b/Data', objections: [] },
    { facts: DEBIAN, path: '/srv/my data', objections: [] },
    { facts: ROCKY9, path: '/srv/my data', objections: [awkward('Rocky Linux 9', '/srv/my data')] },
    { facts: ROCKY8, path: '/srv/$HOME', objections: [awkward('Rocky Linux 8', '/srv/$HOME')] },
    { facts: ROCKY9, path: '/srv/50%', objections: [awkward('Rocky Linux 9', '/srv/50%')] },
    { facts: ROCKY9, path: '/srv/ü', objections: [awkward('Rocky Linux 9', '/srv/ü')] },
  ])('may have its data in $path', async ({ facts, path, objections }) => {
    expect(preflight('postgresql', { db: on(facts) }, await at(`postgresql: {data_dir: ${JSON.stringify(path)}}\n`))).toEqual(objections);
    const member = await inventoryOf(`${THREE}postgresql: {data_dir: ${JSON.stringify(path)}}\n`);
    expect(preflight('postgresql', { pg1: on(facts) }, member)).toEqual([]);
  });
});

describe('the preflight of pgdg', () => {
  const packet = (body: string): Buffer => Buffer.concat([Buffer.from([0x99, 0, body.length + 1, 4]), Buffer.from(body)]);
  const armored = (bytes: Buffer): string =>
    `-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n${bytes.toString('base64')}\n-----END PGP PUBLIC KEY BLOCK-----\n`;
  const fingerprint = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('hex').toUpperCase();
  const [key, other] = [packet('a mirror of PGDG'), packet('another')] as const;
  const yaml = (given: Buffer, pinned?: string): string =>
    `pgdg: {key: ${JSON.stringify(armored(given))}${pinned === undefined ? '' : `, key_fingerprint: '${pinned}'`}}\n`;
  const debian = debian13.pgdg.keys[0]?.fingerprint ?? '';
  const rocky = rocky9.pgdg.keys.map((pin) => pin.fingerprint).join(' or ');
  const holds = (what: string, pinned: string): string => `preflight pg1: pg1: pgdg.key holds ${what}, but the pinned key is ${pinned}`;

  it.each<{ title: string; facts: object; yaml: string; objections: string[] }>([
    { title: 'no key', facts: ROCKY9, yaml: '', objections: [] },
    { title: 'the pinned key', facts: ROCKY9, yaml: yaml(key, fingerprint(key)), objections: [] },
    { title: 'the pinned key on Debian', facts: DEBIAN, yaml: yaml(key, fingerprint(key)), objections: [] },
    { title: 'another than Debian’s', facts: DEBIAN, yaml: yaml(key), objections: [holds(fingerprint(key), debian)] },
    { title: 'another than Rocky’s two', facts: ROCKY8, yaml: yaml(key), objections: [holds(fingerprint(key), rocky)] },
    {
      title: 'another than the pinned one',
      facts: ROCKY9,
      yaml: yaml(key, fingerprint(other)),
      objections: [holds(fingerprint(key), fingerprint(other))],
    },
    {
      title: 'one more than the pinned one',
      facts: ROCKY9,
      yaml: yaml(Buffer.concat([key, other]), fingerprint(key)),
      objections: [holds(`${fingerprint(key)}, ${fingerprint(other)}`, fingerprint(key))],
    },
    {
      title: 'no key at all',
      facts: ROCKY9,
      yaml: yaml(Buffer.from('nothing'), fingerprint(key)),
      objections: [holds('no readable key', fingerprint(key))],
    },
    { title: 'a system that is not supported', facts: { ...ROCKY9, version: '10.0' }, yaml: yaml(key), objections: [] },
  ])('decides about a signing key: $title', async ({ facts, yaml: text, objections }) => {
    expect(preflight('pgdg', { pg1: on(facts) }, await inventoryOf(`${THREE}${text}`))).toEqual(objections);
  });
});

describe('the preflight of base', () => {
  const MIB = 1024 * 1024;

  it.each<{ title: string; states: Record<string, unknown>; others?: Record<string, unknown>; objections: string[] }>([
    { title: 'no observations', states: {}, objections: [] },
    {
      title: 'too little memory',
      states: { [HOST_FACTS.id]: { memory: 100 * MIB } },
      objections: ['preflight pg1: pg1 has 100 MiB of memory, at least 512 are required'],
    },
    {
      title: 'no room',
      states: { 'free-space': { '/var': 2 ** 40, '/data': 5 * MIB } },
      objections: ['preflight pg1: pg1 has only 5 MiB free for /data, at least 1024 are required'],
    },
    {
      title: 'unknown disk space',
      states: { 'free-space': { '/var': 2 ** 40, '/data': 'stat: /data: Stale file handle' } },
      objections: ['preflight pg1: pg1 did not say how much is free for /data: stat: /data: Stale file handle'],
    },
    {
      title: 'no room on a host that runs already',
      states: { 'free-space': { '/data': 0 }, ports: [{ port: 5432, process: 'postgres', unit: 'patroni.service' }] },
      objections: [],
    },
    {
      title: 'a port that is taken',
      states: { ports: [{ port: 5432, process: 'postgres', unit: 'postgresql@15-main.service' }] },
      objections: ['preflight pg1: pg1: port 5432, meant for PostgreSQL, is held by postgres (postgresql@15-main.service)'],
    },
    {
      title: 'a port that an unknown process uses',
      states: { ports: [{ port: 2379, process: '', unit: '' }] },
      objections: ['preflight pg1: pg1: port 2379, meant for etcd clients, is held by another process'],
    },
    {
      title: 'ports of its own services',
      states: {
        ports: [
          { port: 8008, process: 'patroni', unit: 'patroni.service' },
          { port: 2380, process: 'etcd', unit: 'etcd.service' },
        ],
      },
      objections: [],
    },
    {
      title: 'reachable peers',
      states: { reachability: ['open', 'refused', 'unknown'].map((result) => ({ address: '10.0.0.2', port: 1, result })) },
      objections: [],
    },
    {
      title: 'peers that are silent on all ports and not part of the run, and so may be off',
      states: {
        reachability: [
          { address: '10.0.0.4', port: 2380, result: 'filtered' },
          { address: '10.0.0.4', port: 5432, result: 'unreachable' },
        ],
      },
      objections: [],
    },
    {
      title: 'peers that are not part of the run, and silent on some ports',
      states: {
        reachability: [
          { address: '10.0.0.4', port: 2380, result: 'filtered' },
          { address: '10.0.0.4', port: 5432, result: 'open' },
        ],
      },
      objections: ['preflight pg1: pg1: pg4 (10.0.0.4) port 2380 does not answer (filtered?)'],
    },
    {
      title: 'peers that are silent on several ports, reported together',
      states: { reachability: [2379, 2380, 5432].map((port) => ({ address: '10.0.0.2', port, result: 'filtered' })) },
      objections: ['preflight pg1: pg1: pg2 (10.0.0.2) ports 2379, 2380 and 5432 do not answer (filtered?)'],
    },
    {
      title: 'peers that another host gets through to',
      states: { reachability: [2379, 2380].map((port) => ({ address: '10.0.0.2', port, result: 'filtered' })) },
      others: { reachability: [2379, 2380].map((port) => ({ address: '10.0.0.2', port, result: 'refused' })) },
      objections: ['preflight pg1: pg1: pg2 (10.0.0.2) ports 2379 and 2380 do not answer (filtered?), while pg3 gets through to them'],
    },
    {
      title: 'peers whose names do not resolve, on any port',
      states: { reachability: [2379, 2380].map((port) => ({ address: '10.0.0.2', port, result: 'unresolved' })) },
      objections: ['preflight pg1: pg1: pg2 (10.0.0.2) does not resolve'],
    },
    {
      title: 'unreachable peers',
      states: {
        reachability: [
          { address: '10.0.0.2', port: 2380, result: 'filtered' },
          { address: '10.0.0.3', port: 5432, result: 'unreachable' },
        ],
      },
      objections: [
        'preflight pg1: pg1: pg2 (10.0.0.2) port 2380 does not answer (filtered?)',
        'preflight pg1: pg1: pg3 (10.0.0.3) port 5432 cannot be reached (no route, or rejected by a firewall)',
      ],
    },
  ])('decides in this case: $title', async ({ states, others = {}, objections }) =>
    expect(
      preflight(
        'base',
        { pg1: states, pg2: {}, pg3: others },
        await inventoryOf(`${THREE}  pg4: {address: 192.0.2.4, cluster_address: 10.0.0.4}\n`),
      ),
    ).toEqual(objections),
  );

  it.each([
    { offsets: [0, 1000, -3000], objections: [] },
    { offsets: [100_000, 100_000, 100_000], objections: [] },
    {
      offsets: [0, 4000, -2500],
      objections: ['preflight all: the clocks of pg3 and pg2 differ by at least 6.5 s, at most 5 s are allowed'],
    },
    // The answers came nine seconds after the questions, and so tell no more than that.
    { offsets: [0, 4000, -2500], within: 9000, objections: [] },
    {
      offsets: [0, 20_000, 0],
      within: 9000,
      objections: ['preflight all: the clocks of pg1 and pg2 differ by at least 11.0 s, at most 5 s are allowed'],
    },
  ])('clocks $offsets within $within', ({ offsets, within = 0, objections }) => {
    const seen = offsets.map((least, index) => [`pg${index + 1}`, { 'clock-offset': { least, most: least + within } }] as const);
    expect(preflight('base', Object.fromEntries(seen))).toEqual(objections);
  });
});

describe('checks of the cluster', () => {
  const member = (rest: object = {}): object => ({
    answers: true,
    state: 'running',
    role: 'leader',
    scope: 'demo',
    version: '4',
    timeline: 1,
    pendingRestart: false,
    replication: [
      { application: 'pg2', state: 'streaming', syncState: 'async' },
      { application: 'pg3', state: 'startup', syncState: 'async' },
    ],
    cluster: [{ name: 'pg1', role: 'leader', state: 'running' }],
    ...rest,
  });
  const replica = member({ role: 'replica', state: 'streaming', replication: [] });

  it('prove leader, members and streaming', () => {
    expect(
      checks('patroni', {
        pg1: { [PATRONI_MEMBER.id]: member() },
        pg2: { [PATRONI_MEMBER.id]: replica },
        pg3: { [PATRONI_MEMBER.id]: replica },
      }),
    ).toEqual([
      'ok all: the cluster has a leader (pg1)',
      'ok pg1: Patroni’s member runs (leader, running, timeline 1)',
      'ok pg2: Patroni’s member runs (replica, streaming, timeline 1)',
      'ok pg3: Patroni’s member runs (replica, streaming, timeline 1)',
      'ok pg2: the replica streams (as the leader sees it)',
      'NO pg3: the replica streams (the leader has no streaming connection from it (it has: pg2 streaming, pg3 startup))',
    ]);
  });

  it('report a replica with WAL of its own, and what to do about it', () => {
    const state = {
      pg1: { [PATRONI_MEMBER.id]: member({ wal: { location: 0xa000060, paused: false } }) },
      pg2: { [PATRONI_MEMBER.id]: replica },
      pg3: {
        [PATRONI_MEMBER.id]: member({ role: 'replica', state: 'running', replication: [], wal: { replayed: 0xb0000a0, paused: false } }),
      },
    };
    expect(checks('patroni', state)).toContain(
      'NO pg3: the replica streams (it has WAL up to 0/B0000A0 that pg1 never wrote, which leads on the same timeline and is at 0/A000060, so it cannot stream)',
    );
    const behind = {
      ...state,
      pg3: { [PATRONI_MEMBER.id]: member({ role: 'replica', replication: [], wal: { replayed: 0xa000060, paused: false } }) },
    };
    expect(checks('patroni', behind).join()).not.toContain('never wrote');
  });

  it('fail for members that do not answer', () => {
    expect(
      checks('patroni', {
        pg1: { [PATRONI_MEMBER.id]: { answers: false } },
        pg2: { [PATRONI_MEMBER.id]: member({ state: 'starting', role: 'replica', cluster: [] }) },
      }),
    ).toEqual([
      'NO all: the cluster has a leader (no member holds the leader lock)',
      'NO pg1: Patroni’s member runs (the REST API does not answer)',
      'NO pg2: Patroni’s member runs (replica, starting, timeline 1)',
    ]);
    expect(checks('patroni', {})).toEqual([]);
  });

  it.each([
    {
      logins: [{ address: '10.0.0.1', systemIdentifier: '7' }],
      result: 'ok pg1: replicator logs in through .pgpass (logged in to 10.0.0.1)',
    },
    {
      logins: [
        { address: '10.0.0.1', systemIdentifier: '7' },
        { address: '10.0.0.2', error: 'no' },
      ],
      result: 'NO pg1: replicator logs in through .pgpass (10.0.0.2: no)',
    },
    {
      logins: [
        { address: '10.0.0.1', systemIdentifier: '7' },
        { address: '10.0.0.3', error: 'left out of the run' },
      ],
      result: 'ok pg1: replicator logs in through .pgpass (logged in to 10.0.0.1)',
    },
    { logins: [], result: 'NO pg1: replicator logs in through .pgpass (logged in to )' },
  ])('prove logins: $result', ({ logins, result }) =>
    expect(checks('replication', { pg1: { 'replication-login': logins }, pg2: {} }).slice(0, 1)).toEqual([result]),
  );
});

describe('remarks', () => {
  it('say once for all members that a restart is pending, with the one command', () => {
    const waits = { [PATRONI_MEMBER.id]: { answers: true, pendingRestart: true, scope: 'demo' } };
    const view = viewOf({ pg1: {}, pg2: waits, pg3: waits });
    const patroni = CATALOG.find(({ name }) => name === 'patroni');
    const words = `PostgreSQL needs a restart; when it suits you, run \`pgprov restart ${view.inventory.file} --pending\``;
    expect(['pg1', 'pg2', 'pg3'].map((host) => patroni?.remarks?.(view, host))).toEqual([[], [words], [words]]);
  });

  it('name the parameters that wait for a restart', () => {
    const remarks = (name: string, states: Record<string, unknown>): string[] => {
      const view = viewOf({ pg1: states });
      const told = CATALOG.find((role) => role.name === name)?.remarks?.(view, 'pg1') ?? [];
      return told.map((text) => text.replace(view.inventory.file, 'INVENTORY'));
    };
    expect(remarks('postgresql', { 'pending-restart': ['max_connections', 'wal_level'] })).toEqual([
      'restart pending for max_connections, wal_level',
    ]);
    expect(remarks('postgresql', {})).toEqual([]);
    expect(remarks('patroni', { [PATRONI_MEMBER.id]: { answers: true, pendingRestart: true, scope: 'demo' } })).toEqual([
      'PostgreSQL needs a restart; when it suits you, run `pgprov restart INVENTORY --pending`',
    ]);
  });
});

describe('passwords whose local copy was lost', () => {
  const PATHS = ['postgresql.superuser_password', 'replication.password', 'patroni.rewind_password', 'patroni.restapi_password'];
  const told = (name: string, seen: Seen, generated: string[], inventory?: Inventory): string[] => {
    const role = CATALOG.find((candidate) => candidate.name === name);
    return (role?.guards?.(viewOf(seen, inventory), { ...MATERIAL, generated }) ?? []).map(
      ({ kind, host, message, hint }) => `${kind} ${host ?? 'all'}: ${message} | ${hint}`,
    );
  };
  const managed = { type: 'file', owner: 'postgres', group: 'postgres', mode: '0600', content: Buffer.from('# Managed by pgprov\n') };
  const known = store({ initialize: '7', leader: 'pg1' });
  const member = { [DCS.id]: known, [ETCD_MEMBER.id]: etcd(), [DATA_DIRECTORY.id]: cluster('7'), 'file:/etc/patroni/config.yml': managed };
  const role = (server: string, verifier: string): object => ({ server, exists: true, verifier, attributes: [] });
  const foreign = 'SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy';

  it('are not made anew while the cluster runs, with advice where to find them', () => {
    const refusals = told('patroni', { pg1: { ...member, 'pg-role:replicator': role('primary', foreign) } }, ['replication.password']);
    expect(refusals.filter((text) => text.startsWith('refuse'))).toEqual([
      'refuse pg1: pg1: the cluster has passwords that this machine does not know: neither the inventory nor .pgprov/demo/passwords.yml has replication.password | ' +
        'bring .pgprov/demo/passwords.yml back from a backup; ' +
        'or write it anew from /etc/patroni/config.yml on pg1, which root can read: postgresql.authentication.replication.password as replication.password, one `NAME: value` a line; ' +
        'or give new ones in the inventory, which `apply` sets on all members at once: it logs in through the socket and needs no old one',
    ]);
  });

  it.each<{ title: string; seen: Seen; names: string }>([
    {
      title: 'PostgreSQL is down',
      seen: { pg1: member },
      names: 'postgresql.superuser_password, replication.password, patroni.rewind_password and patroni.restapi_password',
    },
    {
      title: 'only etcd knows the cluster',
      seen: { pg3: { [DCS.id]: known, [DATA_DIRECTORY.id]: { kind: 'absent' } } },
      names: 'and patroni.restapi_password',
    },
    {
      title: 'a member that is left out answers',
      seen: {
        pg3: {
          [DCS.id]: down,
          [DATA_DIRECTORY.id]: { kind: 'absent' },
          reachability: [{ address: '10.0.0.1', port: 8008, result: 'open' }],
        },
      },
      names: 'and patroni.restapi_password',
    },
  ])('are refused when $title', ({ seen, names }) => {
    const refusals = told('patroni', seen, PATHS).filter((text) => text.includes('does not know'));
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toContain(names);
  });

  it.each<{ title: string; seen: Seen; generated: string[] }>([
    {
      title: 'a cluster that is to be made',
      seen: { pg1: { [DCS.id]: store(), [ETCD_MEMBER.id]: etcd(), [DATA_DIRECTORY.id]: { kind: 'absent' } } },
      generated: PATHS,
    },
    { title: 'passwords that are kept', seen: { pg1: { ...member, 'pg-role:replicator': role('primary', foreign) } }, generated: [] },
  ])('are no problem when $title', ({ seen, generated }) => {
    expect(told('patroni', seen, generated).filter((text) => text.includes('does not know'))).toEqual([]);
  });

  it('are refused on a server without Patroni as well', () => {
    const seen = (verifier: string): Seen => ({ db: { 'pg-role:replicator': role('primary', verifier) } });
    expect(told('replication', seen(foreign), ['replication.password'], alone)).toHaveLength(1);
    expect(
      told('replication', { db: { 'pg-role:replicator': { ...role('primary', ''), exists: false } } }, ['replication.password'], alone),
    ).toEqual([]);
  });
});

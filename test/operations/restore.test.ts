import { describe, expect, it } from 'vitest';
import restore from '../../src/operations/restore.js';
import type { RestoreOptions } from '../../src/operations/shared/restore/seen.js';
import type { OperationRun } from '../../src/plan/operation.js';
import { BACKUP_ARCHIVE, type WalRun } from '../../src/resources/backup/archive.js';
import { BACKUP_INFO, type Backup, type BackupInfo } from '../../src/resources/backup/info.js';
import { BACKUP_MANIFESTS } from '../../src/resources/backup/manifests.js';
import { BACKUP_TIMERS } from '../../src/resources/backup/timers.js';
import { DATA_COPY, type DataCopy } from '../../src/resources/data-copy.js';
import { DATA_DIRECTORY, type ClusterData } from '../../src/resources/data-directory.js';
import { stoppedHandle } from '../../src/resources/patroni/stopped.js';
import { RESTORE_PLACE, type RestorePlace } from '../../src/resources/restore/place.js';
import { UNAPPROVED_DATA } from '../../src/resources/restore/unapproved-data.js';
import { WAL_WRITTEN, type WalWritten } from '../../src/resources/wal-written.js';
import { contextOf, inventoryOf } from '../support/inventory.js';
import { runSeen, type Seen } from './run-seen.js';

const inventory = await inventoryOf(`cluster: demo
hosts:
  pg1: {address: 192.0.2.1}
  pg2: {address: 192.0.2.2}
  pg3: {address: 192.0.2.3}
  repo1: {address: 192.0.2.4, roles: [base, pgdg, backup-repository]}
roles: [base, pgdg, postgresql, replication, etcd, patroni, backup]
`);
const PG = ['pg1', 'pg2', 'pg3'];
const GIB = 1_073_741_824;
const DATA = '/var/lib/postgresql/17/main';

/** Seconds since 1970 of a time of that day, in UTC. */
const at = (clock: string): number => Date.parse(`2026-11-29T${clock}Z`) / 1000;

const full = (clock: string, timeline: number, lsnStop: string, more: Partial<Backup> = {}): Backup => ({
  label: `20261129-${clock.replaceAll(':', '')}F`,
  type: 'full',
  repository: 1,
  database: 1,
  start: at(clock) - 60,
  stop: at(clock),
  size: GIB,
  delta: GIB,
  stored: GIB,
  timeline,
  lsnStop,
  needs: [],
  error: false,
  ...more,
});

/** A backup on timeline 3, and two on the present one, which began at 0/3000. */
const INFO: BackupInfo = {
  code: 0,
  now: at('06:00:00'),
  repositories: [{ repository: 1, status: 'ok', message: 'ok', encrypted: true, systemIdentifiers: ['7'] }],
  backups: [full('01:00:00', 3, '0/2000'), full('02:00:00', 4, '0/4000'), full('03:00:00', 4, '0/5000')],
  archives: [{ id: '17-1', repository: 1, database: 1, min: '000000010000000000000001', max: '000000040000000000000009' }],
};

/** Successive WAL files of the present timeline in the archive. */
const run = (log: number, first: number, final: number): WalRun => ({ database: '17-1', timeline: 4, log, first, final });

/** How far a cluster may have come. */
const WRITTEN: WalWritten = { location: '0/5000000', nextTransaction: 761, runningTransactions: [758] };

interface Made extends Pick<Seen, 'leader' | 'config' | 'off' | 'listed' | 'store'> {
  info?: Partial<BackupInfo>;
  copy?: Record<string, Partial<DataCopy>>;
  data?: Record<string, Partial<ClusterData>>;
  /** Members whose Patroni and PostgreSQL are down, and do not start at boot. */
  down?: readonly string[];
  /** What differs in what a member sees of the backups. */
  reads?: Record<string, Partial<BackupInfo>>;
  /** Of those, members whose PostgreSQL runs all the same. */
  runs?: readonly string[];
  place?: Partial<RestorePlace>;
  /** Of the others. */
  places?: Record<string, Partial<RestorePlace>>;
  timers?: { active?: string[]; held?: string[] };
  /** What the repository has of WAL, where it lacks some; by default nothing is missing. */
  archive?: WalRun[];
  /** How far pg1 has come. */
  written?: WalWritten;
  /** When the last WAL came. */
  last?: number;
  /** Timelines whose history is there. */
  histories?: number[];
  done?: string[];
  host?: string;
  /** Backups that have tablespaces. */
  tablespaces?: string[];
  /** Backups whose manifests cannot be read. */
  unreadable?: string[];
  /** A restore that put data on pg1 which nobody has approved. */
  unapproved?: string;
}

/** A cluster on timeline 4 in which pg1 leads and the others stream, but for what is given. */
function seen(made: Made, options: RestoreOptions = { time: '2026-11-29 05:00:00' }): OperationRun<RestoreOptions> {
  const { down = [], leader = 'pg1' } = made;
  const more = PG.map((name): [string, Record<string, unknown>] => [
    name,
    {
      [DATA_DIRECTORY.id]: {
        kind: 'cluster',
        version: '17',
        systemIdentifier: '7',
        clusterState: down.includes(name) ? 'shut down' : 'in production',
        copy: 'none',
        control: 'valid',
        running: !down.includes(name),
        position: { timeline: 4, checkpoint: '0/5000', nextOid: 1, lastRecord: down.includes(name) ? '0/5000' : undefined },
        history: { timeline: 4, forks: ['1 0/1000', '2 0/1800', '3 0/3000'] },
        ...made.data?.[name],
      },
      [DATA_COPY.id]: { identity: `${name}-old`, bytes: GIB, free: 10 * GIB, fixed: undefined, aside: {}, ...made.copy?.[name] },
      [stoppedHandle('patroni').id]: {
        patroni: !down.includes(name),
        postgresql: !down.includes(name) || made.runs?.includes(name) === true,
        enabled: !down.includes(name),
      },
      [RESTORE_PLACE.id]: {
        restored: [],
        restoring: false,
        unrecovered: false,
        server: 'down',
        said: [],
        databases: [],
        ...(name === 'pg1' ? made.place : made.places?.[name]),
      },
      [BACKUP_INFO.id]: { ...INFO, ...made.info, ...made.reads?.[name] },
      [UNAPPROVED_DATA.id]: name === 'pg1' && made.unapproved !== undefined ? { restore: made.unapproved } : undefined,
      [WAL_WRITTEN.id]: name === 'pg1' ? made.written : undefined,
    },
  ]);
  const repository = {
    [BACKUP_INFO.id]: { ...INFO, ...made.info },
    [BACKUP_TIMERS.id]: { active: [], held: [], ...made.timers },
    [BACKUP_MANIFESTS.id]: { tablespaces: made.tablespaces ?? [], unreadable: made.unreadable ?? [] },
    [BACKUP_ARCHIVE.id]: [
      {
        repository: 1,
        runs: made.archive ?? [],
        ...(made.last === undefined ? {} : { last: made.last }),
        ...(made.histories === undefined ? {} : { histories: made.histories.map((timeline) => ({ database: '17-1', timeline })) }),
      },
    ],
  };
  const run = runSeen(
    inventory,
    {
      leader: down.includes(leader ?? '') ? null : leader,
      config: made.config ?? {},
      off: made.off ?? [],
      listed: { repo1: null, ...made.listed },
      own: {
        ...Object.fromEntries([...down, 'repo1'].map((name) => [name, null])),
      },
      store: made.store === undefined ? {} : made.store,
      more: Object.fromEntries([...more, ['repo1', repository]]),
    },
    options,
    { done: made.done, chosenHosts: made.host === undefined ? undefined : [made.host] },
  );
  return options.id === undefined ? { ...run, options: restore.choose?.(run) ?? options } : run;
}

/** What was chosen of the cluster as it is by default. */
const CHOSEN: RestoreOptions = {
  time: '2026-11-29 05:00:00',
  id: 'R',
  member: 'pg1',
  set: '20261129-030000F',
  repository: 1,
  size: GIB,
  onto: 4,
  newest: 4,
  identifier: '7',
  former: '7',
  was: { pg1: 'pg1-old', pg2: 'pg2-old', pg3: 'pg3-old' },
};

const KEPT = Object.fromEntries(PG.map((name) => [name, { identity: '', aside: { [`${name}-old`]: `${DATA}.aside-1` } }]));
const ASIDE: Made = { down: PG, copy: KEPT, store: { leader: '' } };
const restored = (place: Partial<RestorePlace> = {}, more: Made = {}): Made => ({
  ...ASIDE,
  copy: { ...KEPT, pg1: { ...KEPT['pg1'], identity: 'new' } },
  place: { restored: ['R.new'], ...place },
  ...more,
});

/** Clients were let in. */
const LET_IN = { restored: ['R.new', 'R.let-in'] };

/** All members have the restored data, in copies that were made later. */
const COPIED = Object.fromEntries(PG.map((name) => [name, { identity: `${name}-copy`, aside: { [`${name}-old`]: `${DATA}.aside-1` } }]));

const ids = (run: OperationRun<RestoreOptions>): string[] =>
  restore.remaining(run).steps.map(({ id, ...step }) => ('on' in step ? `${id} ${step.on.join()}` : id));
const objection = (made: Made, options?: RestoreOptions): string | undefined => restore.guards?.(seen(made, options))[0]?.message;
const LANDING = ['note pg1,pg2,pg3', 'lead pg1', 'others pg2,pg3', 'follow pg1', 'backup-repo1 repo1'];

describe('what a restore is given', () => {
  const problem = (options: RestoreOptions, hosts?: string[]): string | undefined =>
    restore.problems?.({ inventory, catalog: [], kept: seen({}).kept, chosenHosts: hosts, options })[0]?.message;

  it.each<{ options: RestoreOptions; hosts?: string[]; says: string | undefined }>([
    { options: { time: '2026-11-29 05:00:00+01' }, says: undefined },
    { options: { backup: '20261129-010000F' }, says: undefined },
    { options: { name: 'before', backup: '20261129-010000F' }, hosts: ['pg2'], says: undefined },
    { options: {}, says: 'where is the restore to end?' },
    { options: { time: '2026-11-29 05:00:00', latest: true }, says: '--time and --latest are given, and a restore has one end' },
    { options: { time: '2026-02-30 05:00:00' }, says: 'there is no such time as 2026-02-30 05:00:00' },
    { options: { undo: true }, says: 'this machine knows of no unfinished restore of demo, so there is none to take back' },
    { options: { latest: true }, hosts: ['pg1', 'pg2'], says: 'one member restores, and the others copy its data' },
    { options: { latest: true }, hosts: ['repo1'], says: 'there is no member "repo1"' },
  ])('$options $hosts: $says', ({ options, hosts, says }) => expect(problem(options, hosts)).toBe(says));
});

describe('what a restore chooses', () => {
  const chosen = (options: RestoreOptions, made: Made = {}): RestoreOptions => seen(made, options).options;

  it.each<{ title: string; options: RestoreOptions; set: string | undefined; onto: number }>([
    { title: 'the newest backup that ended before a time', options: { time: '2026-11-29 02:30:00' }, set: '20261129-020000F', onto: 4 },
    { title: 'one of an earlier timeline', options: { time: '2026-11-29T02:30:00+01:00' }, set: '20261129-010000F', onto: 4 },
    { title: 'none for a time before the first', options: { time: '2026-11-29 00:59:00' }, set: undefined, onto: 4 },
    { title: 'the newest that ended before a location', options: { lsn: '0/4500' }, set: '20261129-020000F', onto: 4 },
    { title: 'the newest of all for the latest', options: { latest: true }, set: '20261129-030000F', onto: 4 },
    {
      title: 'the one that is given, to its end on its own timeline',
      options: { backup: '20261129-010000F' },
      set: '20261129-010000F',
      onto: 3,
    },
    { title: 'one of the timeline that is given', options: { latest: true, timeline: 3 }, set: '20261129-010000F', onto: 3 },
  ])('$title', ({ options, set, onto }) =>
    expect(chosen(options)).toMatchObject({ ...(set === undefined ? {} : { set }), onto, newest: 4 }),
  );

  it('passes over a backup after the point at which the cluster left its timeline', () => {
    const late = full('04:00:00', 3, '0/3500');
    expect(chosen({ latest: true }, { info: { backups: [...INFO.backups, late] } }).set).toBe('20261129-030000F');
  });

  it('passes over a backup whose checksums did not match, unless it is given', () => {
    const broken = full('04:00:00', 4, '0/5500', { error: true });
    const info = { backups: [...INFO.backups, broken] };
    expect(chosen({ latest: true }, { info }).set).toBe('20261129-030000F');
    expect(chosen({ latest: true, backup: broken.label }, { info }).set).toBe(broken.label);
  });

  it('takes the leader, or a member with room', () => {
    expect(chosen({ latest: true }).member).toBe('pg1');
    expect(chosen({ latest: true }, { copy: { pg1: { free: 0 } } }).member).toBe('pg2');
    expect(chosen({ latest: true }, { host: 'pg3' }).member).toBe('pg3');
  });

  it('follows the timelines of the backups where the cluster is another one', () => {
    const data = Object.fromEntries(
      PG.map((name) => [name, { systemIdentifier: '8', position: { timeline: 1, checkpoint: '0/1', nextOid: 1, lastRecord: undefined } }]),
    );
    expect(chosen({ latest: true }, { data, store: { initialize: '8' } })).toMatchObject({ onto: 4, identifier: '7', former: '8' });
  });
});

const LEFT =
  'at 2026-11-29 02:45:00 UTC demo was on timeline 3, which a restore left for what was there at 2026-11-29 02:30:00 UTC: timeline 4 has nothing of that time';

describe('the guards of a restore', () => {
  it('begin none over data of another one, which another machine began and nobody has approved', () => {
    const made: Made = { down: PG, store: { leader: '' }, unapproved: 'Q' };
    expect(objection(made)).toBe('pg1 has data of a restore that is not finished (Q): nobody has let clients in to it');
    expect(objection(restored({ server: 'open' }, { unapproved: 'R' }), { ...CHOSEN, approve: true })).toBeUndefined();
    expect(objection(restored({ server: 'open' }, { unapproved: 'R' }), { ...CHOSEN, undo: true })).toBeUndefined();
  });

  it.each<{ title: string; made: Made; options?: RestoreOptions; says: string | undefined }>([
    { title: 'all is well', made: {}, says: undefined },
    {
      title: 'a host is away',
      made: { off: ['pg3'] },
      says: 'pg3 cannot be reached: it would take the lead with the data that it has, if it came back while nobody leads',
    },
    {
      title: 'maintenance mode',
      made: { config: { pause: true } },
      says: 'the cluster is in maintenance mode, in which Patroni leaves the members alone',
    },
    { title: 'no backups', made: { info: { backups: [] } }, says: 'there is no backup to restore' },
    {
      title: 'a backup with tablespaces',
      made: { tablespaces: ['20261129-010000F', '20261129-030000F'] },
      says: 'backup 20261129-030000F has tablespaces: they would be restored to the same paths, and what is there could not be kept',
    },
    {
      title: 'a backup without its manifest',
      made: { unreadable: ['20261129-030000F'] },
      says: 'backup 20261129-030000F cannot be restored: its manifest is not there, or is damaged',
    },
    { title: 'tablespaces in another backup', made: { tablespaces: ['20261129-010000F'] }, says: undefined },
    {
      title: 'backups of another database, in which WAL arrives',
      made: { store: { initialize: '8' }, last: at('05:59:00') },
      says: 'the backups are of another database, and WAL arrived in them 60 s ago: a cluster that lives archives under the stanza demo',
    },
    {
      title: 'backups of another database that is lost',
      made: { store: { initialize: '8' }, last: at('05:50:00') },
      says: undefined,
    },
    { title: 'backups of its own, in which WAL arrives', made: { last: at('05:59:59') }, says: undefined },
    {
      title: 'a timeline that there was never',
      made: {},
      options: { latest: true, timeline: 9 },
      says: 'there is no timeline 9: the newest is 4',
    },
    {
      title: 'a timeline without its history',
      made: { histories: [2, 3] },
      options: { latest: true, backup: '20261129-010000F', timeline: 4 },
      says: 'repository 1 has no history of timeline 4, so PostgreSQL cannot follow it from backup 20261129-010000F',
    },
    {
      title: 'a timeline with its history',
      made: { histories: [2, 3, 4] },
      options: { latest: true, backup: '20261129-010000F', timeline: 4 },
      says: undefined,
    },
    {
      title: 'a location that is not written yet',
      made: { written: WRITTEN },
      options: { lsn: '9F/0' },
      says: 'WAL location 9F/0 is in the future: pg1 has written to 0/5000000',
    },
    { title: 'a location that is written', made: { written: WRITTEN }, options: { lsn: '0/5000000' }, says: undefined },
    {
      title: 'a transaction that is not begun yet',
      made: { written: WRITTEN },
      options: { xid: '761' },
      says: 'transaction 761 is in the future: the last one that has ended on pg1 is 760',
    },
    {
      title: 'a transaction that runs',
      made: { written: WRITTEN },
      options: { xid: '758' },
      says: 'transaction 758 has not ended yet: it runs on pg1',
    },
    { title: 'a transaction that has ended', made: { written: WRITTEN }, options: { xid: '760' }, says: undefined },
    {
      title: 'a transaction of another timeline, which may have come further',
      made: { written: WRITTEN, histories: [2, 3, 4] },
      options: { xid: '799', timeline: 3 },
      says: undefined,
    },
    {
      title: 'a repository host whose clock is behind those of the members',
      made: { info: { now: at('04:00:00') }, reads: { pg2: { now: at('06:00:00') } } },
      says: undefined,
    },
    {
      title: 'a passphrase that is another one, in one line',
      made: {
        info: {
          backups: [],
          repositories: [
            {
              repository: 1,
              status: 'failed',
              message:
                "[FormatError] unable to load info file 'backup.info':\nFormatError: key/value found outside of section\nHINT: run stanza-create",
              encrypted: true,
              systemIdentifiers: [],
            },
          ],
        },
      },
      says: "the backups cannot be read: [FormatError] unable to load info file 'backup.info': FormatError: key/value found outside of section",
    },
    { title: 'unreadable backups', made: { info: { problem: 'wrong passphrase' } }, says: 'the backups cannot be read: wrong passphrase' },
    {
      title: 'a backup is being made',
      made: { info: { running: {} } },
      says: 'a backup is being made, and what it expires at its end may be what a restore needs',
    },
    {
      title: 'a time in the future',
      made: {},
      options: { time: '2026-11-29 06:00:01' },
      says: '2026-11-29 06:00:01 UTC is in the future: it is 2026-11-29 06:00:00 UTC there',
    },
    {
      title: 'a time before the first backup',
      made: {},
      options: { time: '2026-11-29 00:30:00' },
      says: 'no backup ended before 2026-11-29 00:30:00 UTC: the oldest that leads to timeline 4, 20261129-010000F, ended at 2026-11-29 01:00:00 UTC (0/2000)',
    },
    ...[
      { time: '2026-11-29 02:29:59', says: undefined },
      { time: '2026-11-29 02:45:00', says: LEFT },
      { time: '2026-11-29 02:45:00', timeline: 3, says: undefined },
      { time: '2026-11-29 03:10:00', says: undefined },
    ].map(({ says, ...options }) => ({
      title: `a time that a restore went back before: ${options.time}, timeline ${options.timeline ?? 'of now'}`,
      made: {
        store: {
          timelineEnds: [
            { timeline: 3, at: 0x3000, reason: 'before 2026-11-29 02:30:00.5+00', time: undefined, leader: undefined },
            { timeline: 3, at: 0x3000, reason: 'no recovery target specified', time: '2026-11-29T03:05:00+00:00', leader: 'pg1' },
          ],
        },
      },
      options,
      says,
    })),
    { title: 'a backup that there is not', made: {}, options: { backup: '20261129-040000F' }, says: 'there is no backup 20261129-040000F' },
    {
      title: 'a backup that is too new',
      made: {},
      options: { backup: '20261129-030000F', time: '2026-11-29 02:30:00' },
      says: 'backup 20261129-030000F does not lead to 2026-11-29 02:30:00 UTC on timeline 4',
    },
    {
      title: 'a member without room, which copies the restored data',
      made: { copy: { pg3: { free: GIB } } },
      says: 'there is no room for the restored data beside what is there: 1.1 GiB is needed on every member, and 1 GiB on pg3 is free',
    },
    {
      title: 'no room',
      made: { copy: Object.fromEntries(PG.map((name) => [name, { free: GIB }])) },
      says: 'there is no room for the restored data beside what is there: 1.1 GiB is needed on every member, and 1 GiB on pg1, 1 GiB on pg2 and 1 GiB on pg3 are free',
    },
    {
      title: 'a mount point',
      made: { copy: { pg2: { fixed: 'is a mount point' } } },
      says: 'the data directory of pg2 is a mount point, so what is in it cannot be put aside',
    },
    {
      title: 'a lease that is not over',
      made: { down: PG, store: { leader: 'pg1' } },
      options: CHOSEN,
      says: 'nobody runs, and pg1 still holds the lease of the lead',
    },
  ])('$title', ({ made, options, says }) => expect(objection(made, options)).toBe(says));

  it.each<{ title: string; options: RestoreOptions; refused: boolean }>([
    { title: 'before a backup that begins after the target', options: { time: '2026-11-29 02:30:00' }, refused: true },
    { title: 'after it', options: { time: '2026-11-29 01:30:00' }, refused: false },
    { title: 'before a location', options: { lsn: '0/2B000000', backup: '20261129-010000F' }, refused: true },
    { title: 'after it', options: { lsn: '0/29FFFFFF', backup: '20261129-010000F' }, refused: false },
    { title: 'before the backup', options: { latest: true }, refused: false },
    { title: 'after the end of a backup', options: { backup: '20261129-010000F' }, refused: false },
  ])('look for WAL that is missing: $title', ({ options, refused }) => {
    const wal = ['28', '29', '2C'].map((file) => `0000000000000000${file}`.slice(-16));
    const backups = INFO.backups.map((backup, index) => ({
      ...backup,
      walStart: `00000004${wal[index]}`,
      walStop: `00000004${wal[index]}`,
    }));
    const words = objection({ info: { backups }, archive: [run(0, 0x20, 0x29), run(0, 0x2c, 0x30)] }, options);
    expect(words?.includes('repository 1 lacks the WAL files 000000000000002A to 000000000000002B') ?? false).toBe(refused);
  });

  it.each<{ title: string; archive: WalRun[]; options?: RestoreOptions; lacks: string | undefined }>([
    { title: 'goes on with the next log after 64 files', archive: [run(0, 0x38, 0x3f), run(1, 0, 3)], lacks: undefined },
    { title: 'lacks the last file of a log', archive: [run(0, 0x38, 0x3e), run(1, 0, 3)], lacks: '000000000000003F' },
    { title: 'lacks the first file of a log', archive: [run(0, 0x38, 0x3f), run(1, 1, 3)], lacks: '0000000100000000' },
    {
      title: 'lacks a file beyond a location',
      archive: [run(0, 0x38, 0x3f), run(1, 0, 1), run(1, 3, 3)],
      options: { lsn: '1/7FFFFFF' },
      lacks: undefined,
    },
    {
      title: 'lacks the file of a location',
      archive: [run(0, 0x38, 0x3f), run(1, 0, 1), run(1, 3, 3)],
      options: { lsn: '1/8000000' },
      lacks: '0000000100000002',
    },
  ])('read WAL files of 64 MiB, as the cluster has them: the archive $title', ({ archive, options = { latest: true }, lacks }) => {
    const backups = [full('03:00:00', 4, '0/E0000100', { walStart: '000000040000000000000038', walStop: '000000040000000000000038' })];
    const data = Object.fromEntries(PG.map((name) => [name, { segment: 67_108_864 }]));
    const words = objection({ info: { backups }, data, archive }, options);
    expect(words).toEqual(lacks === undefined ? undefined : expect.stringContaining(`lacks the WAL files ${lacks} (of any timeline)`));
  });

  it('wait for approval when the data has been recovered, and tell what was reached', () => {
    const place = {
      server: 'open' as const,
      timeline: 5,
      said: [
        'LOG:  recovery stopping before commit of transaction 761, time 2026-11-29 05:00:01+00',
        'LOG:  last completed transaction was at log time 2026-11-29 04:59:59+00',
      ],
      databases: [{ name: 'app', bytes: 2 * GIB }],
    };
    const [found] = restore.guards?.(seen(restored(place), CHOSEN)) ?? [];
    expect(found?.error).toBe('restore/awaits-approval');
    expect(found?.message).toBe(
      'the restore waits for your approval: PostgreSQL has ended its recovery on pg1, on timeline 5; it stopped before commit of transaction 761, time 2026-11-29 05:00:01+00; the last commit in it is of 2026-11-29 04:59:59+00; it has app (2 GiB)',
    );
    expect(found?.hint).toContain('as root on pg1, `runuser -u postgres -- psql -h /run/pgprov-restored -p 5432 postgres`');
    expect(objection(restored(place), { ...CHOSEN, approve: true })).toBeUndefined();
    expect(objection(restored(place), { ...CHOSEN, undo: true })).toBeUndefined();
  });

  it('take nothing back once clients were let in', () => {
    const made = restored(LET_IN, { down: ['pg2', 'pg3'], leader: 'pg1', store: {} });
    expect(objection(made, { ...CHOSEN, undo: true })).toBe(
      'pg1 has been started with the restored data, and clients may have written since, so it is not taken back',
    );
    expect(objection(made, CHOSEN)).toBeUndefined();
  });

  it('take nothing back either where the member that restored has copied its data anew', () => {
    const made = { copy: COPIED, places: { pg2: LET_IN }, leader: 'pg2', store: {} };
    expect(objection(made, { ...CHOSEN, undo: true })).toContain('clients may have written since, so it is not taken back');
  });

  it('say so where nobody knows who of what is back is to be started first', () => {
    const blind = { timeline: 4, checkpoint: '0/5000', nextOid: 1, lastRecord: undefined };
    const made: Made = { down: PG, store: { leader: '' }, data: { pg2: { clusterState: 'shut down in recovery', position: blind } } };
    expect(objection(made, { ...CHOSEN, undo: true })).toBe(
      'what was there is back in its place, and who has the last commits is not known: it is unknown how far the WAL of pg2 goes',
    );
    expect(objection({ ...made, down: ['pg2', 'pg3'] }, { ...CHOSEN, undo: true })).toBeUndefined();
    expect(objection({ ...made, ...ASIDE }, { ...CHOSEN, undo: true })).toBeUndefined();
  });

  it('do not take back what is not there any more', () => {
    expect(objection({ ...ASIDE, copy: { ...KEPT, pg2: { identity: '' } } }, { ...CHOSEN, undo: true })).toBe(
      'the data that pg2 had before the restore is not beside its place any more, so it cannot come back',
    );
  });
});

describe('the steps of a restore', () => {
  const timers = { active: ['pgprov-backup@full.timer'] };

  it('end before clients are let in, unless that is approved', () => {
    const prepared = [
      'whole pg1',
      'archive pg1',
      'hold repo1',
      'stop-standbys pg2,pg3',
      'stop-leader pg1',
      'aside pg1,pg2,pg3',
      'restore pg1',
      'look pg1',
    ];
    expect(ids(seen({ timers }, CHOSEN))).toEqual(prepared);
    expect(restore.remaining(seen({}, CHOSEN)).then).toContain('restore');
    expect(ids(seen({ timers }, { ...CHOSEN, approve: true }))).toEqual([...prepared, ...LANDING, 'schedule repo1']);
  });

  it.each<{ title: string; made: Made; options?: RestoreOptions; steps: string[] }>([
    {
      title: 'members are down',
      made: { down: PG, store: { leader: '' } },
      steps: ['whole pg1', 'aside pg1,pg2,pg3', 'restore pg1', 'look pg1'],
    },
    { title: 'one has its data still', made: { ...ASIDE, copy: { ...KEPT, pg2: {} } }, steps: ['aside pg2', 'restore pg1', 'look pg1'] },
    { title: 'the data is aside', made: ASIDE, steps: ['restore pg1', 'look pg1'] },
    { title: 'another restore’s data is there', made: restored({ restored: ['Q.new'] }), steps: ['restore pg1', 'look pg1'] },
    { title: 'the backup is there', made: restored({ unrecovered: true }), steps: ['look pg1'] },
    { title: 'it recovers', made: restored({ unrecovered: true, server: 'recovering' }), steps: ['look pg1'] },
    {
      title: 'it can be looked at, in a server that Patroni does not run',
      made: restored({ server: 'open' }, { runs: ['pg1'] }),
      steps: [],
    },
    {
      title: 'the private server is on its way down',
      made: restored({ server: 'ending' }, { runs: ['pg1'], data: { pg1: { clusterState: 'in production' } } }),
      options: { ...CHOSEN, approve: true },
      steps: ['end pg1', ...LANDING],
    },
    { title: 'the private server is gone', made: restored(), steps: ['look pg1'] },
    { title: 'it is approved', made: restored({ server: 'open' }), options: { ...CHOSEN, approve: true }, steps: ['end pg1', ...LANDING] },
    { title: 'the private server has ended', made: restored(), options: { ...CHOSEN, approve: true }, steps: LANDING },
    {
      title: 'the private server was cut off',
      made: restored({}, { data: { pg1: { clusterState: 'in production' } } }),
      options: { ...CHOSEN, approve: true },
      steps: ['look pg1', ...LANDING],
    },
    {
      title: 'the store knows of the former leader',
      made: restored(
        {},
        {
          store: {
            leader: '',
            keys: [
              { key: 'status', bytes: 1, value: '{}' },
              { key: 'config', bytes: 2, value: '{}' },
            ],
          },
        },
      ),
      options: { ...CHOSEN, approve: true },
      steps: ['store pg1', ...LANDING],
    },
    {
      title: 'the store has another identifier',
      made: restored({}, { store: { leader: '', initialize: '8' } }),
      options: { ...CHOSEN, approve: true },
      steps: ['store pg1', ...LANDING],
    },
    {
      title: 'the host of the member that was let in has booted, and Patroni is down',
      made: restored(LET_IN),
      steps: LANDING,
    },
    { title: 'all have noted just now that clients are let in', made: restored(LET_IN, { done: ['note'] }), steps: LANDING.slice(1) },
    {
      title: 'clients are let in, without another word',
      made: restored(LET_IN, { down: ['pg2', 'pg3'], leader: 'pg1', store: {}, listed: { pg2: null, pg3: null }, timers: { held: ['x'] } }),
      steps: ['others pg2,pg3', 'follow pg1', 'backup-repo1 repo1', 'schedule repo1'],
    },
    {
      title: 'the member that restored has copied its data anew, after another one took over',
      made: {
        copy: COPIED,
        place: LET_IN,
        leader: 'pg2',
        store: {},
        timers: { held: ['x'] },
      },
      steps: ['backup-repo1 repo1', 'schedule repo1'],
    },
    {
      title: 'the member that restored is another machine, which knows of nothing',
      made: { copy: COPIED, places: { pg2: LET_IN }, leader: 'pg2', store: {} },
      steps: ['backup-repo1 repo1'],
    },
    {
      title: 'clients were let in, all are down, and another one has the last commits',
      made: {
        down: PG,
        copy: COPIED,
        place: LET_IN,
        store: { leader: '' },
        data: { pg2: { position: { timeline: 5, checkpoint: '0/6000', nextOid: 1, lastRecord: '0/6000' } } },
      },
      steps: ['note pg1,pg2,pg3', 'lead pg2', 'others pg1,pg3', 'follow pg2', 'backup-repo1 repo1'],
    },
    {
      title: 'all stream, and there is a backup',
      made: restored(LET_IN, { down: [], leader: 'pg1', store: {}, info: { backups: [full('06:30:00', 6, '0/9000')] } }),
      steps: [],
    },
  ])('go on where they were cut off: $title', ({ made, options = CHOSEN, steps }) => expect(ids(seen(made, options))).toEqual(steps));

  it('set pgBackRest up first where it was not', () => {
    const reads = { pg1: { backups: [] }, pg2: { problem: 'pgBackRest is not installed' } };
    expect(ids(seen({ reads }, CHOSEN)).slice(0, 3)).toEqual(['reach pg1,pg2', 'whole pg1', 'archive pg1']);
    expect(objection({ reads }, CHOSEN)).toBeUndefined();
    expect(objection({ reads: { pg1: { problem: 'no way' } }, done: ['reach'] }, CHOSEN)).toBe('pg1 cannot read the backups: no way');
    expect(objection({ reads: { pg2: { problem: 'no way' } }, done: ['reach'] }, CHOSEN)).toBeUndefined();
  });

  it('bring back what was there', () => {
    const undo: RestoreOptions = { ...CHOSEN, undo: true };
    expect(ids(seen(restored({ server: 'open' }), undo))).toEqual(['end pg1', 'return pg1,pg2,pg3']);
    expect(ids(seen({ ...ASIDE, place: { restoring: true } }, undo))).toEqual(['break-off pg1', 'return pg1,pg2,pg3']);
    expect(ids(seen({ down: PG, store: { leader: '' }, timers: { held: ['x'] } }, undo))).toEqual([
      'start-first pg1',
      'start-others pg2,pg3',
      'follow pg1',
      'schedule repo1',
    ]);
    expect(ids(seen({ down: PG, store: { leader: '', initialize: '9' } }, undo))).toEqual(['store pg1']);
    expect(ids(seen({}, undo))).toEqual([]);
    expect(ids(seen({ down: ['pg2', 'pg3'], leader: null, store: { leader: '' } }, undo))).toEqual(['listed pg1']);
    const bare = { ...CHOSEN.was, pg1: '' };
    expect(ids(seen(restored(), { ...undo, was: bare }))).toEqual(['return pg2,pg3', 'aside pg1']);
  });

  it('stop what somebody has started by hand, before they wait for approval and before anything is put back', () => {
    const byHand = restored({ server: 'open' }, { down: ['pg2', 'pg3'], leader: null, store: { leader: '' } });
    expect(objection(byHand, CHOSEN)).toBeUndefined();
    expect(ids(seen(byHand, CHOSEN))).toEqual(['stop-standbys pg1']);
    expect(ids(seen(byHand, { ...CHOSEN, undo: true }))).toEqual(['stop-standbys pg1', 'end pg1', 'return pg1,pg2,pg3']);
  });

  it.each([
    {
      title: 'WAL is damaged',
      said: 'ERROR: [042]: unable to get 000000010000000000000003:\n       repo1: 17-1/0000000100000000/000000010000000000000003-80.gz [FormatError] zlib threw error: [-3] data error',
      advice: /^WAL on the way there is damaged in repository 1: give this command with --undo, .*pgprov backup verify/u,
    },
    {
      title: 'the archive ends before',
      said: 'FATAL:  recovery ended before configured recovery target was reached',
      advice: /^nothing as late as that is archived on timeline 4/u,
    },
    { title: 'another thing is wrong', said: 'FATAL:  could not map anonymous shared memory', advice: undefined },
  ])('say what to do where the recovery ends because $title', ({ said, advice }) => {
    const look = restore.remaining(seen({}, CHOSEN)).steps.find(({ id }) => id === 'look');
    const [gate] = look !== undefined && 'gates' in look ? (look.gates?.(contextOf(inventory, 'pg1')) ?? []) : [];
    const found = gate?.advice?.(said);
    if (advice === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(advice);
  });

  it('end with the way back, which is another restore, unless what was there is of another database', () => {
    const back = 'restore .* --latest --timeline 4` goes back to what was there before';
    expect(restore.finished?.(seen({}, CHOSEN))).toMatch(new RegExp(back, 'u'));
    expect(restore.finished?.(seen({}, { ...CHOSEN, former: '8' }))).not.toContain('goes back');
    expect(restore.finished?.(seen({}, { ...CHOSEN, undo: true }))).not.toContain('goes back');
  });

  it('ask what is meant', () => {
    expect(restore.question?.(seen({}, CHOSEN))).toBe(
      'What was committed since will be in the data that is put aside alone. Restore demo to 2026-11-29 05:00:00 UTC?',
    );
    expect(restore.question?.(seen({ store: { initialize: '8' } }, { ...CHOSEN, former: '8' }))).toContain(
      'The backups are of another database (system identifier 7) than demo has now (8).',
    );
    expect(restore.question?.(seen(restored({ server: 'open' }), { ...CHOSEN, approve: true }))).toBe(
      'Let clients of demo in to the restored data?',
    );
  });
});

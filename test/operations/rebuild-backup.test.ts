import { describe, expect, it } from 'vitest';
import rebuild from '../../src/operations/rebuild.js';
import type { RebuildOptions } from '../../src/operations/shared/rebuild/seen.js';
import type { OperationRun } from '../../src/plan/operation.js';
import { BACKUP_ARCHIVE, type WalRun } from '../../src/resources/backup/archive.js';
import { BACKUP_INFO, type Backup, type BackupInfo } from '../../src/resources/backup/info.js';
import { BACKUP_MANIFESTS } from '../../src/resources/backup/manifests.js';
import { BACKUP_TIMERS } from '../../src/resources/backup/timers.js';
import { DATA_COPY, type DataCopy } from '../../src/resources/data-copy.js';
import { DATA_DIRECTORY, type ClusterData, type DataDirectoryState } from '../../src/resources/data-directory.js';
import { stoppedHandle } from '../../src/resources/patroni/stopped.js';
import { RESTORE_PLACE, type RestorePlace } from '../../src/resources/restore/place.js';
import { WAL_KEPT } from '../../src/resources/wal-kept.js';
import { inventoryOf } from '../support/inventory.js';
import { runSeen, type Seen } from './run-seen.js';

const MEMBERS = `cluster: demo
roles: [base, pgdg, postgresql, replication, etcd, patroni, backup]
hosts:
  pg1: 192.0.2.1
  pg2: 192.0.2.2
  pg3: 192.0.2.3
  repo1: {address: 192.0.2.4, roles: [base, pgdg, backup-repository]}
`;
const inventory = await inventoryOf(MEMBERS);
const without = await inventoryOf(
  MEMBERS.replace(', backup]\nhosts', ']\nhosts')
    .split('\n')
    .filter((line) => !line.includes('repo1'))
    .join('\n'),
);
const PG = ['pg1', 'pg2', 'pg3'];
const GIB = 1_073_741_824;
const DATA = '/var/lib/postgresql/17/main';

const full = (label: string, timeline: number, lsnStop: string, file: number, more: Partial<Backup> = {}): Backup => ({
  label,
  type: 'full',
  repository: 1,
  database: 1,
  start: 1000,
  stop: 1060,
  size: GIB,
  delta: GIB,
  stored: GIB,
  timeline,
  lsnStop,
  walStart: `0000000${timeline}000000000000000${file}`,
  walStop: `0000000${timeline}000000000000000${file}`,
  needs: [],
  error: false,
  ...more,
});

/** Timeline 3 was left at 0/3000000. */
const INFO: BackupInfo = {
  code: 0,
  now: 2000,
  repositories: [{ repository: 1, status: 'ok', message: 'ok', encrypted: true, systemIdentifiers: ['7'] }],
  backups: [full('old', 3, '0/2000100', 2), full('new', 4, '0/4000100', 4)],
  archives: [{ id: '17-1', repository: 1, database: 1, min: '000000030000000000000001', max: '000000040000000000000009' }],
};

interface Made {
  info?: Partial<BackupInfo>;
  /** What pg3 sees of the backups; default: as the repository host. */
  reads?: BackupInfo | null;
  archive?: WalRun[];
  /** Backups whose manifests cannot be read. */
  unreadable?: string[];
  /** The number of the leader's oldest WAL file. */
  oldest?: number;
  copy?: Partial<DataCopy>;
  data?: Partial<ClusterData> | DataDirectoryState;
  place?: Partial<RestorePlace>;
  /** Patroni runs on pg3. */
  up?: boolean;
  timers?: { active?: string[]; held?: string[] };
  listed?: Seen['listed'];
  done?: string[];
}

/** A cluster on timeline 4 in which pg1 leads and the others stream, but for what is given of pg3. */
function seen(made: Made, options: RebuildOptions = {}): OperationRun<RebuildOptions> {
  const info = { ...INFO, ...made.info };
  const { up = true, reads = info } = made;
  const members = PG.map((name): [string, Record<string, unknown>] => {
    const isIt = name === 'pg3';
    const data = {
      kind: 'cluster',
      version: '17',
      systemIdentifier: '7',
      clusterState: 'in archive recovery',
      copy: 'none',
      control: 'valid',
      running: up || !isIt,
      position: { timeline: 4, checkpoint: '0/9000000', nextOid: 1, lastRecord: undefined },
      history: { timeline: 4, forks: ['1 0/1000000', '2 0/1800000', '3 0/3000000'] },
      ...(isIt ? made.data : {}),
    };
    return [
      name,
      {
        [DATA_DIRECTORY.id]: data,
        [DATA_COPY.id]: { identity: `${name}-old`, bytes: GIB, free: 10 * GIB, fixed: undefined, aside: {}, ...(isIt ? made.copy : {}) },
        [WAL_KEPT.id]: { oldest: made.oldest ?? 7, segmentBytes: 16_777_216, restores: true },
        'slots-in-use': ['pg2', 'pg3'],
        ...(isIt
          ? {
              [stoppedHandle('patroni').id]: { patroni: up, postgresql: up, enabled: true },
              [RESTORE_PLACE.id]: {
                restored: [],
                restoring: false,
                unrecovered: false,
                server: 'down',
                said: [],
                databases: [],
                ...made.place,
              },
              ...(reads === null ? {} : { [BACKUP_INFO.id]: reads }),
            }
          : {}),
      },
    ];
  });
  const repository = {
    [BACKUP_INFO.id]: info,
    [BACKUP_TIMERS.id]: { active: [], held: [], ...made.timers },
    [BACKUP_ARCHIVE.id]: [{ repository: 1, runs: made.archive ?? [] }],
    [BACKUP_MANIFESTS.id]: { tablespaces: [], unreadable: made.unreadable ?? [] },
  };
  const run = runSeen(
    inventory,
    {
      listed: { repo1: null, ...(up ? {} : { pg3: null }), ...made.listed },
      own: { repo1: null, ...(up ? {} : { pg3: null }) },
      more: Object.fromEntries([...members, ['repo1', repository]]),
    },
    { member: 'pg3', from: 'backup' as const, ...options },
    { done: made.done, chosenHosts: ['pg3'] },
  );
  return options.was === undefined ? { ...run, options: rebuild.choose?.(run) ?? run.options } : run;
}

/** What was chosen of the cluster as it is by default. */
const CHOSEN: RebuildOptions = { was: 'pg3-old', id: 'R', set: 'new', repository: 1, size: GIB };
const ids = (made: Made, options?: RebuildOptions): string[] =>
  rebuild.remaining(seen(made, options)).steps.map(({ id, ...step }) => ('on' in step ? `${id} ${step.on.join()}` : id));
const objection = (made: Made, options?: RebuildOptions): string | undefined => rebuild.guards?.(seen(made, options))[0]?.message;

/** The data is aside, Patroni down, and that is in its place. */
const aside = (identity: string, more: Made = {}): Made => ({
  up: false,
  copy: { identity, aside: { 'pg3-old': `${DATA}.aside-1` } },
  ...more,
});
const EMPTY: DataDirectoryState = { kind: 'empty' };
const LAST = ['start pg3', 'follow pg1'];
const FROM_RESTORE = ['restore pg3', 'replay pg3', ...LAST];

describe('a rebuild from the repository', () => {
  it('takes the newest backup from which the member can follow its leader', () => {
    expect(seen({}).options).toMatchObject({ was: 'pg3-old', set: 'new', repository: 1, size: GIB });
    const left = [full('old', 3, '0/2000100', 2), full('after the fork', 3, '0/3000100', 3)];
    expect(seen({ info: { backups: left } }).options.set).toBe('old');
    expect(seen({ info: { backups: [...INFO.backups, full('damaged', 4, '0/5000100', 5, { error: true })] } }).options.set).toBe('new');
  });

  it('is for clusters that have backups', () => {
    const problem = (of: typeof inventory): string | undefined =>
      rebuild.problems?.({ inventory: of, catalog: [], kept: seen({}).kept, chosenHosts: ['pg3'], options: { from: 'backup' } })[0]
        ?.message;
    expect(problem(inventory)).toBeUndefined();
    expect(problem(without)).toBe('no host of demo has the role backup, so pgprov takes no backups of it');
  });

  it.each<{ title: string; made: Made; options?: RebuildOptions; says: string | undefined }>([
    { title: 'all is well', made: {}, says: undefined },
    { title: 'the member cannot ask', made: { reads: null }, says: 'pg3 cannot read the backups' },
    {
      title: 'the member cannot read them',
      made: { reads: { ...INFO, problem: '[049]: unable to connect' } },
      says: 'pg3 cannot read the backups: [049]: unable to connect',
    },
    { title: 'there is none', made: { info: { backups: [] } }, says: 'there is no backup to restore' },
    {
      title: 'the repository does not answer',
      made: {
        info: {
          backups: [],
          repositories: [{ repository: 1, status: 'failed', message: '[HostConnectError] repo1', encrypted: false, systemIdentifiers: [] }],
        },
      },
      says: 'pg3 cannot read the backups: [HostConnectError] repo1',
    },
    {
      title: 'they are of another database',
      made: { info: { repositories: [{ repository: 1, status: 'ok', message: 'ok', encrypted: true, systemIdentifiers: ['8'] }] } },
      says: 'the backups are of another database (system identifier 8) than pg1 has (7)',
    },
    {
      title: 'one is being made',
      made: { info: { running: {} } },
      says: 'a backup is being made, and what it expires at its end may be what a restore needs',
    },
    {
      title: 'the newest is of a timeline that was left',
      made: { info: { backups: [full('after the fork', 3, '0/3000100', 3)] } },
      says: 'no backup leads to timeline 4, on which pg1 is: the newest, after the fork, is of timeline 3, which was left before it ended',
    },
    {
      title: 'there is WAL of a newer timeline than the leader’s',
      made: { info: { archives: [{ id: '17-1', repository: 1, database: 1, max: '000000050000000000000009' }] } },
      says: 'the repositories have WAL of timeline 5, which pg1 never was on: it is on timeline 4',
    },
    {
      title: 'the backup has no manifest any more',
      made: { unreadable: ['new'] },
      says: 'backup new, the newest, cannot be restored: its manifest is not there, or is damaged',
    },
    { title: 'an older backup has none', made: { unreadable: ['old'] }, says: undefined },
    {
      title: 'WAL is missing that the leader has not any more',
      made: { archive: [run(1, 5), run(7, 9)] },
      says: 'repository 1 lacks the WAL files 0000000000000006 (of any timeline) after backup new, and pg1 has no WAL any more from before 0000000000000007',
    },
    { title: 'WAL is missing that the leader still has', made: { archive: [run(1, 7), run(9, 9)] }, says: undefined },
    { title: 'WAL is missing from before the backup', made: { archive: [run(1, 1), run(3, 9)] }, says: undefined },
    {
      title: 'the archive ends before the leader’s oldest WAL',
      made: { oldest: 12, archive: [run(1, 9)] },
      says: 'repository 1 lacks the WAL files 000000000000000A to 000000000000000B (of any timeline) after backup new, and pg1 has no WAL any more from before 000000000000000C',
    },
    {
      title: 'there is no room for the backup',
      made: { copy: { free: GIB } },
      says: `there is no room on pg3 for its data and a new copy: 1.1 GiB is needed for backup new, and 1 GiB is free beside ${DATA}`,
    },
    { title: 'there is room over its data', made: { copy: { free: GIB } }, options: { discard: true }, says: undefined },
    { title: 'something is broken off', made: aside('', { data: EMPTY, reads: null }), options: CHOSEN, says: undefined },
  ])('is decided on when $title', ({ made, options, says }) => expect(objection(made, options)).toBe(says));

  it.each<{ title: string; made: Made; options?: RebuildOptions; left: string[] }>([
    { title: 'at first', made: {}, left: ['put-aside pg3', ...FROM_RESTORE] },
    {
      title: 'where backups are scheduled',
      made: { timers: { active: ['t'] } },
      left: ['hold repo1', 'put-aside pg3', ...FROM_RESTORE, 'schedule repo1'],
    },
    { title: 'when the data is aside', made: aside('', { data: EMPTY }), options: CHOSEN, left: FROM_RESTORE },
    {
      title: 'when backups are held',
      made: aside('', { data: EMPTY, timers: { held: ['t'] } }),
      options: CHOSEN,
      left: [...FROM_RESTORE, 'schedule repo1'],
    },
    {
      title: 'while pgBackRest is at it',
      made: aside('part', { data: { control: 'missing', copy: 'under way' }, place: { restored: ['R.begun'], restoring: true } }),
      options: CHOSEN,
      left: FROM_RESTORE,
    },
    {
      title: 'when pgBackRest was ended',
      made: aside('part', { data: { control: 'missing', copy: 'interrupted' }, place: { restored: ['R.begun'] } }),
      options: CHOSEN,
      left: FROM_RESTORE,
    },
    {
      title: 'when it was ended at its very beginning',
      made: aside('directory-1', { data: { kind: 'foreign', entries: ['backup.manifest'] } }),
      options: CHOSEN,
      left: FROM_RESTORE,
    },
    {
      title: 'when somebody has put files there',
      made: aside('directory-1', { data: { kind: 'foreign', entries: ['notes'] } }),
      options: CHOSEN,
      left: ['put-broken-copy-aside pg3', ...FROM_RESTORE],
    },
    {
      title: 'when somebody has put another database there',
      made: aside('other'),
      options: CHOSEN,
      left: ['put-broken-copy-aside pg3', ...FROM_RESTORE],
    },
    {
      title: 'when the backup is there',
      made: aside('new', { data: { clusterState: 'in production' }, place: { restored: ['R.begun', 'R.new'] } }),
      options: CHOSEN,
      left: ['replay pg3', ...LAST],
    },
    {
      title: 'when it is replayed',
      made: aside('new', { data: { clusterState: 'shut down in recovery' }, place: { restored: ['R.begun', 'R.new'] } }),
      options: CHOSEN,
      left: LAST,
    },
    {
      title: 'when Patroni runs and the member does not stream yet',
      made: { ...aside('new', { place: { restored: ['R.begun', 'R.new'] } }), up: true, listed: { pg3: { state: 'in archive recovery' } } },
      options: CHOSEN,
      left: LAST,
    },
    {
      title: 'when the member streams and backups are held',
      made: { ...aside('new', { place: { restored: ['R.begun', 'R.new'] }, timers: { held: ['t'] } }), up: true },
      options: CHOSEN,
      left: ['schedule repo1'],
    },
    {
      title: 'when Patroni was quicker and has copied the leader’s data',
      made: { ...aside('of-the-leader'), up: true },
      options: CHOSEN,
      left: [],
    },
  ])('has these steps left $title: $left', ({ made, options, left }) => expect(ids(made, options)).toEqual(left));

  it('restores over the data where it is not to be kept', () => {
    const options = { ...CHOSEN, discard: true };
    const [first, ...others] = rebuild.remaining(seen({}, options)).steps;
    expect([first?.id, first?.title, first?.pointOfNoReturn]).toEqual([
      'restore',
      'stop Patroni on pg3, and restore backup new over its data',
      true,
    ]);
    expect(others.map(({ id }) => id)).toEqual(['replay', 'start', 'follow']);
    const begun = { up: false, data: { control: 'missing' as const }, place: { restored: ['R.begun'] } };
    expect(ids(begun, options)).toEqual(FROM_RESTORE);
    expect(objection({ ...begun, copy: { free: 0 } }, options)).toBeUndefined();
    // PG_VERSION is the same file as before.
    const restored = { up: false, data: { clusterState: 'in production' }, place: { restored: ['R.begun', 'R.pg3-old'] } };
    expect(ids(restored, options)).toEqual(['replay pg3', ...LAST]);
    const back = seen({ place: { restored: ['R.begun', 'R.pg3-old'] } }, options);
    expect(rebuild.remaining(back).steps).toEqual([]);
    expect(rebuild.checks?.(back).filter(({ ok }) => !ok)).toEqual([]);
  });

  it('says what it was made from, and where the old data is', () => {
    const back = seen({ ...aside('new', { place: { restored: ['R.begun', 'R.new'] } }), up: true }, CHOSEN);
    expect(rebuild.checks?.(back).filter(({ ok }) => !ok)).toEqual([]);
    expect(rebuild.finished?.(back)).toBe(
      `pg3 streams from pg1 with data that was restored from backup new; what it had before is in ${DATA}.aside-1 there, remove it when nobody needs it`,
    );
  });
});

function run(first: number, final: number): WalRun {
  return { database: '17-1', timeline: 4, log: 0, first, final };
}

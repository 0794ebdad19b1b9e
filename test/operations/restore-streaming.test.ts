import { describe, expect, it } from 'vitest';
import restore from '../../src/operations/restore.js';
import type { RestoreOptions } from '../../src/operations/shared/restore/seen.js';
import type { OperationRun } from '../../src/plan/operation.js';
import { BACKUP_INFO, type Backup, type BackupInfo } from '../../src/resources/backup/info.js';
import { BACKUP_TIMERS } from '../../src/resources/backup/timers.js';
import { DATA_COPY, type DataCopy } from '../../src/resources/data-copy.js';
import { DATA_DIRECTORY } from '../../src/resources/data-directory.js';
import { stoppedHandle } from '../../src/resources/patroni/stopped.js';
import { RESTORE_PLACE, type RestorePlace } from '../../src/resources/restore/place.js';
import { STANDBY_COPY } from '../../src/resources/streaming/standby-copy.js';
import { STREAMING_SERVER } from '../../src/resources/streaming/server.js';
import { contextOf, inventoryOf } from '../support/inventory.js';
import { runOver } from './run-seen.js';

const yaml = (more = ''): string => `cluster: demo
hosts:
  pg1: {address: 192.0.2.1}
  pg2: {address: 192.0.2.2}
  pg3: {address: 192.0.2.3${more}}
  repo1: {address: 192.0.2.4, roles: [base, pgdg, backup-repository]}
roles: [base, pgdg, postgresql, replication, backup]
replication: {synchronous: [pg1, pg2]}
`;
const inventory = await inventoryOf(yaml());
const cascading = await inventoryOf(yaml(', replication: {upstream: pg2, synchronous: [pg1, pg2]}'));
const PG = ['pg1', 'pg2', 'pg3'];
const DATA = '/var/lib/postgresql/17/main';
const GIB = 1_073_741_824;
const NOW = Date.parse('2026-11-29T06:00:00Z') / 1000;

const FULL: Backup = {
  label: '20261129-030000F',
  type: 'full',
  repository: 1,
  database: 1,
  start: NOW - 10_860,
  stop: NOW - 10_800,
  size: GIB,
  delta: GIB,
  stored: GIB,
  timeline: 4,
  lsnStop: '0/5000',
  needs: [],
  error: false,
};
const AFTER: Backup = { ...FULL, label: 'new', timeline: 5 };

const INFO: BackupInfo = {
  code: 0,
  now: NOW,
  repositories: [{ repository: 1, status: 'ok', message: 'ok', encrypted: true, systemIdentifiers: ['7'] }],
  backups: [FULL],
  archives: [{ id: '17-1', repository: 1, database: 1, min: '000000010000000000000001', max: '000000040000000000000009' }],
};

/** What a server is: of the former data, or of the restored. */
interface Server {
  /** It is down: held, or otherwise. */
  down?: 'held' | 'not held';
  signal?: boolean;
  /** No data in its place. */
  vacant?: true;
  joining?: true;
  timeline?: number;
  receives?: boolean;
  copy?: Partial<DataCopy>;
  place?: Partial<RestorePlace>;
}

interface Made {
  servers?: Record<string, Server>;
  /** Whom commits on the primary wait for. */
  waited?: readonly string[];
  backups?: Backup[];
  done?: string[];
  of?: typeof inventory;
}

/** Three servers on timeline 4 of which pg1 is the primary, but for what is given. */
function seen(made: Made, options: RestoreOptions = { latest: true }): OperationRun<RestoreOptions> {
  const { servers = {}, waited = ['pg2'], of = inventory } = made;
  const states = PG.map((name): [string, Record<string, unknown>] => {
    const { down, signal = name !== 'pg1', vacant, joining, timeline = 4, receives = signal, copy, place } = servers[name] ?? {};
    const runs = down === undefined && vacant === undefined;
    return [
      name,
      {
        [DATA_DIRECTORY.id]:
          vacant === true ? { kind: 'empty' } : { kind: 'cluster', systemIdentifier: '7', running: runs, control: 'valid', copy: 'none' },
        [STREAMING_SERVER.id]: {
          signal: vacant !== true && signal,
          says: runs
            ? {
                standby: signal,
                timeline,
                receives,
                sends: signal ? [] : waited.map((each) => ({ name: each, state: 'streaming', sync: 'sync' })),
              }
            : undefined,
        },
        [STANDBY_COPY.id]: { joining: joining === true, copying: false, copied: vacant !== true },
        [DATA_COPY.id]: {
          identity: vacant === true ? '' : `${name}-old`,
          bytes: GIB,
          free: 10 * GIB,
          fixed: undefined,
          aside: {},
          ...copy,
        },
        [stoppedHandle('postgresql@17-main').id]: { patroni: runs, postgresql: runs, enabled: runs || down === 'not held' },
        [RESTORE_PLACE.id]: { restored: [], restoring: false, unrecovered: false, server: 'down', said: [], databases: [], ...place },
        [BACKUP_INFO.id]: INFO,
      },
    ];
  });
  const repository = { [BACKUP_INFO.id]: { ...INFO, backups: made.backups ?? INFO.backups }, [BACKUP_TIMERS.id]: { active: [], held: [] } };
  const run = runOver(of, { ...Object.fromEntries(states), repo1: repository }, options, { done: made.done });
  return options.id === undefined ? { ...run, options: restore.choose?.(run) ?? options } : run;
}

const CHOSEN: RestoreOptions = {
  latest: true,
  id: 'R',
  member: 'pg1',
  set: FULL.label,
  repository: 1,
  size: GIB,
  onto: 4,
  newest: 4,
  identifier: '7',
  former: '7',
  was: { pg1: 'pg1-old', pg2: 'pg2-old', pg3: 'pg3-old' },
};
const KEPT = (name: string): Partial<DataCopy> => ({ identity: '', aside: { [`${name}-old`]: `${DATA}.aside-1` } });
const LET_IN = { restored: ['R.new', 'R.let-in'] };
const RESTORED: Server = { timeline: 5, copy: { identity: 'new' }, place: LET_IN };
const EMPTY: Server = { vacant: true, copy: KEPT('pg2'), place: LET_IN };
const COPIED: Server = { timeline: 5, copy: { identity: 'copy' }, place: LET_IN };

const ids = (run: OperationRun<RestoreOptions>): string[] =>
  restore.remaining(run).steps.map((step) => ('on' in step ? `${step.id} ${step.on.join()}` : step.id));

describe('a restore of servers that stream without Patroni', () => {
  it('is for them, and asks neither Patroni nor its store', () => {
    expect(restore.streaming).toBe(true);
    const roles = typeof restore.roles === 'function' ? restore.roles({ inventory, catalog: [], options: {} }) : restore.roles;
    expect(roles).toEqual(['postgresql', 'backup-repository', 'backup']);
  });

  it('restores on the primary, whichever that is', () => {
    expect(seen({}).options).toMatchObject({ member: 'pg1', onto: 4, former: '7' });
    const other = { pg1: { signal: true }, pg2: { signal: false } };
    expect(seen({ servers: other }).options.member).toBe('pg2');
    expect(ids(seen({ servers: other }))).toContain('stop-leader pg2');
  });

  it.each<{ title: string; made: Made; options?: RestoreOptions; steps: string[] }>([
    {
      title: 'stops standbys before the primary',
      made: {},
      steps: ['whole pg1', 'archive pg1', 'stop-standbys pg2,pg3', 'stop-leader pg1', 'aside pg1,pg2,pg3', 'restore pg1', 'look pg1'],
    },
    {
      title: 'copies the standbys when the primary takes writes',
      made: { servers: { pg1: RESTORED, pg2: EMPTY, pg3: EMPTY }, waited: [] },
      options: { ...CHOSEN, approve: true },
      steps: ['slots pg1', 'copy pg2,pg3', 'others pg2,pg3', 'joined pg2,pg3', 'synchronous pg1', 'backup-repo1 repo1'],
    },
    {
      title: 'goes on with those that are late',
      made: {
        servers: { pg1: RESTORED, pg2: { ...COPIED, joining: true }, pg3: { ...COPIED, down: 'held' } },
        waited: [],
        done: ['slots'],
      },
      options: { ...CHOSEN, approve: true },
      steps: ['others pg3', 'joined pg2,pg3', 'synchronous pg1', 'backup-repo1 repo1'],
    },
    {
      title: 'makes slots on a standby before its own standbys',
      made: { servers: { pg1: RESTORED, pg2: EMPTY, pg3: EMPTY }, waited: [], of: cascading, done: ['slots'] },
      options: { ...CHOSEN, approve: true },
      steps: [
        'copy pg2',
        'others pg2',
        'joined pg2',
        'cascade pg2',
        'cascaded-copy pg3',
        'cascaded-others pg3',
        'cascaded-joined pg3',
        'synchronous pg1',
        'backup-repo1 repo1',
      ],
    },
    {
      title: 'is over when all stream and there is a backup',
      made: { servers: { pg1: RESTORED, pg2: COPIED, pg3: COPIED }, backups: [FULL, AFTER] },
      options: { ...CHOSEN, approve: true },
      steps: [],
    },
    {
      title: 'is taken back in two looks: where the data is says who was the primary',
      made: { servers: Object.fromEntries(PG.map((name) => [name, { vacant: true, copy: KEPT(name) }])) },
      options: { ...CHOSEN, undo: true },
      steps: ['return pg1,pg2,pg3'],
    },
    {
      title: 'starts the former primary first when the data is back',
      made: { servers: { pg1: { down: 'held', signal: true }, pg2: { down: 'held', signal: false }, pg3: { down: 'held', signal: true } } },
      options: { ...CHOSEN, undo: true },
      steps: ['start-first pg2', 'start-others pg1,pg3'],
    },
  ])('$title', ({ made, options, steps }) => {
    const run = seen(made, options);
    expect(ids(run)).toEqual(steps);
    expect(
      restore
        .remaining(run)
        .steps.map(({ title }) => title)
        .join(),
    ).not.toContain('Patroni');
  });

  it('foresees that all standbys are copied anew, though they stream yet', () =>
    expect(ids(seen({}, { latest: true, approve: true })).slice(-6)).toEqual([
      'slots pg1',
      'copy pg2,pg3',
      'others pg2,pg3',
      'joined pg2,pg3',
      'synchronous pg1',
      'backup-repo1 repo1',
    ]));

  it('does not begin with two primaries', () => {
    const [found] = restore.guards?.(seen({ servers: { pg2: { signal: false } } })) ?? [];
    expect(found?.message).toBe('pg1 and pg2 are both primaries, and only one of them archives its WAL into these backups');
  });

  it('is proved by what the servers say', () => {
    const checks = (servers: Record<string, Server>): string[] =>
      (restore.checks?.(seen({ servers, backups: [FULL, AFTER] }, CHOSEN)) ?? []).map(
        ({ host = '', title, ok, detail }) => `${ok} ${host} ${title}: ${detail}`,
      );
    expect(checks({ pg1: RESTORED, pg2: COPIED, pg3: { ...COPIED, receives: false } })).toEqual([
      'true  one server takes writes, on a timeline that there was not before: pg1, timeline 5',
      'true pg2 it streams on the primary’s timeline: timeline 5',
      'false pg3 it streams on the primary’s timeline: it receives nothing',
      'true  its data is of the database that was wanted: 7',
      'true  there is a full backup of what was restored: new',
      'true  no scheduled backup is held: none is',
    ]);
  });

  it('has no commit wait for standbys that are not there yet', () => {
    const open: Server = { down: 'held', signal: false, copy: { identity: 'new' }, place: { restored: ['R.new'], server: 'open' } };
    const held = (name: string): Server => ({ vacant: true, copy: KEPT(name) });
    const run = seen({ servers: { pg1: open, pg2: held('pg2'), pg3: held('pg3') } }, { ...CHOSEN, approve: true });
    const step = restore.remaining(run).steps.find(({ id }) => id === 'lead');
    const resources = step !== undefined && 'on' in step ? (step.resources?.(contextOf(inventory, 'pg1')) ?? []) : [];
    expect(resources.map(({ id }) => id)).toEqual([
      'command:recovery-settings-gone',
      'command:own-cluster',
      'command:waits-for-nobody',
      'command:start-postgresql@17-main',
    ]);
  });
});

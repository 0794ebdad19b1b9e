import { describe, expect, it } from 'vitest';
import restore from '../../src/operations/restore.js';
import type { RestoreOptions } from '../../src/operations/shared/restore/seen.js';
import type { OperationRun } from '../../src/plan/operation.js';
import { BACKUP_INFO, type Backup, type BackupInfo } from '../../src/resources/backup/info.js';
import { BACKUP_TIMERS } from '../../src/resources/backup/timers.js';
import { DATA_COPY, type DataCopy } from '../../src/resources/data-copy.js';
import { DATA_DIRECTORY } from '../../src/resources/data-directory.js';
import { stoppedHandle, type PatroniStoppedState } from '../../src/resources/patroni/stopped.js';
import { RESTORE_PLACE, type RestorePlace } from '../../src/resources/restore/place.js';
import { UNAPPROVED_DATA, type UnapprovedData } from '../../src/resources/restore/unapproved-data.js';
import { STREAMING_SERVER } from '../../src/resources/streaming/server.js';
import { contextOf, inventoryOf } from '../support/inventory.js';
import { runOver } from './run-seen.js';

const inventory = await inventoryOf(`cluster: demo
hosts:
  pg1: {address: 192.0.2.1}
  repo1: {address: 192.0.2.4, roles: [base, pgdg, backup-repository]}
roles: [base, pgdg, postgresql, backup]
`);
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

const INFO: BackupInfo = {
  code: 0,
  now: NOW,
  repositories: [{ repository: 1, status: 'ok', message: 'ok', encrypted: true, systemIdentifiers: ['7'] }],
  backups: [FULL],
  archives: [{ id: '17-1', repository: 1, database: 1, min: '000000010000000000000001', max: '000000040000000000000009' }],
};

interface Made {
  runs?: Partial<PatroniStoppedState>;
  copy?: Partial<DataCopy>;
  place?: Partial<RestorePlace>;
  timeline?: number;
  identifier?: string;
  backups?: Backup[];
  timers?: { active?: string[]; held?: string[] };
  unapproved?: UnapprovedData;
  isOff?: boolean;
  done?: string[];
}

/** A server on timeline 4 that takes writes, but for what is given. */
function seen(made: Made, options: RestoreOptions = { time: '2026-11-29 05:00:00' }): OperationRun<RestoreOptions> {
  const runs = { patroni: true, postgresql: true, enabled: true, ...made.runs };
  const { timeline = 4, identifier = '7' } = made;
  const server = {
    [DATA_DIRECTORY.id]: {
      kind: 'cluster',
      version: '17',
      systemIdentifier: identifier,
      clusterState: runs.postgresql ? 'in production' : 'shut down',
      copy: 'none',
      control: 'valid',
      running: runs.postgresql,
      position: { timeline, checkpoint: '0/5000', nextOid: 1, lastRecord: undefined },
    },
    [STREAMING_SERVER.id]: {
      signal: false,
      says: runs.patroni
        ? { standby: false, timeline, position: 1, location: '0/5000', receives: false, sends: [], version: 170006 }
        : undefined,
    },
    [DATA_COPY.id]: { identity: 'old', bytes: GIB, free: 10 * GIB, fixed: undefined, aside: {}, ...made.copy },
    [stoppedHandle('postgresql@17-main').id]: runs,
    [RESTORE_PLACE.id]: { restored: [], restoring: false, unrecovered: false, server: 'down', said: [], databases: [], ...made.place },
    [BACKUP_INFO.id]: INFO,
    [UNAPPROVED_DATA.id]: made.unapproved,
  };
  const repository = {
    [BACKUP_INFO.id]: { ...INFO, backups: made.backups ?? INFO.backups },
    [BACKUP_TIMERS.id]: { active: [], held: [], ...made.timers },
  };
  const run = runOver(inventory, { ...(made.isOff === true ? {} : { pg1: server }), repo1: repository }, options, { done: made.done });
  return options.id === undefined ? { ...run, options: restore.choose?.(run) ?? options } : run;
}

const CHOSEN: RestoreOptions = {
  time: '2026-11-29 05:00:00',
  id: 'R',
  member: 'pg1',
  set: FULL.label,
  repository: 1,
  size: GIB,
  onto: 4,
  newest: 4,
  identifier: '7',
  former: '7',
  was: { pg1: 'old' },
};

const DOWN = { patroni: false, postgresql: false, enabled: false };
const ASIDE: Made = { runs: DOWN, copy: { identity: '', aside: { old: `${DATA}.aside-1` } } };
const RESTORED: Made = { runs: DOWN, copy: { identity: 'new', aside: { old: `${DATA}.aside-1` } }, place: { restored: ['R.new'] } };
const OPEN: Made = { ...RESTORED, place: { restored: ['R.new'], server: 'open', timeline: 5 } };

const ids = (run: OperationRun<RestoreOptions>): string[] =>
  restore.remaining(run).steps.map((step) => ('on' in step ? `${step.id} ${step.on.join()}` : step.id));
const titles = (run: OperationRun<RestoreOptions>): string =>
  restore
    .remaining(run)
    .steps.map(({ title }) => title)
    .join('\n');

describe('a restore of a server without Patroni', () => {
  it('asks neither Patroni nor its store', () => {
    const roles = typeof restore.roles === 'function' ? restore.roles({ inventory, catalog: [], options: {} }) : restore.roles;
    expect(roles).toEqual(['postgresql', 'backup-repository', 'backup']);
    const start = { inventory, catalog: [], kept: seen({}).kept, chosenHosts: undefined, options: { latest: true } };
    expect(restore.problems?.(start)).toEqual([]);
    expect(restore.problems?.({ ...start, chosenHosts: ['pg1'] })).toEqual([]);
    expect(restore.problems?.({ ...start, chosenHosts: ['repo1'] })[0]?.message).toBe('there is no member "repo1"');
  });

  it('chooses as one of a cluster does, by what the server says', () => {
    expect(seen({}).options).toMatchObject({
      member: 'pg1',
      set: FULL.label,
      onto: 4,
      newest: 4,
      identifier: '7',
      former: '7',
      was: { pg1: 'old' },
    });
    expect(seen({ identifier: '8', timeline: 1 }).options).toMatchObject({ former: '8', identifier: '7', onto: 4 });
  });

  it.each<{ title: string; made: Made; options?: RestoreOptions; steps: string[] }>([
    {
      title: 'is prepared from the beginning',
      made: { timers: { active: ['pgprov-backup@full.timer'] } },
      steps: ['whole pg1', 'archive pg1', 'hold repo1', 'stop-leader pg1', 'aside pg1', 'restore pg1', 'look pg1'],
    },
    {
      title: 'has nothing archived of another database',
      made: { identifier: '8' },
      options: { latest: true },
      steps: ['whole pg1', 'stop-leader pg1', 'aside pg1', 'restore pg1', 'look pg1'],
    },
    {
      title: 'holds a server that is down as well',
      made: { runs: { ...DOWN, enabled: true } },
      steps: ['whole pg1', 'stop-standbys pg1', 'aside pg1', 'restore pg1', 'look pg1'],
    },
    { title: 'goes on with what is aside', made: ASIDE, options: CHOSEN, steps: ['restore pg1', 'look pg1'] },
    { title: 'goes on with what is restored', made: RESTORED, options: CHOSEN, steps: ['look pg1'] },
    {
      title: 'stops what was started by hand',
      made: { ...OPEN, runs: { patroni: true, postgresql: true, enabled: true } },
      options: CHOSEN,
      steps: ['stop-leader pg1'],
    },
    {
      title: 'lets clients in when it is approved',
      made: { ...OPEN, timers: { held: ['pgprov-backup@full.timer'] } },
      options: { ...CHOSEN, approve: true },
      steps: ['end pg1', 'note pg1', 'lead pg1', 'backup-repo1 repo1', 'schedule repo1'],
    },
    {
      title: 'goes on after clients were let in',
      made: { ...RESTORED, place: { restored: ['R.new', 'R.let-in'] } },
      options: { ...CHOSEN, approve: true },
      steps: ['note pg1', 'lead pg1', 'backup-repo1 repo1'],
    },
    {
      title: 'takes the backup when the server runs again',
      made: { ...RESTORED, runs: {}, timeline: 5, place: { restored: ['R.new', 'R.let-in'] } },
      options: { ...CHOSEN, approve: true },
      steps: ['backup-repo1 repo1'],
    },
    {
      title: 'is over with a full backup of the new timeline',
      made: {
        ...RESTORED,
        runs: {},
        timeline: 5,
        place: { restored: ['R.new', 'R.let-in'] },
        backups: [FULL, { ...FULL, label: 'new', timeline: 5 }],
      },
      options: { ...CHOSEN, approve: true },
      steps: [],
    },
    {
      title: 'is taken back while it is looked at',
      made: OPEN,
      options: { ...CHOSEN, undo: true },
      steps: ['end pg1', 'return pg1', 'start-first pg1'],
    },
    {
      title: 'is taken back before data was moved',
      made: { runs: DOWN, timers: { held: ['pgprov-backup@full.timer'] } },
      options: { ...CHOSEN, undo: true },
      steps: ['start-first pg1', 'schedule repo1'],
    },
    {
      title: 'ends the hold of a server that was stopped in vain',
      made: { runs: { enabled: false } },
      options: { ...CHOSEN, undo: true },
      steps: ['start-first pg1'],
    },
    { title: 'has nothing to take back before it began', made: {}, options: { ...CHOSEN, undo: true }, steps: [] },
    {
      title: 'leaves a host without data as it was',
      made: { ...RESTORED, copy: { identity: 'new', aside: {} } },
      options: { ...CHOSEN, was: { pg1: '' }, undo: true },
      steps: ['aside pg1', 'release pg1'],
    },
  ])('$title', ({ made, options, steps }) => {
    const run = seen(made, options);
    expect(ids(run)).toEqual(steps);
    expect(titles(run)).not.toContain('Patroni');
  });

  it('waits until somebody has looked at the data', () => {
    const [found] = restore.guards?.(seen(OPEN, CHOSEN)) ?? [];
    expect(found).toMatchObject({ kind: 'preflight', error: 'restore/awaits-approval' });
    expect(restore.guards?.(seen(OPEN, { ...CHOSEN, approve: true }))).toEqual([]);
  });

  it.each<{ title: string; made: Made; options?: RestoreOptions; says: string | undefined }>([
    { title: 'a server that is as it should be', made: {}, says: undefined },
    { title: 'one that it holds itself', made: { runs: DOWN, unapproved: { restore: '', held: true } }, options: CHOSEN, says: undefined },
    {
      title: 'data of another restore that nobody has approved',
      made: { unapproved: { restore: 'Q' } },
      says: 'pg1 has data of a restore that is not finished (Q): nobody has let clients in to it',
    },
    {
      title: 'a host that is away',
      made: { isOff: true },
      options: CHOSEN,
      says: 'pg1 cannot be reached: what it has would be neither stopped nor put aside',
    },
    {
      title: 'no room',
      made: { copy: { free: GIB } },
      says: 'there is no room for the restored data beside what is there: 1.1 GiB is needed on every member, and 1 GiB on pg1 is free',
    },
  ])('looks at $title', ({ made, options, says }) => expect(restore.guards?.(seen(made, options))[0]?.message).toBe(says));

  it('is proved by the server’s own word, and by the backup', () => {
    const checks = (made: Made, options: RestoreOptions): string[] =>
      (restore.checks?.(seen(made, options)) ?? []).map(({ title, ok, detail }) => `${ok} ${title}: ${detail}`);
    const landed: Made = { ...RESTORED, runs: {}, timeline: 5, place: { restored: ['R.new', 'R.let-in'] } };
    expect(checks({ ...landed, backups: [FULL, { ...FULL, label: 'new', timeline: 5 }] }, CHOSEN)).toEqual([
      'true one server takes writes, on a timeline that there was not before: pg1, timeline 5',
      'true its data is of the database that was wanted: 7',
      'true there is a full backup of what was restored: new',
      'true no scheduled backup is held: none is',
    ]);
    expect(checks({ ...landed, timeline: 4 }, CHOSEN)[0]).toMatch(/^false one server takes writes/u);
    expect(checks({}, { ...CHOSEN, undo: true })[0]).toBe('true one server takes writes: pg1, timeline 4');
    expect(restore.finished?.(seen(landed, CHOSEN))).toBe(
      `pg1 takes writes with what was restored to 2026-11-29 05:00:00 UTC, on timeline 5. What was there before is in ${DATA}.aside-1 on pg1; remove it when nobody needs it. \`pgprov restore ${inventory.file} --latest --timeline 4\` goes back to what was there before, as long as no later backup has expired what leads there`,
    );
  });

  it('recovers the data with the configuration that Debian keeps beside it, and starts it by PostgreSQL’s own unit', () => {
    const context = contextOf(inventory, 'pg1');
    const script = (id: string, run: OperationRun<RestoreOptions>): string => {
      const step = restore.remaining(run).steps.find((each) => each.id === id);
      const resources = step !== undefined && 'on' in step ? (step.resources?.(context) ?? []) : [];
      return resources.map((resource) => resource.apply([], { active: false } as never).text).join('\n');
    };
    expect(script('look', seen(RESTORED, CHOSEN))).toContain('config_file=/etc/postgresql/17/main/postgresql.conf');
    const lead = script('lead', seen(OPEN, { ...CHOSEN, approve: true }));
    expect(lead).toContain('systemctl start --no-block postgresql@17-main');
    expect(lead).toContain('recovery_target');
    const { steps } = restore.remaining(seen(OPEN, { ...CHOSEN, approve: true }));
    const [gate] = steps.flatMap((step) => (step.id === 'lead' && 'gates' in step ? (step.gates?.(context) ?? []) : []));
    expect(gate?.probe().text).toContain('systemctl -q is-active postgresql@17-main');
    expect(script('stop-leader', seen({}))).toContain(
      'AssertPathExists=!/etc/systemd/system/postgresql@17-main.service.d/pgprov-held.conf',
    );
  });
});

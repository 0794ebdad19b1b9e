import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import drill from '../../src/operations/drill-restore.js';
import { drillOf } from '../../src/operations/shared/drill/outcome.js';
import type { DrillChoices } from '../../src/operations/shared/drill/seen.js';
import type { DeskStep, OperationRun } from '../../src/plan/operation.js';
import { BACKUP_ARCHIVE, type ArchivedWal } from '../../src/resources/backup/archive.js';
import { BACKUP_INFO, type Backup, type BackupInfo } from '../../src/resources/backup/info.js';
import { BACKUPS_HELD } from '../../src/resources/backup/held.js';
import { DRILL_PLACE, type DrillNotes, type DrillPlace } from '../../src/resources/drill/place.js';
import { drillRoomHandle } from '../../src/resources/drill/room.js';
import { WAL_WRITTEN } from '../../src/resources/wal-written.js';
import { lastDrill } from '../../src/store/drills.js';
import type { Inventory } from '../../src/model/index.js';
import { inventoryOf } from '../support/inventory.js';
import { runOver } from './run-seen.js';

const inventoryWith = (roles: string): Promise<Inventory> =>
  inventoryOf(`cluster: demo
hosts:
  pg1: {address: 192.0.2.1}
  pg2: {address: 192.0.2.2}
  pg3: {address: 192.0.2.3}
  repo1: {address: 192.0.2.4, roles: [base, pgdg, backup-repository]}
roles: [base, pgdg, postgresql, ${roles}, backup]
`);
const inventory = await inventoryWith('replication, etcd, patroni');
const streaming = await inventoryWith('replication');
const GIB = 1_073_741_824;
const PARENT = '/var/lib/postgresql/17';
const NOW = Date.parse('2026-11-29T06:00:00Z') / 1000;
const SET = '20261129-030000F';

const BACKUP: Backup = {
  label: SET,
  type: 'full',
  repository: 1,
  database: 1,
  start: NOW - 7200,
  stop: NOW - 7100,
  size: GIB,
  delta: GIB,
  stored: GIB,
  walStart: '000000040000000000000005',
  walStop: '000000040000000000000005',
  timeline: 4,
  lsnStop: '0/5000100',
  needs: [],
  error: false,
};

const INFO: BackupInfo = {
  code: 0,
  now: NOW,
  repositories: [{ repository: 1, status: 'ok', message: 'ok', encrypted: true, systemIdentifiers: ['7'] }],
  backups: [BACKUP],
  archives: [{ id: '17-1', repository: 1, database: 1, min: '000000040000000000000001', max: '000000040000000000000009' }],
};

/** A drill that was over ten seconds after it began, and found nothing. */
const GOOD: DrillNotes = {
  id: 'D',
  at: { began: NOW, restored: NOW + 4, recovered: NOW + 6, checked: NOW + 8, compared: NOW + 9, over: NOW + 10 },
  words: [],
  said: ['LOG:  redo starts at 0/5000028', 'LOG:  redo done at 0/9000200 system usage: CPU'],
  end: { timeline: 4, lsn: '0/9000300' },
  lastCommit: NOW - 30,
  databases: [{ name: 'postgres', bytes: 7_000_000 }],
  bytes: GIB,
  amcheck: 'ok',
  checksums: 'ok',
  findings: [],
  pages: [],
  answer: [],
};

interface Made {
  info?: Partial<BackupInfo>;
  place?: Partial<DrillPlace>;
  notes?: Partial<DrillNotes> | null;
  free?: Record<string, number>;
  /** The first and the last of WAL files that follow on each other in the repository. */
  archived?: (readonly [first: number, final: number])[];
  off?: string[];
  held?: boolean;
  done?: string[];
  more?: Record<string, unknown>;
  of?: Inventory;
}

const BEGUN = ['hold', 'begin'];

function archive(runs: readonly (readonly [first: number, final: number])[]): ArchivedWal {
  return { repository: 1, runs: runs.map(([first, final]) => ({ database: '17-1', timeline: 4, log: 0, first, final })) };
}

/** A cluster in which pg1 takes writes and pg2 has the most room. */
function seen(made: Made, options: DrillChoices = {}): OperationRun<DrillChoices> {
  const { free = { pg1: 90 * GIB, pg2: 20 * GIB, pg3: 10 * GIB }, off = [], held = false, notes, more = {} } = made;
  const members = ['pg1', 'pg2', 'pg3'].map((name) => [
    name,
    {
      [BACKUP_INFO.id]: { ...INFO, ...made.info },
      [WAL_WRITTEN.id]: name === 'pg1' ? { location: '0/9000500', nextTransaction: 761, runningTransactions: [] } : undefined,
      [DRILL_PLACE.id]: {
        running: false,
        watched: false,
        left: [],
        able: true,
        ...made.place,
        ...(notes === undefined || notes === null ? {} : { last: { ...GOOD, ...notes } }),
      },
      [drillRoomHandle(PARENT).id]: { there: true, free: free[name] ?? 0 },
      ...more,
    },
  ]);
  const repository = {
    [BACKUP_INFO.id]: { ...INFO, ...made.info },
    [BACKUP_ARCHIVE.id]: [archive(made.archived ?? [[1, 9]])],
    [BACKUPS_HELD.id]: held,
  };
  const states = Object.fromEntries([...members, ['repo1', repository]].filter(([name]) => !off.includes(name as string))) as Record<
    string,
    object
  >;
  const run = runOver(made.of ?? inventory, states as never, options, { done: made.done });
  return options.id === undefined ? { ...run, options: drill.choose?.(run) ?? options } : run;
}

const CHOSEN: DrillChoices = {
  on: 'pg2',
  id: 'D',
  scratch: `${PARENT}/pgprov-drill-D`,
  set: SET,
  setTimeline: 4,
  repository: 1,
  size: GIB,
  stop: NOW - 7100,
  onto: 4,
  archived: '000000040000000000000009',
  written: '0/9000500',
};

const steps = (run: OperationRun<DrillChoices>): string[] => drill.remaining(run).steps.map(({ id }) => id);
const objections = (made: Made, options?: DrillChoices): string[] =>
  (drill.guards?.(seen(made, options)) ?? []).map(({ message }) => message);
const wrong = (made: Made, options: DrillChoices = CHOSEN): [string, string][] =>
  (drill.checks?.(seen({ done: BEGUN, ...made }, options)) ?? []).filter(({ ok }) => !ok).map(({ title, detail }) => [title, detail]);

describe('what a drill decides before it begins', () => {
  it('takes the standby with the most room, the newest backup, and the last commit that is archived', () => {
    const { options } = seen({});
    expect(options).toMatchObject({ on: 'pg2', set: SET, onto: 4, archived: '000000040000000000000009', written: '0/9000500' });
    expect(options.scratch).toBe(`${PARENT}/pgprov-drill-${options.id}`);
    expect(drill.guards?.(seen({}))).toEqual([]);
  });

  it('does so of servers that stream without Patroni as well, and of a server of its own', async () => {
    expect(drill.streaming).toBe(true);
    expect(steps(seen({ of: streaming }))).toEqual(steps(seen({})));
    expect(seen({ of: streaming }).options).toMatchObject({ on: 'pg2', set: SET, onto: 4, written: '0/9000500' });
    const single = await inventoryOf(`cluster: demo
hosts: {pg1: {address: 192.0.2.1}, repo1: {address: 192.0.2.4, roles: [base, pgdg, backup-repository]}}
roles: [base, pgdg, postgresql, backup]
`);
    expect(seen({ of: single, off: ['pg2', 'pg3'] }).options).toMatchObject({ on: 'pg1', set: SET });
  });

  it('holds backups while it reads, lets them go when it has recovered, and only watches what goes on by itself', () => {
    const run = seen({});
    expect(steps(run)).toEqual(['hold', 'begin', 'restore', 'recover', 'release', 'check', 'compare', 'note']);
    const watching = drill.remaining(run).steps.filter((step) => 'onlyWatches' in step);
    expect(watching.map(({ id }) => id)).toEqual(['restore', 'recover', 'check', 'compare']);
  });

  it('removes first what an earlier drill has left, on the host that it takes', () => {
    expect(steps(seen({ place: { left: [`${PARENT}/pgprov-drill-OLD`] } }))[0]).toBe('clear');
    expect(steps(seen({ place: { running: true } }))[0]).toBe('clear');
    expect(steps(seen({}, { directory: '/srv' }))[0]).toBe('room');
  });

  it('says that the host takes writes, and restores there all the same', () => {
    const run = seen({}, { on: 'pg1' });
    expect(drill.remaining(run).steps.find(({ id }) => id === 'begin')?.title).toContain('pg1, which takes writes');
    expect(drill.guards?.(run)).toEqual([]);
  });

  it('does not begin without room, of which a fifth stays free', () => {
    expect(objections({ free: { pg2: 1.4 * GIB } }, { on: 'pg2' })).toEqual([]);
    expect(objections({ free: { pg2: 1.3 * GIB } }, { on: 'pg2' })[0]).toMatch(
      /no room in \/var\/lib\/postgresql\/17 on pg2: .* a fifth stays free/u,
    );
    const room = { [drillRoomHandle('/srv').id]: { there: false, free: 0 } };
    expect(objections({ more: room }, { on: 'pg2', directory: '/srv/' })[0]).toBe('/srv is no directory on pg2');
  });

  it('tells WAL that is missing as what it has found, and not as a refusal', () => {
    const [found] =
      drill.guards?.(
        seen({
          archived: [
            [1, 6],
            [8, 9],
          ],
        }),
      ) ?? [];
    expect(found).toMatchObject({ kind: 'preflight', error: 'drill/wal-missing' });
    expect(found?.message).toContain('lacks the WAL files 0000000000000007');
    expect(
      objections({
        archived: [
          [1, 1],
          [4, 9],
        ],
      }),
    ).toEqual([]);
  });

  it('waits for a backup that is being made, and for a drill that somebody watches', () => {
    const settling = (made: Made): unknown => drill.guards?.(seen(made))[0]?.settles;
    expect(settling({ info: { running: {} } })).toBe(true);
    expect(settling({ place: { running: true, watched: true } })).toBe(true);
    expect(objections({ place: { running: true, watched: false } })).toEqual([]);
  });

  it('does not begin where nobody could keep a backup from being expired, or the host cannot restore', () => {
    expect(objections({ off: ['repo1'] })[0]).toMatch(/^repo1 cannot be reached, and a backup that begins there could expire/u);
    expect(objections({ off: ['pg2'] }, { on: 'pg2' })[0]).toBe('pg2 cannot be reached');
    expect(objections({ place: { able: false } }, { on: 'pg2' })[0]).toMatch(/^pg2 has not the programs/u);
    expect(objections({ info: { backups: [] } })[0]).toBe('there is no backup to restore');
    const message = '[HostConnectError] unable to connect to repo1:8432';
    const away = { repository: 1, status: 'failed', message, encrypted: false, systemIdentifiers: [] } as const;
    expect(objections({ info: { backups: [], repositories: [away] } })[0]).toBe(`the backups cannot be read: ${message}`);
    expect(objections({}, { on: 'pg2', backup: '20200101-000000F' })[0]).toBe('there is no backup 20200101-000000F');
    expect(objections({}, { on: 'pg2', time: '2099-01-01 00:00' })[0]).toMatch(/is in the future/u);
    expect(objections({}, { on: 'pg2', time: '2020-01-01 00:00' })[0]).toMatch(/^no good backup leads to 2020-01-01/u);
  });

  it('has nothing to do with hosts that have no database of the cluster', () => {
    const problem = (options: DrillChoices): string | undefined => drill.problems?.({ ...seen({}), options })[0]?.message;
    expect(problem({ on: 'repo1' })).toMatch(/^repo1 has not the role backup/u);
    expect(problem({ on: 'pg9' })).toMatch(/no host "pg9"/u);
    expect(problem({ directory: 'srv' })).toBe('srv is no absolute path');
    expect(problem({ database: 'shop' })).toBe('--database is where --check is asked');
    expect(problem({ on: 'pg3', check: 'SELECT true', database: 'shop', directory: '/srv' })).toBeUndefined();
  });
});

describe('how a drill goes on', () => {
  it('follows it from one phase to the next', () => {
    const at = (phases: DrillNotes['at'], done: string[], held: boolean): string[] =>
      steps(seen({ notes: { at: phases }, done: [...BEGUN, ...done], held, place: { running: true } }, CHOSEN));
    expect(at({ began: 1 }, [], true)).toEqual(['restore', 'recover', 'release', 'check', 'compare', 'note']);
    expect(at({ began: 1, restored: 2 }, ['restore'], true)).toEqual(['recover', 'release', 'check', 'compare', 'note']);
    expect(at({ began: 1, restored: 2, recovered: 3 }, ['restore', 'recover'], true)).toEqual(['release', 'check', 'compare', 'note']);
    expect(at({ began: 1, restored: 2, recovered: 3 }, ['restore', 'recover', 'release'], false)).toEqual(['check', 'compare', 'note']);
    expect(at(GOOD.at, [], false)).toEqual(['note']);
    expect(at(GOOD.at, ['note'], false)).toEqual([]);
  });

  it('only waits until what failed is removed', () => {
    const run = seen({ notes: { at: { began: 1 }, failed: 'restore' }, done: [...BEGUN, 'restore'], held: true }, CHOSEN);
    expect(steps(run)).toEqual(['release', 'compare', 'note']);
  });

  it('gives up where another drill has taken its place', () => {
    expect(objections({ notes: { id: 'OTHER' }, done: BEGUN }, CHOSEN)[0]).toMatch(/^another drill was begun on pg2/u);
    expect(objections({ notes: {}, done: BEGUN }, CHOSEN)).toEqual([]);
  });

  it('looks again where its host has told nothing of it, and takes it for no other drill', () => {
    const run = seen({ notes: null, done: BEGUN }, CHOSEN);
    expect(drill.guards?.(run)).toEqual([
      expect.objectContaining({ message: 'pg2 does not tell how the drill goes that was begun there', settles: true }),
    ]);
  });

  it('says that it goes on when nobody waits for it any more', async () => {
    const end = { touched: true, desk: undefined as never };
    const going = await drill.broken?.(
      seen({ notes: { at: { began: 1 } }, done: BEGUN, held: true, place: { running: true } }, CHOSEN),
      end,
    );
    expect(going).toMatch(/^the drill goes on on pg2, and removes what it has made.*backups on repo1 wait for some hours at most/u);
    expect(await drill.broken?.(seen({}, CHOSEN), end)).toBe('the cluster was not touched');
  });
});

describe('what a drill has proved', () => {
  it('counts, and finds nothing wrong', () => {
    const run = seen({ notes: {}, done: BEGUN }, CHOSEN);
    expect(wrong({ notes: {} })).toEqual([]);
    expect((drill.checks?.(run) ?? []).flatMap(({ mend }) => mend ?? [])).toEqual([]);
    expect(drill.answer?.(run)).toEqual(drillOf(run));
    expect(drill.answer?.(seen({}, CHOSEN))).toBeUndefined();
    expect(drillOf(run)).toEqual({
      at: '2026-11-29T06:00:00.000Z',
      on: 'pg2',
      backup: SET,
      repository: 'repo1',
      to: 'the last commit that is archived',
      ok: true,
      problems: [],
      size: GIB,
      restoreSeconds: 4,
      rtoSeconds: 6,
      seconds: 10,
      rpoSeconds: 30,
      lastCommit: '2026-11-29T05:59:30.000Z',
      walReplayed: 0x4000300 - 0x28,
      walBehind: 0x200,
    });
    expect(drill.finished?.(run)).toBe(
      `RTO: 6 s on pg2, which restored 1 GiB of backup ${SET} in 4 s, replayed 64 MiB of WAL, and served it\nRPO: 30 s at most, by the last commit that was found; the cluster had written 512 B of WAL since`,
    );
  });

  it('loses nothing where all that was written was in the repository, and tells no RPO where it was to end earlier', () => {
    expect(drillOf(seen({ notes: { end: { timeline: 4, lsn: '0/9000500' } }, done: BEGUN }, CHOSEN)).rpoSeconds).toBe(0);
    const { rpoSeconds, walBehind, to } = drillOf(seen({ notes: {}, done: BEGUN }, { ...CHOSEN, backup: SET }));
    expect([rpoSeconds, walBehind, to]).toEqual([undefined, undefined, `the end of backup ${SET}`]);
  });

  it('keeps it in the store', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pgprov-drill-'));
    const [note] = drill.remaining(seen({ notes: {}, done: BEGUN }, CHOSEN)).steps as [DeskStep];
    await note.atDesk({ store: { directory } } as never);
    expect(await lastDrill(directory)).toMatchObject({ on: 'pg2', ok: true, rtoSeconds: 6 });
  });

  it.each<[string, Partial<DrillNotes> | null, RegExp, RegExp]>([
    ['did not begin', null, /can be restored/u, /the drill did not begin/u],
    [
      'cannot be restored',
      {
        at: { began: NOW, over: NOW },
        failed: 'restore',
        words: ["2026 P00  ERROR: [029]: error restoring 'base/5/1': checksum does not match"],
      },
      /can be restored/u,
      /checksum does not match/u,
    ],
    [
      'cannot be recovered',
      { at: { began: NOW, restored: NOW, over: NOW }, failed: 'recover', words: ['LOG:  x', 'FATAL:  requested timeline 9'] },
      /recovers it to/u,
      /FATAL/u,
    ],
    [
      'cannot read WAL',
      {
        at: { began: NOW, restored: NOW, over: NOW },
        failed: 'recover',
        words: ['2026-11-29 06:00:00.000 P00  ERROR: [029]: zst error', 'FATAL:  could not restore file "0000000400" from archive'],
      },
      /recovers it to/u,
      /could not restore file .* \(pgBackRest: \[029\]: zst error\)/u,
    ],
    [
      'ends before the archive does',
      { end: { timeline: 4, lsn: '0/9000000' } },
      /recovers it to/u,
      /ended at 0\/9000000, before the last WAL file/u,
    ],
    ['has a database that is broken', { failed: 'connect', words: ['ERROR:  relation "x"'] }, /every database/u, /relation/u],
    ['has a damaged index', { amcheck: 'damaged', findings: ['heap table "t": block 1'] }, /amcheck/u, /block 1/u],
    [
      'has a damaged page',
      { checksums: 'damaged', pages: ['checksum verification failed in file "base/5/1", block 0'] },
      /page checksums/u,
      /block 0/u,
    ],
    ['left something', { left: 'a process still works in it' }, /removed/u, /process/u],
    [
      'was ended for the room',
      { at: { began: NOW, over: NOW }, failed: 'room', words: ['12 MiB were left'] },
      /can be restored/u,
      /disk became full, and it was ended: 12 MiB/u,
    ],
    ['took too long', { at: { began: NOW, restored: NOW, over: NOW }, ended: 'timeout' }, /recovers/u, /too long/u],
  ])('fails with what, where and what to do where it %s', (_case, notes, title, detail) => {
    const run = seen({ notes, done: BEGUN }, CHOSEN);
    const [first, ...others] = (drill.checks?.(run) ?? []).filter(({ ok }) => !ok);
    expect(others).toEqual([]);
    expect(first?.title).toMatch(title);
    expect(first?.detail).toMatch(detail);
    expect(first?.mend).toMatch(/\w/u);
    expect(first?.host).toBe('pg2');
    expect(drillOf(run)).toMatchObject({ ok: false, problems: [expect.stringMatching(detail)] });
  });

  it('takes what has no page checksums, or no amcheck, and says so', () => {
    const run = seen({ notes: { amcheck: 'none', checksums: 'none' }, done: BEGUN }, CHOSEN);
    expect(wrong({ notes: { amcheck: 'none', checksums: 'none' } })).toEqual([]);
    expect((drill.checks?.(run) ?? []).map(({ detail }) => detail).join()).toMatch(
      /not looked for: pg_amcheck.*not looked for: the database has no page checksums/u,
    );
  });

  it.each<[string, boolean, Partial<DrillNotes>]>([
    ['true', true, { query: 'ok', answer: ['t'] }],
    ['a number', true, { query: 'ok', answer: ['0'] }],
    ['false', false, { query: 'ok', answer: ['f'] }],
    ['nothing', false, { query: 'ok', answer: [] }],
    ['an error', false, { query: 'failed', answer: ['ERROR:  relation "orders" does not exist'] }],
  ])('takes %s for an answer, well or not', (_case, ok, notes) => {
    const titles = wrong({ notes }, { ...CHOSEN, check: 'SELECT 1' }).map(([title]) => title);
    expect(titles).toEqual(ok ? [] : ['what --check asks is so']);
    expect(drillOf(seen({ notes, done: BEGUN }, { ...CHOSEN, check: 'SELECT 1' })).answer).toEqual(notes.answer);
  });

  it('says that a backup was expired while it was read', () => {
    const made: Made = {
      info: { backups: [] },
      notes: { at: { began: NOW, over: NOW }, failed: 'restore', words: ['ERROR: [055]: unable to open missing file'] },
    };
    expect(wrong(made)[0]?.[1]).toMatch(/was expired while it was read/u);
  });
});

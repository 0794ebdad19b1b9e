import { describe, expect, it } from 'vitest';
import backup from '../../src/operations/backup.js';
import { backupState } from '../../src/operations/shared/backup/state.js';
import type { BackupOptions } from '../../src/operations/shared/backup/places.js';
import type { OperationRun } from '../../src/plan/operation.js';
import { ARCHIVING } from '../../src/resources/archiving.js';
import { BACKUP_ARCHIVE, type ArchivedWal } from '../../src/resources/backup/archive.js';
import { BACKUP_INFO, type Backup, type BackupInfo } from '../../src/resources/backup/info.js';
import { BACKUP_RUNS, type BackupRun } from '../../src/resources/backup/runs.js';
import { BACKUP_TIMERS } from '../../src/resources/backup/timers.js';
import { STREAMING_SERVER } from '../../src/resources/streaming/server.js';
import { inventoryOf } from '../support/inventory.js';
import { runOver, runSeen } from './run-seen.js';

const MEMBERS = `cluster: demo
roles: [base, pgdg, postgresql, replication, etcd, patroni, backup]
hosts:
  pg1: 192.0.2.1
  pg2: 192.0.2.2
  pg3: 192.0.2.3
`;
const withHost = await inventoryOf(`${MEMBERS}  repo1: {address: 192.0.2.9, roles: [base, pgdg, backup-repository]}\n`);
const withDirectory = await inventoryOf(`${MEMBERS}backup: {repositories: {nfs: {directory: /mnt/backups}}}\n`);

const streaming = await inventoryOf(`cluster: demo
roles: [base, pgdg, postgresql, replication, backup]
hosts:
  pg1: 192.0.2.1
  pg2: 192.0.2.2
backup: {repositories: {nfs: {directory: /mnt/backups}}}
`);

const NOW = 1_795_931_793;

const taken = (stop: number, changes: Partial<Backup> = {}): Backup => ({
  label: `at-${stop}`,
  type: 'full',
  repository: 1,
  database: 1,
  start: stop - 60,
  stop,
  size: 3_221_225_472,
  delta: 3_221_225_472,
  stored: 1_073_741_824,
  walStart: '000000010000000000000010',
  walStop: '000000010000000000000012',
  timeline: 1,
  needs: [],
  error: false,
  ...changes,
});

const told = (backups: readonly Backup[], changes: Partial<BackupInfo> = {}): BackupInfo => ({
  code: 0,
  now: NOW,
  repositories: [{ repository: 1, status: 'ok', message: 'ok', encrypted: true, systemIdentifiers: ['7'] }],
  backups,
  archives: [{ id: '17-1', repository: 1, database: 1, min: '000000010000000000000010', max: '000000010000000000000020' }],
  ...changes,
});

type Runs = Partial<Record<'full' | 'diff' | 'incr', Partial<BackupRun>>>;

const runs = (changes: Runs = {}): BackupRun[] =>
  (['full', 'diff', 'incr'] as const).map((type) => ({ unit: `pgprov-backup@${type}`, state: 'idle', ...changes[type] }));

interface Seen {
  info?: BackupInfo;
  runs?: Runs;
  options?: BackupOptions;
  done?: string[];
  archive?: ArchivedWal;
  isHeld?: true;
}

const OLD = taken(NOW - 3600);

/** What is seen of a cluster with a repository host that has a full backup of an hour ago. */
function seen({ info = told([OLD]), runs: changes, options = {}, done = [], archive, isHeld }: Seen): OperationRun<BackupOptions> {
  const states = {
    [BACKUP_INFO.id]: info,
    [BACKUP_RUNS.id]: runs(changes),
    ...(archive === undefined ? {} : { [BACKUP_ARCHIVE.id]: [archive] }),
    [BACKUP_TIMERS.id]: { active: [], held: [], isOpen: isHeld === undefined, isHeld: isHeld === true },
  };
  const run = runOver<BackupOptions>(withHost, { repo1: states }, { type: 'diff', ...options }, { done });
  return options.since === undefined ? { ...run, options: backup.choose?.(run) ?? run.options } : run;
}

const titles = (run: OperationRun<BackupOptions>): string[] => backup.remaining(run).steps.map(({ title }) => title);
const objections = (run: OperationRun<BackupOptions>): string[] => (backup.guards?.(run) ?? []).map(({ message }) => message);
const failing = (run: OperationRun<BackupOptions>): string[] =>
  (backup.checks?.(run) ?? []).filter(({ ok }) => !ok).map(({ title, detail, mend }) => `${title}: ${detail} → ${mend}`);

describe('backup', () => {
  it('takes one on the repository host, and is done when there is a new one', () => {
    const before = seen({});
    expect(titles(before)).toEqual(['take a diff backup of demo (repository repo1)']);
    expect(before.options.since).toEqual({ repo1: NOW });
    const fresh = taken(NOW + 60, { type: 'diff', label: 'new', delta: 1024, stored: 512 });
    const after = seen({ info: told([OLD, fresh]), options: before.options, done: ['take'] });
    expect(titles(after)).toEqual([]);
    expect(failing(after)).toEqual([]);
    expect(backup.finished?.(after)).toBe('repo1 has the diff backup new: 1 KiB of 3 GiB copied, 512 B there');
  });

  it('takes none while a restore holds them, and says what to do', () => {
    expect(objections(seen({}))).toEqual([]);
    const [objection] = backup.guards?.(seen({ isHeld: true })) ?? [];
    expect(objection?.message).toMatch(/^repo1: backups are held: /u);
    expect(objection?.hint).toMatch(/^finish it by the same command, .*`pgprov apply .*` has backups begin again$/u);
  });

  it('takes one on the primary where servers stream without Patroni and reach a directory by themselves', () => {
    const part = (standby: boolean): Record<string, unknown> => ({
      [BACKUP_INFO.id]: told([OLD]),
      [BACKUP_RUNS.id]: runs(),
      [STREAMING_SERVER.id]: { signal: standby, says: { standby, sends: [] } },
    });
    const run = (one: boolean, other: boolean): OperationRun<BackupOptions> => {
      const made = runOver<BackupOptions>(streaming, { pg1: part(one), pg2: part(other) }, { type: 'diff' });
      return { ...made, options: backup.choose?.(made) ?? made.options };
    };
    const steps = (made: OperationRun<BackupOptions>): unknown[] => backup.remaining(made).steps.map((step) => 'on' in step && step.on);
    expect([steps(run(false, true)), steps(run(true, false))]).toEqual([[['pg1']], [['pg2']]]);
    expect(objections(run(true, true))).toEqual(['no server of demo takes writes, and only the one that takes writes takes backups']);
    const roles = typeof backup.roles === 'function' ? backup.roles({ inventory: streaming, catalog: [], options: {} }) : [];
    expect(roles).toEqual(['backup-repository', 'backup', 'postgresql']);
    expect(backup.streaming).toBe(true);
  });

  it('says that the first one becomes a full one', () => {
    const [step] = backup.remaining(
      seen({
        info: told([], {
          repositories: [{ repository: 1, status: 'noBackup', message: 'no valid backups', encrypted: true, systemIdentifiers: ['7'] }],
        }),
      }),
    ).steps;
    expect(step?.effect).toContain('repo1 has no full one yet, so it becomes one there');
  });

  it('follows a backup that runs and is at least as good, also one that was begun before', () => {
    const running: Runs = { full: { state: 'running', began: NOW - 100 } };
    const run = seen({ info: told([OLD], { running: {} }), runs: running });
    expect(titles(run)).toEqual(['follow the full backup that runs there']);
    expect(run.options.since).toEqual({ repo1: NOW - 100 });
    expect(titles(seen({ info: told([OLD, taken(NOW - 5)]), options: run.options }))).toEqual([]);
  });

  it.each([
    { title: 'ahead of', ahead: 3600 },
    { title: 'behind', ahead: -3600 },
  ])(
    'is known as new where the clock of the repository host is $title the leader’s, which pgBackRest takes the times from',
    ({ ahead }) => {
      const ago = (seconds: number): number => NOW - ahead - seconds;
      const old = taken(ago(50));
      const before = seen({ info: told([old]) });
      expect(titles(before)).toEqual([expect.stringMatching(/^take a diff backup of demo/u)]);
      expect(failing(seen({ info: told([old]), options: before.options, done: ['take'] }))).toHaveLength(1);
      const fresh = told([old, taken(ago(-9), { type: 'diff' })]);
      expect(failing(seen({ info: fresh, options: before.options, done: ['take'] }))).toEqual([]);
      const runs: Runs = { diff: { state: 'running', began: NOW - 3 } };
      const followed = seen({ info: told([old], { running: {} }), runs });
      expect(titles(seen({ info: fresh, options: followed.options }))).toEqual([]);
      const cutOff: Runs = { diff: { asked: NOW, after: ago(50) } };
      expect(titles(seen({ info: fresh, runs: cutOff }))).toEqual([expect.stringMatching(/^note on repo1/u)]);
    },
  );

  it('knows the backup again that a command began which did not see its end, and takes none', () => {
    const taken5 = told([OLD, taken(NOW - 5, { type: 'diff', label: 'unseen' })]);
    const run = seen({ info: taken5, runs: { diff: { asked: NOW - 100 } } });
    const title = 'note on repo1 that the end of the diff backup was seen, which a command began';
    expect(titles(run)).toEqual([title]);
    expect(run.options).toMatchObject({ since: { repo1: NOW - 100 }, follows: { repo1: 'diff' } });
    const after = seen({ info: taken5, options: run.options, done: ['seen-repo1'] });
    expect([titles(after), failing(after)]).toEqual([[], []]);
    expect(backup.finished?.(after)).toContain('repo1 has the diff backup unseen');
    const own = seen({
      info: taken5,
      runs: { diff: { asked: NOW - 100 } },
      options: { type: 'diff', since: { repo1: NOW - 100 }, after: { repo1: NOW - 100 } },
      done: ['take'],
    });
    expect(titles(own)).toEqual([title]);
  });

  it.each<{ title: string; backups: Backup[]; asked: number; options?: BackupOptions }>([
    { title: 'has left none', backups: [OLD], asked: NOW - 100 },
    { title: 'had it taken long ago', backups: [taken(NOW - 7 * 3600)], asked: NOW - 8 * 3600 },
    { title: 'had a smaller one taken', backups: [OLD, taken(NOW - 5, { type: 'diff' })], asked: NOW - 100, options: { type: 'full' } },
  ])('takes one where the command that did not see the end $title', ({ backups, asked, options = {} }) => {
    const run = seen({ info: told(backups), runs: { diff: { asked } }, options });
    expect(titles(run)).toEqual([expect.stringMatching(/^take a (?:diff|full) backup of demo/u)]);
  });

  it('takes one after a run that failed, whatever a timer has taken since', () => {
    const since = told([OLD, taken(NOW - 5, { type: 'diff' })]);
    const failed: Runs = {
      diff: { state: 'failed', began: NOW - 90, asked: NOW - 100 },
      full: { state: 'failed', began: NOW - 95, asked: NOW - 100 },
    };
    expect(titles(seen({ info: since, runs: failed }))).toEqual([expect.stringMatching(/^take a diff backup of demo/u)]);
    // Of a command that the host was cut off from: another unit has taken a smaller one.
    const asked: Runs = { full: { asked: NOW - 100 } };
    expect(titles(seen({ info: since, runs: asked }))).toEqual([expect.stringMatching(/^take a diff backup of demo/u)]);
  });

  it('fails where a full one failed and a timer took a smaller one meanwhile, and has the host forget that a command waits', () => {
    const { options } = seen({ options: { type: 'full' } });
    const run = seen({
      info: told([OLD, taken(NOW + 9, { type: 'diff' })]),
      runs: { full: { state: 'failed', began: NOW + 1, asked: NOW, result: 'exit-code', error: '[101]: unexpected eof' } },
      options,
      done: ['take'],
    });
    expect(titles(run)).toEqual(['note on repo1 that the end of the full backup was seen, which a command began']);
    expect(failing(run)).toEqual([expect.stringMatching(/^a new backup is in repo1: \[101\]: unexpected eof/u)]);
    expect(backup.finished?.(run)).toBe('no backup was taken');
  });

  it('takes a full one after a smaller one that runs', () => {
    const run = seen({
      info: told([OLD], { running: {} }),
      runs: { incr: { state: 'running', began: NOW - 5 } },
      options: { type: 'full' },
    });
    expect(titles(run)).toEqual(['take a full backup of demo (repository repo1), after the incr one that runs there']);
  });

  it('begins anew where pgBackRest has given up and its unit does not end', () => {
    const stuck: Runs = { full: { state: 'running', began: NOW - 600, error: '[101]: process aborted' } };
    expect(titles(seen({ runs: stuck, options: { type: 'full' } }))).toEqual(['take a full backup of demo (repository repo1)']);
  });

  it('does not take one again that failed, and has pgBackRest’s words and what to do', () => {
    const error = "[041]: unable to write '/var/lib/pgbackrest/x': [28] No space left on device";
    const { options } = seen({});
    const run = seen({ runs: { diff: { state: 'failed', began: NOW + 1, result: 'exit-code', error } }, options, done: ['take'] });
    expect(titles(run)).toEqual([]);
    expect(failing(run)).toEqual([
      expect.stringMatching(
        /^a new backup is in repo1: \[041\]: unable to write .* No space left on device → make room where the repository is/u,
      ),
    ]);
    expect(objections(run)).toEqual([]);
  });

  it('fails where page checksums do not match in the new one', () => {
    const { options } = seen({});
    const run = seen({ info: told([OLD, taken(NOW + 9, { error: true })]), options, done: ['take'] });
    expect(failing(run)[0]).toContain(`at-${NOW + 9} has pages whose checksums do not match`);
  });

  it.each<{ title: string; state: Seen; message: string }>([
    {
      title: 'pgBackRest fails',
      state: { info: told([], { problem: 'pgBackRest is not installed', code: 127 }) },
      message: 'repo1: pgBackRest is not installed',
    },
    {
      title: 'there is no stanza',
      state: {
        info: told([], {
          repositories: [{ repository: 1, status: 'noStanza', message: 'missing stanza path', encrypted: true, systemIdentifiers: [] }],
        }),
      },
      message: 'repo1: the repository repo1 has no stanza yet (missing stanza path)',
    },
    {
      title: 'the repository cannot be read',
      state: {
        info: told([], {
          repositories: [
            {
              repository: 1,
              status: 'failed',
              message: '[FormatError] key/value found outside of section',
              encrypted: true,
              systemIdentifiers: [],
            },
          ],
        }),
      },
      message: 'repo1: the repository repo1 cannot be read: [FormatError] key/value found outside of section',
    },
  ])('is refused where $title', ({ state, message }) => {
    expect(objections(seen(state))).toEqual([message]);
  });

  it('is taken by the member that leads where there is no repository host', () => {
    const states = { [BACKUP_INFO.id]: told([OLD]), [BACKUP_RUNS.id]: runs() };
    const all = { pg1: states, pg2: states, pg3: states };
    const run = runSeen<BackupOptions>(withDirectory, { leader: 'pg2', more: all }, { type: 'full' });
    expect(backup.remaining(run).steps.map((step) => ('on' in step ? step.on : []))).toEqual([['pg2']]);
    expect(objections(run)).toEqual([]);
    const none = runSeen<BackupOptions>(withDirectory, { leader: null, more: all }, { type: 'full' });
    expect(objections(none)).toEqual(['no member of demo leads, and only the one that leads takes backups']);
  });

  it('names the unit that goes on where nobody waits for it any more', async () => {
    const { options } = seen({});
    const run = seen({ info: told([OLD], { running: {} }), runs: { diff: { state: 'running', began: NOW + 1 } }, options, done: [] });
    const words = await backup.broken?.(run, { touched: true, desk: {} as never });
    expect(words).toContain('the backup goes on on repo1');
    expect(words).toContain('`systemctl stop pgprov-backup@diff`');
  });
});

describe('what can be restored', () => {
  const wal = (first: number, final: number, timeline = 1): ArchivedWal['runs'][number] => ({
    database: '17-1',
    timeline,
    log: 0,
    first,
    final,
  });
  const state = (more: Seen): ReturnType<typeof backupState> => backupState(withHost, seen(more).view, new Date((NOW + 60) * 1000));

  it('goes from the oldest backup to the last WAL file', () => {
    const found = state({ archive: { repository: 1, runs: [wal(0x10, 0x20)], last: NOW } });
    expect(found.problems).toEqual([]);
    expect(found.repositories[0]).toMatchObject({
      name: 'repo1',
      status: 'ok',
      window: {
        from: new Date((NOW - 3600) * 1000).toISOString().replace('.000Z', 'Z'),
        to: new Date(NOW * 1000).toISOString().replace('.000Z', 'Z'),
        walFirst: '000000010000000000000010',
        walLast: '000000010000000000000020',
        timeline: 1,
      },
      gaps: [],
    });
  });

  it('has gaps where WAL is missing, and names the backups on both sides', () => {
    const later = taken(NOW - 60, { label: 'later', walStart: '000000010000000000000018', walStop: '000000010000000000000018' });
    const found = state({ info: told([OLD, later]), archive: { repository: 1, runs: [wal(0x10, 0x14), wal(0x16, 0x20)], last: NOW } });
    expect(found.repositories[0]?.gaps).toEqual([
      {
        timeline: 1,
        walFirst: '000000010000000000000015',
        walLast: '000000010000000000000015',
        files: 1,
        before: OLD.label,
        after: 'later',
      },
    ]);
    expect(found.problems).toEqual([
      `repository repo1: the WAL file 000000010000000000000015 is missing, so a restore of ${OLD.label} or an older backup ends before it`,
    ]);
  });

  it('does not count a backup whose own WAL is missing', () => {
    const found = state({ archive: { repository: 1, runs: [wal(0x10, 0x10), wal(0x12, 0x20)], last: NOW } });
    expect(found.repositories[0]?.backups[0]?.incomplete).toBe(true);
    expect(found.repositories[0]).not.toHaveProperty('window');
    expect(found.problems).toContain(`repository repo1: ${OLD.label} cannot be restored, WAL that it needs is not there`);
  });

  it('has none where files of 64 MiB go on with the next log, though no server tells how large they are', () => {
    const begins = { walStart: '000000010000000000000030', walStop: '000000010000000000000031' };
    const archives = [{ id: '17-1', repository: 1, database: 1, min: begins.walStart, max: '000000010000000100000003' }];
    const runs = [wal(0x30, 0x3f), { ...wal(0, 3), log: 1 }];
    const found = state({ info: told([{ ...OLD, ...begins }], { archives }), archive: { repository: 1, runs, last: NOW } });
    expect(found.repositories[0]).toMatchObject({ gaps: [], window: { walLast: '000000010000000100000003' } });
    expect(found.problems).toEqual([]);
  });

  it('says nothing of gaps where the archive could not be listed', () => {
    expect(state({}).repositories[0]).not.toHaveProperty('gaps');
  });

  it('is too old, or nothing at all', () => {
    expect(state({ info: told([taken(NOW - 40 * 3600)]) }).problems[0]).toMatch(
      /^repository repo1: the last good backup is 40 hours old, more than backup.max_age \(36\)/u,
    );
    expect(state({ info: told([taken(NOW - 60, { error: true })]) }).problems[0]).toMatch(/^repository repo1 has no good backup yet/u);
  });

  it('has the last failure of a unit until a later backup is there that is at least as good', () => {
    const failed: Runs = { full: { state: 'failed', began: NOW - 60, error: '[056]: unable to find primary cluster - cannot proceed' } };
    expect(state({ runs: failed }).problems[0]).toMatch(
      /^repo1: the last full backup failed: \[056\]: .*; pgBackRest takes backups only while/u,
    );
    expect(state({ runs: failed, info: told([OLD, taken(NOW - 10, { type: 'diff' })]) }).problems).toHaveLength(1);
    expect(state({ runs: failed, info: told([OLD, taken(NOW - 10, { repository: 2 })]) }).problems).toHaveLength(1);
    expect(state({ runs: failed, info: told([OLD, taken(NOW - 10)]) }).problems).toEqual([]);
  });

  it('is not known where the host cannot be asked', () => {
    const { view } = runOver<BackupOptions>(withHost, { pg1: { [ARCHIVING.id]: undefined } }, {});
    expect(backupState(withHost, view, new Date()).problems).toEqual(['repository repo1: repo1 could not be asked']);
  });
});

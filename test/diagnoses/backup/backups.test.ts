import { describe, expect, it } from 'vitest';
import backups from '../../../src/diagnoses/backup/backups.js';
import archiver from '../../../src/diagnoses/postgresql/archiver.js';
import { View } from '../../../src/plan/view.js';
import { BACKUP_INFO, type BackupInfo } from '../../../src/resources/backup/info.js';
import { BACKUP_RUNS, type BackupRun } from '../../../src/resources/backup/runs.js';
import { HOST_FACTS } from '../../../src/resources/host-facts.js';
import { SERVER_HEALTH } from '../../../src/resources/server-health.js';
import { inventoryOf } from '../../support/inventory.js';

const MEMBERS = `cluster: demo
roles: [base, pgdg, postgresql, replication, etcd, patroni, backup]
hosts:
  pg1: 192.0.2.1
  pg2: 192.0.2.2
`;
const WITH_HOST = `${MEMBERS}  repo1: {address: 192.0.2.9, roles: [base, pgdg, backup-repository]}\n`;

const info = (changes: Partial<BackupInfo> = {}): BackupInfo => ({
  code: 0,
  now: 1_000_000,
  repositories: [{ repository: 1, status: 'ok', message: 'ok', encrypted: true, systemIdentifiers: ['7'] }],
  backups: [],
  archives: [],
  ...changes,
});

const taken = (hours: number, error = false): BackupInfo['backups'][number] => ({
  label: '20261129-010000F',
  type: 'full',
  repository: 1,
  database: 1,
  start: 1_000_000 - hours * 3600 - 5,
  stop: 1_000_000 - hours * 3600,
  size: 1,
  delta: 1,
  stored: 1,
  needs: [],
  error,
});

async function found(yaml: string, seen: Readonly<Record<string, BackupInfo>>, runs: readonly BackupRun[] = []): Promise<string[]> {
  const inventory = await inventoryOf(yaml);
  const states = inventory.hosts.map(({ name }): [string, Map<string, unknown>] => [
    name,
    new Map<string, unknown>(
      seen[name] === undefined
        ? []
        : [
            [BACKUP_INFO.id, seen[name]],
            [BACKUP_RUNS.id, runs],
          ],
    ),
  ]);
  const view = new View(inventory, new Map(states));
  return backups
    .find({ view, now: 0, unseen: new Map(), gone: [], log: () => [] })
    .map(({ level, host, what }) => `${level} ${host}: ${what}`);
}

describe('backups', () => {
  it('are well while the last good one is recent, or the first one is being taken', async () => {
    expect(await found(WITH_HOST, { repo1: info({ backups: [taken(3)] }) })).toEqual([]);
    expect(await found(WITH_HOST, { repo1: info({ running: {} }) })).toEqual([]);
    expect(await found(WITH_HOST, {})).toEqual([]);
  });

  it('are missing, too old, or cannot be read', async () => {
    expect(await found(WITH_HOST, { repo1: info() })).toEqual(['notice repo1: there is no backup yet']);
    expect(await found(WITH_HOST, { repo1: info({ backups: [taken(40), taken(1, true)] }) })).toEqual([
      'danger repo1: the last good backup is 40 hours old',
    ]);
    expect(await found(WITH_HOST, { repo1: info({ problem: 'pgBackRest is not installed' }) })).toEqual([
      'broken repo1: pgBackRest cannot read its repository: pgBackRest is not installed',
    ]);
  });

  it('have failed since the last good one, which says more than its age', async () => {
    const run: BackupRun = {
      unit: 'pgprov-backup@diff',
      state: 'failed',
      began: 999_000,
      error: '[056]: unable to find primary cluster - cannot proceed\nHINT: are all available clusters in recovery?',
    };
    expect(await found(WITH_HOST, { repo1: info({ backups: [taken(40)] }) }, [run])).toEqual([
      'danger repo1: the last run of pgprov-backup@diff failed: [056]: unable to find primary cluster - cannot proceed',
    ]);
    expect(await found(WITH_HOST, { repo1: info({ backups: [taken(0)] }) }, [run])).toEqual([]);
  });

  it.each([
    { unit: 'pgprov-backup@full', takes: /then `pgprov backup \S+ --type full`$/u },
    { unit: 'pgprov-backup@diff', takes: /then `pgprov backup \S+inventory\.yml`$/u },
  ])('are advised that make good for a $unit that failed', async ({ unit, takes }) => {
    const run = { unit, state: 'failed' as const, began: 1_000_100, error: '[056]: unable to find primary cluster' };
    const states = new Map<string, unknown>([
      [BACKUP_INFO.id, info({ backups: [taken(0)] })],
      [BACKUP_RUNS.id, [run]],
    ]);
    const view = new View(await inventoryOf(WITH_HOST), new Map([['repo1', states]]));
    const [finding] = backups.find({ view, now: 0, unseen: new Map(), gone: [], log: () => [] });
    expect(finding?.mend).toMatch(takes);
  });

  it('that may not be read have their files given back, which a run of apply does not do below the directory', async () => {
    const inventory = await inventoryOf(WITH_HOST);
    const problem = "[041]: unable to open file '/var/lib/pgbackrest/backup/demo/backup.info' for read: [13] Permission denied";
    const states = new Map<string, unknown>([
      [BACKUP_INFO.id, info({ problem })],
      [HOST_FACTS.id, { os: 'debian', version: '13' }],
    ]);
    const view = new View(inventory, new Map([['repo1', states]]));
    const [finding] = backups.find({ view, now: 0, unseen: new Map(), gone: [], log: () => [] });
    expect(finding?.mend).toContain('`chown -R postgres: /var/lib/pgbackrest`, as root on repo1');
  });

  it('are told once where every member sees them', async () => {
    const yaml = `${MEMBERS}backup: {repositories: {far: {directory: /mnt/backups}}}\n`;
    expect(await found(yaml, { pg1: info(), pg2: info() })).toEqual(['notice pg1: there is no backup yet']);
  });
});

describe('failing archiving', () => {
  const mendOf = async (text: string): Promise<string | undefined> => {
    const inventory = await inventoryOf(WITH_HOST);
    const health = { standby: false, archiver: { on: true, archivedAgo: 400, failedAgo: 5, failedWal: '0A', failures: 3 } };
    const states = new Map<string, unknown>([
      [SERVER_HEALTH.id, health],
      [HOST_FACTS.id, { os: 'debian', version: '13' }],
    ]);
    const [finding] = archiver.find({
      view: new View(inventory, new Map([['pg1', states]])),
      now: 1_000_000_000,
      unseen: new Map(),
      gone: [],
      log: () => [{ host: 'pg1', unit: 'patroni', at: 1_000_000_000 - 5000, text }],
    });
    return finding?.mend;
  };

  it('is mended by what pgBackRest says, where pgprov set it up', async () => {
    expect(await mendOf('  repo1: [FileWriteError] unable to write: [28] No space left on device')).toMatch(
      /^make room where the repository is/u,
    );
  });

  it('in the background is explained by its log: the command merely says that it has waited', async () => {
    const said = "P00  ERROR: [082]: unable to push WAL file '000000010000000000000004' to the archive asynchronously after 60 second(s)";
    expect(await mendOf(said)).toContain('`tail -n 30 /var/log/pgbackrest/demo-archive-push-async.log`, as root on pg1');
  });
});

import { describe, expect, it } from 'vitest';
import backups from '../../../src/diagnoses/backup/backups.js';
import type { Finding } from '../../../src/lib/finding.js';
import { View } from '../../../src/plan/view.js';
import { BACKUP_INFO, type BackupInfo } from '../../../src/resources/backup-info.js';
import { BACKUP_RUNS, type BackupRun } from '../../../src/resources/backup-runs.js';
import { inventoryOf } from '../../support/inventory.js';

const inventory = await inventoryOf(`cluster: demo
roles: [base, pgdg, postgresql, replication, etcd, patroni, backup]
hosts:
  pg1: 192.0.2.1
  repo1: {address: 192.0.2.9, roles: [base, pgdg, backup-repository]}
`);

const NOW = 1_795_931_793;

function find(stop: number | undefined, changes: Partial<BackupInfo> = {}, runs: readonly BackupRun[] = []): readonly Finding[] {
  const info: BackupInfo = {
    code: 0,
    now: NOW,
    repositories: [{ repository: 1, status: 'ok', message: 'ok', encrypted: true, systemIdentifiers: ['7'] }],
    backups:
      stop === undefined
        ? []
        : [
            {
              label: 'x',
              type: 'full',
              repository: 1,
              database: 1,
              start: stop,
              stop,
              size: 1,
              delta: 1,
              stored: 1,
              needs: [],
              error: false,
            },
          ],
    archives: [],
    ...changes,
  };
  const states = new Map<string, unknown>([
    [BACKUP_INFO.id, info],
    [BACKUP_RUNS.id, runs],
  ]);
  return backups.find({ view: new View(inventory, new Map([['repo1', states]])), now: NOW * 1000, unseen: new Map(), log: () => [] });
}

describe('backups', () => {
  it('are well while a good one is young enough, and while the first one is being taken', () => {
    expect(find(NOW - 3600)).toEqual([]);
    expect(find(undefined, { running: {} })).toEqual([]);
  });

  it('are too old', () => {
    const [finding] = find(NOW - 50 * 3600);
    expect(finding).toMatchObject({ host: 'repo1', since: (NOW - 50 * 3600) * 1000 });
    expect(finding?.what).toBe('the last good backup is 50 hours old, more than backup.max_age (36)');
  });

  it('are none', () => {
    expect(find(undefined)[0]?.what).toBe('there is no good backup yet');
  });

  it('have failed since the last good one, which says more than its age', () => {
    const run: BackupRun = {
      unit: 'pgprov-backup@diff',
      state: 'failed',
      began: NOW - 100,
      error: '[056]: unable to find primary cluster - cannot proceed\nHINT: are all available clusters in recovery?',
    };
    const findings = find(NOW - 50 * 3600, {}, [run]);
    expect(findings.map(({ what }) => what)).toEqual([
      'the last run of pgprov-backup@diff failed: [056]: unable to find primary cluster - cannot proceed',
    ]);
    expect(findings[0]?.mend).toContain('pgBackRest takes backups only while a server takes writes');
    expect(find(NOW - 50, {}, [run])).toEqual([]);
  });

  it('are told once where every member sees them', async () => {
    const members = await inventoryOf(`cluster: demo
roles: [base, pgdg, postgresql, replication, etcd, patroni, backup]
hosts: {pg1: 192.0.2.1, pg2: 192.0.2.2}
backup: {repositories: {far: {directory: /mnt/backups}}}
`);
    const info: BackupInfo = { code: 99, now: NOW, repositories: [], backups: [], archives: [], problem: 'unable to open' };
    const states = new Map(members.hosts.map(({ name }) => [name, new Map<string, unknown>([[BACKUP_INFO.id, info]])]));
    const found = backups.find({ view: new View(members, states), now: NOW * 1000, unseen: new Map(), log: () => [] });
    expect(found.map(({ host }) => host)).toEqual(['pg1']);
  });

  it('are in a repository that cannot be read', () => {
    const [finding] = find(undefined, { code: 99, problem: '[055]: unable to open missing file' });
    expect(finding?.what).toBe('pgBackRest cannot read its repositories: [055]: unable to open missing file');
  });
});

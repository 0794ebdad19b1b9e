import { describe, expect, it } from 'vitest';
import upgrade from '../../src/operations/upgrade.js';
import type { UpgradeOptions } from '../../src/operations/shared/upgrade/seen.js';
import type { OperationRun } from '../../src/plan/operation.js';
import { BACKUP_CONFIGURED } from '../../src/resources/backup/configured.js';
import { BACKUP_INFO, type Backup, type BackupInfo } from '../../src/resources/backup/info.js';
import { BACKUP_TIMERS } from '../../src/resources/backup/timers.js';
import { inventoryOf } from '../support/inventory.js';
import { CHOSEN, seen, TEXT, type Made } from './upgrade-seen.js';

const BACKED = `${TEXT.replace('patroni]', 'patroni, backup]').replace('roles:', '  pg4: {address: 192.0.2.4, roles: [base, pgdg, backup-repository]}\nroles:')}`;
const [plain, fromBackup] = await Promise.all([inventoryOf(BACKED), inventoryOf(`${BACKED}backup: {replicas_from_backup: true}\n`)]);

const full = (database: number): Backup =>
  ({
    label: `2026112${database}-000000F`,
    type: 'full',
    error: false,
    repository: 1,
    database,
    timeline: 1,
    stop: database,
    needs: [],
  }) as unknown as Backup;

/** What pgBackRest says of a stanza that has been of these databases, with backups of some. */
const told = (identifiers: readonly string[], backups: readonly Backup[] = [full(1)], more: Partial<BackupInfo> = {}): BackupInfo => ({
  code: 0,
  now: 100,
  repositories: [{ repository: 1, status: 'ok', message: 'ok', encrypted: false, systemIdentifiers: identifiers }],
  backups,
  archives: [],
  ...more,
});

interface Backups {
  info?: BackupInfo;
  /** The major whose data pgBackRest knows. */
  configured?: number;
  held?: boolean;
}

function backedUp(
  { info = told(['7']), configured = 15, held = false }: Backups = {},
  made: Made = {},
  options: UpgradeOptions = CHOSEN,
  base = plain,
): OperationRun<UpgradeOptions> {
  const timers = held
    ? { active: [], held: ['pgprov-backup@full.timer'], isOpen: false, isHeld: true }
    : { active: ['pgprov-backup@full.timer'], held: [], isOpen: true, isHeld: false };
  const paths = { [BACKUP_CONFIGURED.id]: [`/var/lib/postgresql/${configured}/main`] };
  const more = {
    ...Object.fromEntries(['pg1', 'pg2', 'pg3'].map((host) => [host, paths])),
    pg4: { ...paths, [BACKUP_INFO.id]: info, [BACKUP_TIMERS.id]: timers },
  };
  return seen({ ...made, more }, options, base);
}

const steps = (run: OperationRun<UpgradeOptions>): string[] => upgrade.remaining(run).steps.map(({ id }) => id);
const refused = (run: OperationRun<UpgradeOptions>): string[] => (upgrade.guards?.(run) ?? []).map(({ message }) => message);

describe('an upgrade of a cluster that is backed up', () => {
  const DOWN = ['hold', 'stop-standbys', 'stop-leader', 'upgrade', 'configure', 'configure-backups', 'store', 'note', 'lead', 'stanza'];

  it('holds backups before it stops anything, and takes the first one of the new data', () => {
    expect(steps(backedUp())).toEqual([...DOWN, 'settle', 'others', 'follow', 'backup-pg4', 'settled', 'conform']);
  });

  it('takes it before standbys are made from it', () => {
    const run = backedUp({}, {}, CHOSEN, fromBackup);
    expect(steps(run)).toEqual([...DOWN, 'settle', 'backup-pg4', 'others', 'follow', 'settled', 'conform']);
  });

  it('goes on from what pgBackRest knows', () => {
    const up: Made = { up: 17, noted: true, place: { pg1: { settled: ['one'] } } };
    expect(steps(backedUp({ configured: 17, held: true }, up))).toEqual(['stanza', 'backup-pg4', 'schedule', 'conform']);
    expect(steps(backedUp({ configured: 17, held: true, info: told(['7', '8']) }, up))).toEqual(['backup-pg4', 'schedule', 'conform']);
    const taken = told(['7', '8'], [full(1), full(2)]);
    expect(steps(backedUp({ configured: 17, held: true, info: taken }, up))).toEqual(['schedule', 'conform']);
    expect(steps(backedUp({ configured: 17, info: taken }, up))).toEqual(['conform']);
    expect(steps(backedUp({ configured: 15, info: taken }, up))).toEqual(['configure-backups', 'conform']);
  });

  it('goes back without a change of the stanza before clients are let in, and has backups begin again', () => {
    const run = backedUp({ configured: 17, held: true }, { up: undefined, made: ['pg1'], configured: 17 });
    expect((upgrade.back?.(run) ?? []).map(({ id }) => id)).toEqual([
      ...['aside', 'configure', 'configure-backups', 'start-first', 'start-others', 'schedule'],
    ]);
  });

  it('gives the stanza the former database again once clients were let in', () => {
    const info = told(['7', '8'], [full(1), full(2)]);
    const undo = { ...CHOSEN, undo: true };
    const all = steps(backedUp({ configured: 17, info }, { up: 17, noted: true, store: { initialize: '8' } }, undo));
    expect(all.slice(all.indexOf('configure'))).toEqual([
      ...['configure', 'configure-backups', 'store', 'start-first', 'stanza', 'start-others', 'backup-pg4', 'forget', 'conform'],
    ]);
    const back = told(['7', '8', '7'], [full(1), full(2), full(3)]);
    expect(steps(backedUp({ info: back }, { up: 15, noted: true }, undo))).toEqual(['forget', 'conform']);
  });

  it.each([
    { of: 'a backup is being made', info: told(['7'], [], { running: {} }), says: 'a backup is being made on pg4' },
    { of: 'the backups cannot be read', info: told(['7'], [], { problem: 'ERROR: [125]: no' }), says: 'pg4 cannot read the backups' },
  ])('is refused where $of', ({ info, says }) => {
    expect(refused(backedUp({ info }))).toEqual([expect.stringContaining(says)]);
  });

  it('is not over without that backup, nor while backups are held', () => {
    const run = backedUp({ configured: 17, held: true, info: told(['7', '8']) }, { up: 17, noted: true });
    const failing = (upgrade.checks?.(run) ?? []).filter(({ ok }) => ok === false).map(({ title }) => title);
    expect(failing).toEqual(expect.arrayContaining(['there is a full backup of it', 'no scheduled backup is held']));
  });
});

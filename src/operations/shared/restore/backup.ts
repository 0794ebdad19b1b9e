import type { Backup, HostStep } from '../../../index.js';
import { firstBackups, firstBackupSteps, type NewDatabase } from '../backup/new-database.js';
import type { RestoreRun } from './seen.js';

/** What is restored is of a timeline that there was not before. */
export function restoredDatabase({ options: { identifier, member, newest } }: RestoreRun): NewDatabase {
  return { identifier, member, newest };
}

/** Full backups of what was restored; undefined where a repository has none. */
export function backupsSince(run: RestoreRun): Backup[] | undefined {
  return firstBackups(run, restoredDatabase(run));
}

/** Until there is a full backup of what was restored, the newest one is of a timeline that was left, and pgBackRest restores nothing from it. */
export function backupSteps(run: RestoreRun): HostStep[] {
  return firstBackupSteps(run, restoredDatabase(run), 'what was restored');
}

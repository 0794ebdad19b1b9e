import {
  backupInfo,
  backupRuns,
  backupTimers,
  type Inventory,
  type Observation,
  type OperationObjection,
  type RoleContext,
} from '../../../index.js';
import { pgbackrestUser } from '../../../../roles/shared/backup/pgbackrest.js';
import { backupHosts } from '../../../../roles/shared/backup/repositories.js';
import { BACKUP_TYPES, backupUnit } from '../../../../roles/shared/backup/schedule.js';
import { backedUpHosts, stanzaOf } from '../../../../roles/shared/backup/stanza.js';

/** What is asked of the hosts that backups are taken on. */
export function backupObservations(context: RoleContext): Observation[] {
  const { host, inventory } = context;
  if (!backupHosts(inventory).some(({ name }) => name === host.name)) return [];
  return [
    backupInfo({ stanza: stanzaOf(inventory), server: pgbackrestUser(context) }),
    backupRuns(BACKUP_TYPES.map((type) => backupUnit(type))),
    backupTimers(),
  ];
}

/** The roles of the hosts that backups are taken on, and of those that tell how WAL is archived. */
export function backupRoles(inventory: Inventory): string[] {
  return ['backup-repository', 'backup'].filter((role) => inventory.hosts.some(({ roles }) => roles.includes(role)));
}

/** That pgprov takes no backups of a cluster. */
export function noBackups(inventory: Inventory): OperationObjection[] {
  if (backedUpHosts(inventory).length > 0) return [];
  return [
    {
      kind: 'input',
      error: 'backup/no-role',
      message: `no host of ${inventory.cluster} has the role backup, so pgprov takes no backups of it`,
      hint: 'give the members the role backup, and a host the role backup-repository: see docs/backups.md',
    },
  ];
}

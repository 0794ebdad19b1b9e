import type { FromVariables, Host, NamedHosts } from '../../../src/index.js';
import { hostsWith } from '../layout.js';
import type { BACKUP_VARIABLES } from '../sections/backup.js';
import { variables } from '../variables.js';

/** What the section `backup` says, which is the same on all members. */
export type BackupSettings = FromVariables<typeof BACKUP_VARIABLES>;

/**
 * The section `backup` of the members, which counts for repository hosts too.
 * @throws RangeError where no host has the role backup
 */
export function backupSettings(inventory: Pick<NamedHosts, 'hosts'>): BackupSettings {
  const member = inventory.hosts.find(({ roles }) => roles.includes('backup'));
  if (member === undefined) throw new RangeError('no host has the role backup');
  return variables(member, 'backup');
}

/** The hosts whose databases are backed up. */
export function backedUpHosts(inventory: NamedHosts): Host[] {
  return hostsWith(inventory, 'backup');
}

/** What pgBackRest calls the cluster. */
export function stanzaOf(inventory: NamedHosts): string {
  return stanzaNamed(inventory.cluster, backupSettings(inventory));
}

/** The same by a member’s own settings. */
export function stanzaNamed(cluster: string, { stanza }: Pick<BackupSettings, 'stanza'>): string {
  return stanza ?? cluster;
}

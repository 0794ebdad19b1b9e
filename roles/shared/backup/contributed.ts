import { topologyOf, type Contribution, type Host } from '../../../src/index.js';
import { variables } from '../variables.js';
import { PGBACKREST_COMMANDS } from './pgbackrest.js';
import { stanzaNamed } from './stanza.js';

/**
 * The parameters of PostgreSQL that archive WAL: of servers that stream the primary does. Those that it has without Patroni fetch it from there as well,
 * where a standby finds no more of it at the primary.
 */
export function archiveParameters(host: Host, cluster: string): Readonly<Record<string, string>> {
  const settings = variables(host, 'backup');
  const stanza = stanzaNamed(cluster, settings);
  return {
    archive_mode: 'on',
    archive_command: PGBACKREST_COMMANDS.archive(stanza),
    archive_timeout: `${settings.archive_timeout}s`,
    ...(topologyOf(host) === 'streaming' ? { restore_command: PGBACKREST_COMMANDS.restore(stanza) } : {}),
  };
}

/** What the role backup adds to variables of PostgreSQL and Patroni. */
export function backupContribution(host: Host, cluster: string): Contribution {
  const postgresql = { parameters: archiveParameters(host, cluster) };
  if (topologyOf(host) !== 'patroni') return { postgresql };
  const settings = variables(host, 'backup');
  const stanza = stanzaNamed(cluster, settings);
  return {
    postgresql,
    patroni: {
      dynamic: {
        postgresql: {
          recovery_conf: { restore_command: PGBACKREST_COMMANDS.restore(stanza) },
          ...(settings.replicas_from_backup ? replicaMethods(stanza) : {}),
        },
      },
    },
  };
}

/** Never from the repository alone: after a restore to an earlier time there is no backup that a replica could be made from. */
function replicaMethods(stanza: string): Readonly<Record<string, unknown>> {
  return {
    create_replica_methods: ['pgbackrest', 'basebackup'],
    pgbackrest: { command: PGBACKREST_COMMANDS.replica(stanza), keep_data: true, no_params: true },
    basebackup: [{ checkpoint: 'fast' }],
  };
}

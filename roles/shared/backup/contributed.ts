import { topologyOf, type Contribution, type Host } from '../../../src/index.js';
import { variables } from '../variables.js';
import { PGBACKREST_COMMANDS } from './pgbackrest.js';
import { stanzaNamed } from './stanza.js';

/** The parameters of PostgreSQL that archive WAL. */
export function archiveParameters(host: Host, cluster: string): Readonly<Record<string, string>> {
  const settings = variables(host, 'backup');
  return {
    archive_mode: 'on',
    archive_command: PGBACKREST_COMMANDS.archive(stanzaNamed(cluster, settings)),
    archive_timeout: `${settings.archive_timeout}s`,
  };
}

/** What the role backup adds to variables of PostgreSQL and Patroni. */
export function backupContribution(host: Host, cluster: string): Contribution {
  const postgresql = { parameters: archiveParameters(host, cluster) };
  if (topologyOf(host) === 'single') return { postgresql };
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

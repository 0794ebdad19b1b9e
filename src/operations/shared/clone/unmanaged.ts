import {
  archivesOwn,
  dataDirectoryOf,
  editedFile,
  localServer,
  removeBlock,
  topologyOf,
  type OperationStep,
  type Resource,
  type RoleContext,
  type SourceCluster,
} from '../../../index.js';
import { PGBACKREST_COMMANDS } from '../../../../roles/shared/backup/pgbackrest.js';
import { stanzaOf } from '../../../../roles/shared/backup/stanza.js';
import { standaloneCluster } from '../../../../roles/shared/standalone.js';
import { variables } from '../../../../roles/shared/variables.js';
import { withoutPatroni } from '../../../../roles/shared/without-patroni.js';
import { isLetIn } from '../restore/seen.js';
import { hasPatroni } from '../servers.js';
import type { CloneRun } from './seen.js';

/** Patroni gives its server all settings anew; without it those that came with the data would count, of which one may say where WAL is archived. */
export function unmanagedSteps(run: CloneRun): OperationStep[] {
  const { source, options, inventory, done } = run;
  const { member = '' } = options;
  if (source === undefined || hasPatroni(inventory) || isLetIn(run) || done.has('configure')) return [];
  return [
    {
      id: 'configure',
      title: `give the data the configuration of ${inventory.cluster}, and see that its server would archive nothing elsewhere`,
      on: [member],
      resources: (context) => configured(context),
    },
  ];
}

function configured(context: RoleContext): Resource[] {
  const { host, platform, inventory } = context;
  const path = dataDirectoryOf(host, platform);
  const { configDirectory } = standaloneCluster(context);
  const own = host.roles.includes('backup') ? PGBACKREST_COMMANDS.archive(stanzaOf(inventory)) : undefined;
  return [
    ...(configDirectory === path ? withoutPatroni(context).ofCopy : []),
    archivesOwn({ path, server: localServer(host, platform), configDirectory, own }),
  ] as Resource[];
}

/** Where pg_hba.conf came with the data, it lets in whom the source lets in; Patroni writes its own. */
export function accessOfSource(context: RoleContext, { inventory: { cluster } }: SourceCluster): Resource[] {
  const { host, platform } = context;
  const path = dataDirectoryOf(host, platform);
  if (topologyOf(host) === 'patroni' || standaloneCluster(context).configDirectory !== path) return [];
  const { user: owner, group } = platform.postgresql(variables(host, 'postgresql').version);
  const edit = (current: string): string => removeBlock(current, cluster);
  return [editedFile({ path: `${path}/pg_hba.conf`, owner, group, mode: '0640', edit, digest: cluster }) as Resource];
}

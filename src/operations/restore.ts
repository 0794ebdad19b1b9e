import {
  backupArchive,
  backupInfo,
  backupTimers,
  dataCopy,
  dataDirectoryOf,
  defineOperation,
  localServer,
  pgprov,
  restorePlace,
  walWritten,
  type Observation,
  type OperationStart,
  type RoleContext,
} from '../index.js';
import { pgbackrestUser } from '../../roles/shared/backup/pgbackrest.js';
import { backupHosts, writtenBy } from '../../roles/shared/backup/repositories.js';
import { stanzaOf } from '../../roles/shared/backup/stanza.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { backupRoles } from './shared/backup/asked.js';
import { finished, proofs } from './shared/restore/end.js';
import { restoreObjections, restoreQuestion } from './shared/restore/guards.js';
import { landingSteps } from './shared/restore/landing.js';
import { AIM_OPTIONS, UNDO_OPTION } from './shared/restore/options.js';
import { restoreProblems } from './shared/restore/problems.js';
import { asksManifests } from './shared/restore/source.js';
import { chosenOf, isLetIn, isRecovered, isUntouched, placeOf, type RestoreOptions } from './shared/restore/seen.js';
import { preparingSteps } from './shared/restore/steps.js';
import { undoSteps } from './shared/restore/undo.js';
import { hasPatroni, serverRole, serverRuns } from './shared/servers.js';

/** Seconds for which what passes by itself is waited for: a backup that ends, the lease of a leader that is gone. */
const PATIENCE = 60;

export default defineOperation<RestoreOptions>({
  name: 'restore',
  description: 'bring the whole cluster, or a server of its own, back to an earlier moment from its backups; what is there now is kept',
  options: {
    ...AIM_OPTIONS,
    approve: { type: 'boolean', answers: true, description: 'let clients in to the restored data, which has been looked at' },
    undo: UNDO_OPTION,
  },
  choosesHosts: true,
  roles: ({ inventory }) => [...(hasPatroni(inventory) ? [dcsOf(inventory).role] : []), serverRole(inventory), ...backupRoles(inventory)],
  requiresConverged: false,
  unreachable: 'go-on',
  holdsMembers: true,
  streaming: true,
  patience: PATIENCE,
  observations: observed,
  problems: restoreProblems,
  choose: chosenOf,
  guards: restoreObjections,
  remaining: (run) => {
    if (run.options.undo === true && !isLetIn(run)) return undoSteps(run);
    if (isLetIn(run)) return { steps: landingSteps(run) };
    const preparing = preparingSteps(run);
    if (run.options.approve === true) return { steps: [...preparing, ...landingSteps(run)] };
    return {
      steps: preparing,
      then: `it then waits until somebody has looked at the data and lets clients in: ${pgprov`restore ${run.inventory} --approve`}`,
    };
  },
  question: restoreQuestion,
  nothing: finished,
  checks: proofs,
  finished,
  broken: async (run) => {
    const { inventory } = run;
    if (isLetIn(run)) return `the restored data is in place; ${pgprov`restore ${inventory}`} finishes what is left`;
    if (isRecovered(run) && placeOf(run).server === 'open')
      return `the restore of ${inventory.cluster} is not finished; ${hasPatroni(inventory) ? 'all its members are' : 'its server is'} down`;
    if (isUntouched(run))
      return `no data is out of its place; the same command goes on from what is there, and where members are stopped ${pgprov`restore ${inventory} --undo`} starts them again`;
    return `nothing was deleted, and no client is let in; ${pgprov`restore ${inventory}`} goes on from what is there, and ${pgprov`restore ${inventory} --undo`} brings back what was there`;
  },
});

/** A host of the repository alone has no PostgreSQL. */
function memberObservations({ host, platform }: RoleContext): Observation[] {
  const [path, server] = [dataDirectoryOf(host, platform), localServer(host, platform)];
  return [dataCopy(path), restorePlace(path, server), walWritten(server)];
}

function observed(context: RoleContext, { options }: Pick<OperationStart<RestoreOptions>, 'options'>): Observation[] {
  const { host, inventory } = context;
  const stanza = stanzaOf(inventory);
  const isMember = host.roles.includes(serverRole(inventory));
  const reaches = host.roles.includes('backup') || host.roles.includes('backup-repository');
  const isBackupHost = backupHosts(inventory).some(({ name }) => name === host.name);
  const server = pgbackrestUser(context);
  const written = writtenBy(inventory, host).map(({ number }) => number);
  return [
    ...serverRuns(context),
    ...(isMember ? memberObservations(context) : []),
    // What a member sees of the repositories decides only whether it can restore.
    ...(reaches ? [{ ...backupInfo({ stanza, server }), ...(isBackupHost ? {} : { when: 'start' as const }) }] : []),
    ...(isBackupHost
      ? [backupTimers(), backupArchive({ stanza, server }, written), asksManifests({ stanza, server }, written, options)]
      : []),
  ];
}

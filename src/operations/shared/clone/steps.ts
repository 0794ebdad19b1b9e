import {
  accessPlaced,
  accessRemoved,
  clonedData,
  dataDirectoryOf,
  localServer,
  pgRole,
  privateServer,
  SOURCE_ACCESS,
  SOURCE_DIRECTORY,
  topologyOf,
  uncoordinated,
  type LocalServer,
  type OperationStep,
  type Resource,
  type RoleContext,
  type Secret,
  type SourceCluster,
} from '../../../index.js';
import { accessTo, originOf } from '../../../../roles/shared/backup/source.js';
import { accountsOf } from '../../../../roles/shared/layout.js';
import { stanzaSteps } from '../backup/new-database.js';
import { backupSteps, restoredDatabase } from '../restore/backup.js';
import { endStep, leadSteps, othersSteps, storeStep, timersStep } from '../restore/landing.js';
import { isApproved, isLetIn, isRecovered, isRestored, ownNote } from '../restore/seen.js';
import { preparingSteps } from '../restore/steps.js';
import { undoSteps } from '../restore/undo.js';
import { hasPatroni } from '../servers.js';
import { accessOfSource, unmanagedSteps } from './unmanaged.js';
import type { CloneRun } from './seen.js';

/** From a cluster that is empty, or whose data makes room, to one with the other's data. */
export function cloneSteps(run: CloneRun): OperationStep[] {
  if (isLetIn(run)) return landing(run);
  return [...accessStep(run), ...preparingSteps(run), ...ownSteps(run), ...landing(run)];
}

/** What was there before comes back. */
export function cloneUndone(run: CloneRun): { steps: OperationStep[]; then?: string } {
  const { steps, then } = undoSteps(run);
  return { steps: [...forgetStep(run), ...steps], ...(then === undefined ? {} : { then }) };
}

function landing(run: CloneRun): OperationStep[] {
  return [
    ...forgetStep(run),
    ...endStep(run),
    ...unmanagedSteps(run),
    ...storeStep(run, run.options.identifier),
    ...leadSteps(run),
    ...othersSteps(run),
    ...stanzaSteps(run, restoredDatabase(run)),
    ...backupSteps(run),
    ...timersStep(run),
  ];
}

/** It is needed until all WAL is replayed. */
function accessStep(run: CloneRun): OperationStep[] {
  const { source, options, done } = run;
  const { member = '' } = options;
  if (source === undefined || isRecovered(run) || done.has('access')) return [];
  return [
    {
      id: 'access',
      title: `let ${member} read the backups of ${source.inventory.cluster}`,
      effect: `with what is in ${SOURCE_DIRECTORY} there until they are restored${source.client === undefined ? '' : ', a certificate that is good for seven days among it'}`,
      on: [member],
      resources: (context) => accessPlaced(accessTo(source, context)),
    },
  ];
}

function forgetStep(run: CloneRun): OperationStep[] {
  const { source, options, view } = run;
  const { member = '', undo } = options;
  const isThere = view.read(member, SOURCE_ACCESS)?.present === true;
  // While it is not restored yet this is foreseen.
  if (source === undefined || (!isThere && (isRestored(run) || undo === true))) return [];
  return [
    {
      id: 'forget',
      title: `remove from ${member} what let it read the backups of ${source.inventory.cluster}`,
      on: [member],
      resources: () => [accessRemoved()],
    },
  ];
}

/** The data is this cluster's own before anybody gets in. */
function ownSteps(run: CloneRun): OperationStep[] {
  const { source, options, inventory } = run;
  const { member = '' } = options;
  if (source === undefined || isApproved(run) || isLetIn(run)) return [];
  return [
    {
      id: 'own',
      title: `give the data the passwords of ${inventory.cluster}, and disable subscriptions and jobs that work for ${source.inventory.cluster}`,
      effect: `roles that are not ${hasPatroni(inventory) ? 'those of Patroni and of replication' : 'that of replication'} are as they were there`,
      on: [member],
      resources: (context) => owned(context, source, ownNote(run)),
    },
  ];
}

function owned(context: RoleContext, source: SourceCluster, note: string): Resource[] {
  const { host, platform } = context;
  const server: LocalServer = { ...privateServer(localServer(host, platform)), readWrite: true };
  const accounts = accountsIn(context);
  return [
    ...accounts.map(({ name, password, attributes }) => alone(pgRole({ server, name, password, attributes, madeBy: 'pgprov' }))),
    ...accessOfSource(context, source),
    clonedData({
      path: dataDirectoryOf(host, platform),
      server,
      accounts: accounts.map(({ name }) => name),
      rewind: topologyOf(host) === 'patroni' ? accountsOf(context).rewind.name : undefined,
      origin: originOf(source.inventory),
      note,
    }) as Resource,
  ];
}

/** The roles that the members work as. Without Patroni the owner of the server needs no password. */
function accountsIn(context: RoleContext): { name: string; password: Secret; attributes: ('SUPERUSER' | 'REPLICATION')[] }[] {
  const { host } = context;
  const accounts = accountsOf(context);
  const replication = host.roles.includes('replication') ? [{ ...accounts.replication, attributes: ['REPLICATION' as const] }] : [];
  if (topologyOf(host) !== 'patroni') return replication;
  return [{ ...accounts.superuser, attributes: ['SUPERUSER' as const] }, ...replication, { ...accounts.rewind, attributes: [] }];
}

/** A role on a server that nobody else sees: no other host takes part in its change. */
function alone<State>(role: Resource<State>): Resource {
  return { ...(uncoordinated(role) as Resource), id: `private:${role.id}` };
}

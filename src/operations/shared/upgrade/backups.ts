import {
  BACKUP_CONFIGURED,
  backupConfigured,
  dataDirectoryOf,
  enumerate,
  pgprov,
  type CheckResult,
  type HostStep,
  type Observation,
  type OperationObjection,
  type Resource,
  type RoleContext,
} from '../../../index.js';
import { configFile } from '../../../../roles/shared/backup/config-file.js';
import { backupHosts } from '../../../../roles/shared/backup/repositories.js';
import { backedUpHosts, backupSettings } from '../../../../roles/shared/backup/stanza.js';
import { archivingProblem } from '../../../../roles/shared/backup/told.js';
import { backupAdvice, briefly } from '../../../../roles/shared/backup/trouble.js';
import { backupObservations } from '../backup/asked.js';
import { firstBackups, firstBackupSteps, stanzaSteps, type NewDatabase } from '../backup/new-database.js';
import { infoOn } from '../backup/places.js';
import { holding, holdStep, scheduleStep } from '../backup/timers.js';
import { writerOf } from '../servers.js';
import { contextAt } from './majors.js';
import { dataOf, isLetIn, type UpgradeRun } from './seen.js';

/** What is asked of a host about backups. */
export function backupAsks(context: RoleContext): Observation[] {
  const { host, platform } = context;
  if (!knowsBackups(host)) return [];
  return [...backupObservations(context), backupConfigured(platform.pgbackrest.configFile)];
}

/** What keeps backups from following, as far as it shows before anything is stopped. */
export function backupsInTheWay(run: UpgradeRun): OperationObjection[] {
  const { view, inventory, options } = run;
  if (!isBackedUp(run)) return [];
  const refuse = (message: string, hint: string): OperationObjection[] => [
    { kind: 'refuse', message, hint: `nothing was changed; ${hint}` },
  ];
  for (const { name } of backupHosts(inventory)) {
    const info = infoOn(view, name);
    if (info === undefined) return refuse(`backups are taken on ${name}, which cannot be asked`, `see ${pgprov`ping ${inventory}`}`);
    const problem = info.problem ?? info.repositories.find(({ status }) => status === 'failed')?.message;
    if (problem !== undefined) return refuse(`${name} cannot read the backups: ${briefly(problem)}`, backupAdvice(problem, inventory));
    if (info.running !== undefined)
      return refuse(
        `a backup is being made on ${name}, and the upgrade would break it off`,
        `run this again when it is done (${pgprov`backups ${inventory}`})`,
      ).map((objection) => ({ ...objection, settles: true }));
  }
  const leader = backedUpHosts(inventory).find(({ name }) => name === options.member);
  const stuck = leader === undefined ? undefined : archivingProblem(view, leader);
  if (stuck === undefined) return [];
  return refuse(
    `WAL of ${options.member} does not arrive in the backups: ${stuck}`,
    'put that right first: what is not archived cannot be restored',
  );
}

/** No backup begins while the data becomes another. */
export function holdBackups(run: UpgradeRun): HostStep[] {
  return isLetIn(run) ? [] : holdStep(run, 'what they back up becomes another database');
}

/** pgBackRest on every host knows the data of a major. */
export function backupsConfigured(run: UpgradeRun, version: number): HostStep[] {
  const others = run.inventory.hosts.filter((host) => knowsBackups(host) && !isConfigured(run, host.name, version)).map(({ name }) => name);
  if (others.length === 0) return [];
  return [
    {
      id: 'configure-backups',
      title: `have pgBackRest on ${enumerate(others)} back up PostgreSQL ${version}`,
      on: others,
      resources: (context) => [configFile(contextAt(context, version)) as Resource],
    },
  ];
}

/** The stanza gets the database that is served now: until then none of its WAL is archived. */
export function stanzaFollows(run: UpgradeRun): HostStep[] {
  return isBackedUp(run) ? stanzaSteps(run, database(run)) : [];
}

/** The first full backup of what is served now. */
export function firstBackup(run: UpgradeRun): HostStep[] {
  const { older, newer, undo } = run.options;
  return isBackedUp(run) ? firstBackupSteps(run, database(run), `the data of PostgreSQL ${undo === true ? older : newer}`) : [];
}

/** Patroni would make standbys from the newest backup, which is one of the former major until there is another. */
export function copiesFromBackup({ inventory }: Pick<UpgradeRun, 'inventory'>): boolean {
  return isBackedUp({ inventory }) && backupSettings(inventory).replicas_from_backup;
}

/** Backups begin again. */
export function releaseBackups(run: UpgradeRun): HostStep[] {
  return scheduleStep(holding(run), false);
}

/** Whether what is served can be restored. */
export function backupProofs(run: UpgradeRun): CheckResult[] {
  if (!isBackedUp(run)) return [];
  const backups = firstBackups(run, database(run));
  const held = holding(run);
  return [
    {
      title: 'there is a full backup of it',
      ok: backups !== undefined,
      detail: backups?.map(({ label }) => label).join(', ') ?? 'there is none',
    },
    { title: 'no scheduled backup is held', ok: held.length === 0, detail: held.length === 0 ? 'none is' : enumerate(held) },
  ];
}

function isBackedUp({ inventory }: Pick<UpgradeRun, 'inventory'>): boolean {
  return backedUpHosts(inventory).length > 0;
}

function knowsBackups({ roles }: { roles: readonly string[] }): boolean {
  return roles.includes('backup') || roles.includes('backup-repository');
}

function isConfigured({ view, inventory, contextOf }: UpgradeRun, host: string, version: number): boolean {
  const there = view.read(host, BACKUP_CONFIGURED) ?? [];
  const wanted = backedUpHosts(inventory).map(({ name }) => {
    const { host: member, platform } = contextAt(contextOf(name), version);
    return dataDirectoryOf(member, platform);
  });
  return there.every((path) => wanted.includes(path));
}

/** The data that is served once the command is over. */
function database(run: UpgradeRun): NewDatabase {
  const { member, identifier, newer, undo } = run.options;
  if (undo === true) return { identifier, member };
  const leader = (isLetIn(run) ? writerOf(run.view) : undefined) ?? member ?? '';
  return { identifier: dataOf(run, leader, newer)?.identifier, member };
}

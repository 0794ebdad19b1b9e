import {
  ARCHIVING,
  BACKUP_ARCHIVE,
  backupArchive,
  BACKUP_RUNS,
  pgprov,
  type BackupInfo,
  type BackupStatus,
  type FailedBackup,
  type Inventory,
  type Observation,
  type RepositoryBackups,
  type RoleContext,
  type RunningBackup,
  type View,
} from '../../../index.js';
import { pgbackrestUser } from '../../../../roles/shared/backup/pgbackrest.js';
import { backupHosts, writtenBy, type Repository } from '../../../../roles/shared/backup/repositories.js';
import { BACKUP_TYPES, backupUnit, isMadeGood } from '../../../../roles/shared/backup/schedule.js';
import { backedUpHosts, backupSettings, stanzaOf } from '../../../../roles/shared/backup/stanza.js';
import { archivingProblem } from '../../../../roles/shared/backup/told.js';
import { backupAdvice, briefly } from '../../../../roles/shared/backup/trouble.js';
import { perLogOf } from './archive.js';
import { backupObservations } from './asked.js';
import { infoOn, isAtWork, isOwn } from './places.js';
import { restorable } from './window.js';

const HOUR = 3_600_000;

/** What is asked of a host to list what there is, with the archive file by file. */
export function asksBackups(context: RoleContext): Observation[] {
  const { host, inventory } = context;
  const asked = backupObservations(context);
  if (asked.length === 0) return [];
  const numbers = writtenBy(inventory, host).map(({ number }) => number);
  return [...asked, backupArchive({ stanza: stanzaOf(inventory), server: pgbackrestUser(context) }, numbers)];
}

/** What there is to be restored. */
export function backupState(inventory: Inventory, view: View, now: Date): BackupStatus {
  const asked = askedHosts(inventory, view);
  const repositories = asked.flatMap(({ host, repositories: own }) => own.map((repository) => repositoryState(view, host, repository)));
  const state = {
    cluster: inventory.cluster,
    inventory: inventory.file,
    stanza: stanzaOf(inventory),
    maxAgeHours: backupSettings(inventory).max_age,
    repositories,
    running: asked.flatMap(({ host }) => running(view, host)),
    failures: asked.flatMap(({ host, repositories: own }) => failures(view, host, own)),
  };
  return { ...state, problems: [...problemsOf(state, inventory, now), ...archiveProblems(inventory, view)] };
}

/** What is wrong with the way of WAL into the repositories. */
function archiveProblems(inventory: Inventory, view: View): string[] {
  return backedUpHosts(inventory).flatMap((host) => {
    const problem = archivingProblem(view, host);
    return problem === undefined ? [] : [`${host.name}: ${problem}`];
  });
}

/** Each repository once: of members that reach one by themselves the first that answers. */
function askedHosts(inventory: Inventory, view: View): { host: string; repositories: readonly Repository[] }[] {
  const all = backupHosts(inventory).map(({ name, ...rest }) => ({ host: name, repositories: writtenBy(inventory, { name, ...rest }) }));
  const own = all.filter(({ repositories }) => isOwn(repositories));
  const shared = all.filter(({ repositories }) => !isOwn(repositories));
  const one =
    shared.find(({ host }) => view.read(host, ARCHIVING)?.standby === false) ?? shared.find(({ host }) => infoOn(view, host)) ?? shared[0];
  return [...own, ...(one === undefined ? [] : [one])];
}

function repositoryState(view: View, host: string, { name, number }: Repository): RepositoryBackups {
  const info = infoOn(view, host);
  const base = { name, number, host, encrypted: false, backups: [] };
  if (info === undefined) return { ...base, status: 'unseen' };
  if (info.problem !== undefined) return { ...base, status: 'failed', message: info.problem };
  const seen = info.repositories.find(({ repository }) => repository === number);
  if (seen === undefined) return { ...base, status: 'failed', message: `pgBackRest there has no repo${number}` };
  const archive = view.read(host, BACKUP_ARCHIVE)?.find(({ repository }) => repository === number);
  const { status, message, encrypted } = seen;
  const found = restorable(info, number, archive, perLogOf(view, archive));
  return { ...base, status, ...(status === 'ok' ? {} : { message }), encrypted, ...found };
}

function running(view: View, host: string): RunningBackup[] {
  const types = BACKUP_TYPES.filter((type) => isAtWork(view, host, type));
  const { running: lock } = infoOn(view, host) ?? {};
  if (types.length === 0 && lock === undefined) return [];
  const [type] = types;
  const { bytes, copied }: NonNullable<BackupInfo['running']> = lock ?? {};
  return [
    {
      host,
      ...(type === undefined ? {} : { type }),
      ...(bytes === undefined ? {} : { size: bytes }),
      ...(copied === undefined ? {} : { copied }),
    },
  ];
}

/** Failed runs that no later backup has made good. */
function failures(view: View, host: string, repositories: readonly Repository[]): FailedBackup[] {
  const info = infoOn(view, host) ?? { backups: [], repositories: [] };
  const numbers = repositories.map(({ number }) => number);
  return BACKUP_TYPES.flatMap((type): FailedBackup[] => {
    const run = view.read(host, BACKUP_RUNS)?.find(({ unit }) => unit === backupUnit(type));
    if (run?.state !== 'failed' || isMadeGood(run.began ?? Infinity, type, info, numbers)) return [];
    const at = run.began === undefined ? {} : { at: new Date(run.began * 1000).toISOString() };
    return [{ host, type, ...at, error: run.error ?? `it ended with ${run.result ?? 'no reason that is known'}` }];
  });
}

/** What is wrong with the backups of a cluster. */
export function problemsOf(state: Omit<BackupStatus, 'problems'>, inventory: Inventory, now: Date): string[] {
  return [
    ...state.repositories.flatMap((repository) => repositoryProblems(repository, state.maxAgeHours, inventory, now)),
    ...state.failures.map(
      ({ host, type, error }) => `${host}: the last ${type} backup failed: ${briefly(error)}; ${backupAdvice(error, inventory)}`,
    ),
  ];
}

function repositoryProblems(repository: RepositoryBackups, maxAgeHours: number, inventory: Inventory, now: Date): string[] {
  const { name, host, status, message = '', backups, gaps = [] } = repository;
  if (status === 'unseen') return [`repository ${name}: ${host} could not be asked`];
  if (status === 'failed') return [`repository ${name} cannot be read: ${briefly(message)}; ${backupAdvice(message, inventory)}`];
  if (status === 'noStanza') return [`repository ${name} has no stanza: ${message}; ${backupAdvice('missing stanza', inventory)}`];
  const last = backups.findLast(({ damaged, incomplete }) => !damaged && !incomplete);
  const take = pgprov`backup ${inventory}`;
  const age = last === undefined ? undefined : (now.getTime() - Date.parse(last.ended)) / HOUR;
  return [
    ...(last === undefined ? [`repository ${name} has no good backup yet; ${take} takes one`] : []),
    ...(age !== undefined && age > maxAgeHours
      ? [
          `repository ${name}: the last good backup is ${Math.floor(age)} hours old, more than backup.max_age (${maxAgeHours}); ${take} takes one`,
        ]
      : []),
    ...backups.flatMap(({ label, damaged, incomplete }) => [
      ...(damaged ? [`repository ${name}: in ${label} page checksums do not match`] : []),
      ...(incomplete ? [`repository ${name}: ${label} cannot be restored, WAL that it needs is not there`] : []),
    ]),
    ...gaps.map(
      ({ walFirst, walLast, files, before }) =>
        `repository ${name}: ${files === 1 ? `the WAL file ${walFirst} is` : `${files} WAL files, ${walFirst} to ${walLast}, are`} missing${before === undefined ? '' : `, so a restore of ${before} or an older backup ends before it`}`,
    ),
  ];
}

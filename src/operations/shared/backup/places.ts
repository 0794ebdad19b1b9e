import {
  BACKUP_INFO,
  BACKUP_RUNS,
  topologyOf,
  type Backup,
  type BackupInfo,
  type BackupRun,
  type Inventory,
  type OperationRun,
  type View,
} from '../../../index.js';
import { backupHosts, writtenBy, type Repository } from '../../../../roles/shared/backup/repositories.js';
import { asGoodAs, backupUnit, type BackupType } from '../../../../roles/shared/backup/schedule.js';
import { writerOf } from '../servers.js';

/** Options of the operation, with what was chosen. */
export interface BackupOptions {
  type?: BackupType;
  /** By host: the runs that begin later are those of this operation, in seconds by the host's clock. */
  since?: Readonly<Record<string, number>>;
  /** By host: likewise the backups that end later, by the clock of the server that leads. */
  after?: Readonly<Record<string, number>>;
  /** By host: the type of the backup that ran there, which is as good as the one that was asked for. */
  follows?: Readonly<Record<string, BackupType>>;
}

/** What is taken where nothing is said: it needs no other backup than the last full one. */
export const USUAL: BackupType = 'diff';

/** What the operation decides from. */
export type BackupOperation = OperationRun<BackupOptions>;

/** Where a backup is taken: a host, and the repositories that it writes to one after the other. */
export interface Place {
  host: string;
  repositories: readonly Repository[];
}

/** The hosts with repositories, and of servers that reach one by themselves the one that takes writes; `--host` takes some of them. */
export function placesOf({ inventory, view, chosenHosts }: Pick<BackupOperation, 'inventory' | 'view' | 'chosenHosts'>): Place[] {
  const leader = writerOf(view);
  return backupHosts(inventory)
    .map((host) => ({ host, repositories: writtenBy(inventory, host) }))
    .filter(({ host, repositories }) => isOwn(repositories) || topologyOf(host) === 'single' || host.name === leader)
    .map(({ host, repositories }) => ({ host: host.name, repositories }))
    .filter(({ host }) => chosenHosts?.includes(host) !== false);
}

/** The host that writes these repositories has them itself. */
export function isOwn(repositories: readonly Repository[]): boolean {
  return repositories.some(({ host }) => host !== undefined);
}

/** The servers take backups themselves, of which only one takes writes. */
export function takeThemselves(inventory: Inventory): boolean {
  return backupHosts(inventory).some((host) => topologyOf(host) !== 'single' && !isOwn(writtenBy(inventory, host)));
}

/** What pgBackRest says on a host. */
export function infoOn(view: View, host: string): BackupInfo | undefined {
  return view.read(host, BACKUP_INFO);
}

/** The run of a host's unit for one type; undefined where systemd does not know it. */
export function runOn(view: View, host: string, type: BackupType): BackupRun | undefined {
  return view.read(host, BACKUP_RUNS)?.find(({ unit }) => unit === backupUnit(type));
}

/** The type whose unit runs on a host and is at least as good as another. */
export function runningAsGood(view: View, host: string, type: BackupType): BackupType | undefined {
  return asGoodAs(type).find((other) => isAtWork(view, host, other));
}

/** Seconds for which a backup counts for the command that began it and was cut off; one that is given later takes another. */
const COUNTS_FOR = 6 * 3600;

/** A backup that is followed: since when its run counts, by the host's clock, and after which other one it is, by the leading server's. */
export interface Followed {
  type: BackupType;
  since: number;
  after: number;
}

/** The end of the last backup that a host knows of; what ends later is new, whatever the host's own clock says. */
export function lastEnd(view: View, host: string): number {
  return Math.max(0, ...(infoOn(view, host)?.backups.map(({ stop }) => stop) ?? []));
}

/** The backup that runs on a host and is at least as good as another. */
export function followedRun(view: View, { host, repositories }: Place, type: BackupType): Followed | undefined {
  const running = runningAsGood(view, host, type);
  if (running === undefined) return undefined;
  const since = runOn(view, host, running)?.began ?? infoOn(view, host)?.now ?? 0;
  // Of several repositories one may have it already.
  const last = lastEnd(view, host);
  return { type: running, since, after: repositories.length === 1 ? last : Math.min(since, last) };
}

/**
 * The backup, at least as good as another, that a command began on a host which was cut off before it saw its end, and that is in all repositories
 * of the host since.
 */
export function endedUnseen(view: View, place: Place, type: BackupType): Followed | undefined {
  const { host, repositories } = place;
  const now = infoOn(view, host)?.now ?? 0;
  return asGoodAs(type).flatMap((other) => {
    const { asked, after = asked, state } = runOn(view, host, other) ?? {};
    if (asked === undefined || after === undefined || state !== 'idle') return [];
    const counts = Math.max(after, now - COUNTS_FOR);
    return repositories.every(({ number }) => newest(view, host, number, counts, other) !== undefined)
      ? [{ type: other, since: asked, after }]
      : [];
  })[0];
}

/** The unit runs, and pgBackRest has not given up in it. */
export function isAtWork(view: View, host: string, type: BackupType): boolean {
  return runOn(view, host, type)?.state === 'running' && !isStuck(view, host, type);
}

/** pgBackRest has given up, and one of its processes still waits for a host that is gone, so its unit does not end. */
export function isStuck(view: View, host: string, type: BackupType): boolean {
  const run = runOn(view, host, type);
  return run?.state === 'running' && run.error !== undefined && infoOn(view, host)?.running === undefined;
}

/** The backup that this operation has brought about in a repository; undefined: none yet. */
export function newBackup(run: BackupOperation, { host }: Place, { number }: Repository): Backup | undefined {
  return newest(run.view, host, number, run.options.after?.[host] ?? Infinity, typeOn(run, host));
}

/** A smaller one than was asked for, which a timer had taken meanwhile, does not count. */
function newest(view: View, host: string, number: number, after: number, asked: BackupType): Backup | undefined {
  const types: readonly string[] = asGoodAs(asked);
  return infoOn(view, host)?.backups.findLast(
    ({ repository, type, stop }) => repository === number && stop > after && types.includes(type),
  );
}

/** The type of the backup that is taken or followed on a host. */
export function typeOn({ options }: Pick<BackupOperation, 'options'>, host: string): BackupType {
  return options.follows?.[host] ?? options.type ?? USUAL;
}

/** Every repository of the place has one. */
export function isDone(run: BackupOperation, place: Place): boolean {
  return place.repositories.every((repository) => newBackup(run, place, repository) !== undefined);
}

/** The last backup of a kind that others build on, in a repository. */
export function lastFull(view: View, { host }: Place, { number }: Repository): Backup | undefined {
  return infoOn(view, host)?.backups.findLast(({ repository, type }) => repository === number && type === 'full');
}

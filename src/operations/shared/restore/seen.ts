import {
  BACKUP_INFO,
  DATA_DIRECTORY,
  RESTORE_PLACE,
  type BackupInfo,
  type DataCopy,
  type OperationRun,
  type RestorePlace,
  type View,
} from '../../../index.js';
import { backupHosts } from '../../../../roles/shared/backup/repositories.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { copyOn } from '../rebuild/seen.js';
import { isUp, knownIdentifier, runningOn, servedTimeline, serverRole, writerOf } from '../servers.js';
import { restoringMember, SOURCE_INFO } from './source.js';
import { backupFor, backupsOnto, newestTimeline, stanzaIdentifier, type RestoreAim } from './target.js';

/** What a restore is given, and has chosen. */
export interface RestoreOptions extends RestoreAim {
  /** Clients are let in. */
  approve?: boolean;
  /** What was there before comes back. */
  undo?: boolean;
  /** Chosen before the first step: tells this restore from others. */
  id?: string;
  /** Likewise: the member that restores. */
  member?: string;
  /** Likewise: the backup, its timeline, its repository and its bytes. */
  set?: string;
  setTimeline?: number;
  repository?: number;
  size?: number;
  /** Likewise: the timeline that is followed, and the newest one that was known; what is restored gets a newer one. */
  onto?: number;
  newest?: number;
  /** Likewise: the system identifiers of the backups and of what is there; '' where the store has none. */
  identifier?: string;
  former?: string;
  /** Likewise: the data that every member has, by its `DataCopy.identity`; '' where it has none. */
  was?: Readonly<Record<string, string>>;
}

/** What a restore decides from. */
export type RestoreRun = OperationRun<RestoreOptions>;

const NO_PLACE: RestorePlace = { restored: [], restoring: false, unrecovered: false, server: 'down', said: [], databases: [] };

/** What pgBackRest says, on the first host that it answers on, those that take backups before all; a problem where it does nowhere. */
export function infoOf({ view, inventory, source }: Pick<RestoreRun, 'view' | 'inventory' | 'source'>): BackupInfo | undefined {
  if (source !== undefined) return inventory.hosts.flatMap(({ name }) => view.read(name, SOURCE_INFO) ?? [])[0];
  const told = [...backupHosts(inventory), ...inventory.hosts].flatMap(({ name }) => view.read(name, BACKUP_INFO) ?? []);
  return told.find(({ problem }) => problem === undefined) ?? told[0];
}

/** Members from which pgBackRest does not read the backups that others see: it was never set up there. */
export function unreached(run: RestoreRun): string[] {
  const { view, source } = run;
  const known = infoOf(run);
  if (source !== undefined) return [];
  if (known === undefined || known.problem !== undefined || !isUntouched(run)) return [];
  return view.hosts('backup').flatMap(({ name }) => {
    const own = view.read(name, BACKUP_INFO);
    const reads = own !== undefined && own.problem === undefined && (own.backups.length > 0 || known.backups.length === 0);
    return reads ? [] : [name];
  });
}

/** All members of the inventory, or its servers without Patroni. */
export function allMembers({ inventory }: Pick<RestoreRun, 'inventory'>): string[] {
  return hostsWith(inventory, serverRole(inventory)).map(({ name }) => name);
}

/** Those that can be reached. */
export function members({ view }: Pick<RestoreRun, 'view'>): string[] {
  return view.hosts(serverRole(view.inventory)).map(({ name }) => name);
}

/** What a member has in its place for data. */
export function copyOf({ view }: Pick<RestoreRun, 'view'>, host: string): DataCopy {
  return copyOn(view, host);
}

/** Whether a member has the data in its place that it had when the restore began. */
export function hasFormer(run: RestoreRun, host: string): boolean {
  const was = run.options.was?.[host] ?? '';
  return was !== '' && copyOf(run, host).identity === was;
}

/** Where the data is that a member had. */
export function asideOf(run: RestoreRun, host: string): string | undefined {
  return copyOf(run, host).aside[run.options.was?.[host] ?? ''];
}

/** What the restoring member has of it. */
export function placeOf({ view, options: { member = '' } }: RestoreRun): RestorePlace {
  return view.read(member, RESTORE_PLACE) ?? NO_PLACE;
}

/** The backup is in the member's place, whole. */
export function isRestored(run: RestoreRun): boolean {
  const { id = '', member = '' } = run.options;
  const { identity } = copyOf(run, member);
  return identity !== '' && !hasFormer(run, member) && placeOf(run).restored.includes(`${id}.${identity}`);
}

/** Its recovery has come to its end. */
export function isRecovered(run: RestoreRun): boolean {
  return isRestored(run) && !placeOf(run).unrecovered;
}

/** The server of the recovered data ended cleanly, so that it starts as it is. */
export function endedCleanly({ view, options: { member = '' } }: RestoreRun): boolean {
  const data = view.read(member, DATA_DIRECTORY);
  return data?.kind === 'cluster' && data.clusterState === 'shut down';
}

/** Nobody has to look at the data any more before clients are let in: they are approved, or data of another cluster is made this one's own. */
export function isApproved(run: RestoreRun): boolean {
  const { options, source } = run;
  return source === undefined ? options.approve === true : placeOf(run).restored.includes(ownNote(run));
}

/** What the restoring member notes when another cluster's data is this one's own. */
export function ownNote({ options: { id = '' } }: RestoreRun): string {
  return `${id}.own`;
}

/**
 * The server was let start with the restored data, so that clients may have written: nothing is taken back any more. All members know, because the
 * one that restored may have copied its data anew since, or be another machine.
 */
export function isLetIn(run: RestoreRun): boolean {
  return members(run).some((host) => run.view.read(host, RESTORE_PLACE)?.restored.includes(letInNote(run)) === true);
}

/** What all members note before the server is started on the one that restored. */
export function letInNote({ options: { id = '' } }: RestoreRun): string {
  return `${id}.let-in`;
}

/** The unit of its server runs on a member, or a PostgreSQL that is not the private one. */
export function isServing(run: RestoreRun, host: string): boolean {
  const isPrivate = host === run.options.member && placeOf(run).server !== 'down';
  return isPrivate ? runningOn(run.view, host)?.patroni === true : isUp(run.view, host);
}

/** Whether no data is out of its place; members may be stopped by then. */
export function isUntouched(run: RestoreRun): boolean {
  const { was = {} } = run.options;
  return members(run).every((host) => copyOf(run, host).identity === (was[host] ?? ''));
}

/** The member that leads, or led: whose data tells the history of timelines. */
function historian(view: View): string | undefined {
  const told = view.hosts(serverRole(view.inventory)).flatMap(({ name }) => {
    const data = view.read(name, DATA_DIRECTORY);
    return data?.kind === 'cluster' ? [{ name, timeline: data.position?.timeline ?? 0 }] : [];
  });
  return writerOf(view) ?? told.toSorted((one, other) => other.timeline - one.timeline)[0]?.name;
}

/** What is decided before the first step. */
export function chosenOf(run: RestoreRun): RestoreOptions {
  const { view, options, chosenHosts, source } = run;
  const info = infoOf(run);
  const all = members(run);
  const known = historian(view);
  const data = known === undefined ? undefined : view.read(known, DATA_DIRECTORY);
  const cluster = data?.kind === 'cluster' ? data : undefined;
  const identifier = info === undefined ? undefined : stanzaIdentifier(info);
  // A clone has the identifier of what it was made of, and its timelines are others.
  const ours = source === undefined && cluster !== undefined && cluster.systemIdentifier === identifier;
  const own = ours ? (servedTimeline(view, known ?? '') ?? cluster.position?.timeline ?? 0) : 0;
  const newest = Math.max(own, info === undefined ? 0 : newestTimeline(info));
  const named = options.backup === undefined ? undefined : info?.backups.find(({ label }) => label === options.backup);
  const isEnd = [options.time, options.lsn, options.xid, options.name].every((aim) => aim === undefined) && options.latest !== true;
  const onto = options.timeline ?? (isEnd ? named?.timeline : undefined) ?? (ours && own > 0 ? own : newest);
  const set = info === undefined ? undefined : backupFor(options, backupsOnto(info, onto, ours ? cluster.history : undefined));
  const needed = set?.size ?? 0;
  const roomy = all.find((name) => copyOf(run, name).free > needed && copyOf(run, name).fixed === undefined);
  const leader = writerOf(view);
  return {
    ...options,
    id: new Date().toISOString().replaceAll(/[-:]|\.\d+/gu, ''),
    member:
      chosenHosts?.[0] ??
      (source !== undefined ? restoringMember(run) : undefined) ??
      (leader !== undefined && copyOf(run, leader).free > needed ? leader : (roomy ?? all[0] ?? '')),
    onto,
    newest,
    former: knownIdentifier(view),
    was: Object.fromEntries(all.map((name) => [name, copyOf(run, name).identity])),
    ...(identifier === undefined ? {} : { identifier }),
    ...(set === undefined
      ? {}
      : {
          set: set.label,
          repository: set.repository,
          size: set.size,
          ...(set.timeline === undefined ? {} : { setTimeline: set.timeline }),
        }),
  };
}

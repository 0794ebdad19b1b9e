import { dirname } from 'node:path';
import {
  BACKUPS_HELD,
  dataDirectoryOf,
  DRILL_PLACE,
  drillRoomHandle,
  SCRATCH,
  WAL_WRITTEN,
  type DrillNotes,
  type DrillPlace,
  type DrillRoom,
  type Host,
  type OperationRun,
  type RoleContext,
  type View,
} from '../../../index.js';
import { backupHosts, repositoriesOf, writtenBy } from '../../../../roles/shared/backup/repositories.js';
import { backedUpHosts } from '../../../../roles/shared/backup/stanza.js';
import { infoOf } from '../restore/seen.js';
import { backupFor, backupsOnto, currentDatabase, newestTimeline, type RestoreAim } from '../restore/target.js';

/** What a drill is given, and has chosen. */
export interface DrillChoices {
  on?: string;
  time?: string;
  backup?: string;
  directory?: string;
  /** SQL of its user's own. */
  check?: string;
  database?: string;
  json?: boolean;
  /** Chosen before the first step: tells this drill from others. */
  id?: string;
  /** Likewise: the directory that it makes. */
  scratch?: string;
  /** Likewise: the backup, its timeline, its repository by pgBackRest's number, its bytes and its end in seconds. */
  set?: string;
  setTimeline?: number;
  repository?: number;
  size?: number;
  stop?: number;
  /** Likewise: the timeline that is followed, and the last WAL file of it that is archived. */
  onto?: number;
  archived?: string;
  /** Likewise: how far the cluster has written WAL. */
  written?: string;
}

/** What a drill decides from. */
export type DrillRun = OperationRun<DrillChoices>;

const NO_PLACE: DrillPlace = { running: false, watched: false, left: [], able: false };

/** Hosts that can restore: they have PostgreSQL, and reach the backups. */
export function ableHosts({ inventory }: Pick<DrillRun, 'inventory'>): Host[] {
  return backedUpHosts(inventory);
}

/** Where a host's scratch directories are, unless another place is given. */
export function usualParent({ host, platform }: Pick<RoleContext, 'host' | 'platform'>): string {
  return dirname(dataDirectoryOf(host, platform));
}

/** Where the scratch directory is made. */
export function parentOf({ options, contextOf }: Pick<DrillRun, 'options' | 'contextOf'>, on: string): string {
  return options.directory?.replace(/(?<=[^/])\/+$/u, '') ?? usualParent(contextOf(on));
}

/** What the host has of drills. */
export function placeOf({ view, options: { on = '' } }: DrillRun): DrillPlace {
  return view.read(on, DRILL_PLACE) ?? NO_PLACE;
}

/** What this drill has told; undefined: it was not begun. */
export function notesOf(run: DrillRun): DrillNotes | undefined {
  const { last } = placeOf(run);
  return last?.id === run.options.id ? last : undefined;
}

/** Another drill was begun there meanwhile. */
export function isTakenOver(run: DrillRun): boolean {
  const { last } = placeOf(run);
  return isBegunAndSeen(run) && last !== undefined && last.id !== run.options.id;
}

/** It was begun, and its host answers, but has told nothing of it. */
export function isUntold(run: DrillRun): boolean {
  return isBegunAndSeen(run) && placeOf(run).last === undefined;
}

function isBegunAndSeen({ done, view, options }: DrillRun): boolean {
  return done.has('begin') && view.surveyed(options.on ?? '');
}

/** The room in a directory of the host; undefined: it was not asked. */
export function roomOf({ view, options: { on = '' } }: DrillRun, directory: string): DrillRoom | undefined {
  return view.read(on, drillRoomHandle(directory));
}

/** Where the recovery is to end. */
export function aimOf({ time, backup }: DrillChoices): RestoreAim {
  return {
    ...(time === undefined ? {} : { time }),
    ...(backup === undefined ? {} : { backup }),
    ...(time === undefined && backup === undefined ? { latest: true } : {}),
  };
}

/** It is to end where the archive does. */
export function isLatest({ time, backup }: DrillChoices): boolean {
  return time === undefined && backup === undefined;
}

/** The hosts that expire backups of the repository which is read. Of members that do it when they lead, those that can be reached. */
export function expiring({ view, inventory, options: { repository } }: DrillRun): string[] {
  return backupHosts(inventory)
    .filter((host) =>
      writtenBy(inventory, host).some(({ number, host: its }) => number === repository && (its !== undefined || view.surveyed(host.name))),
    )
    .map(({ name }) => name);
}

/** Those of them on which backups are held. */
export function holding(run: DrillRun): string[] {
  return run.inventory.hosts.flatMap(({ name }) => (run.view.read(name, BACKUPS_HELD) === true ? [name] : []));
}

/** The repository's name in the inventory. */
export function repositoryName({ inventory, options: { repository } }: DrillRun): string {
  return repositoriesOf(inventory).find(({ number }) => number === repository)?.name ?? `${repository ?? '?'}`;
}

/** How far the server that takes writes has written WAL; undefined: none answered. */
export function writtenWal(view: View): string | undefined {
  return view.inventory.hosts.map(({ name }) => view.read(name, WAL_WRITTEN)?.location).find((lsn) => lsn !== undefined);
}

/** The host takes writes. */
export function isLeading(view: View, host: string): boolean {
  return view.read(host, WAL_WRITTEN) !== undefined;
}

/** What is decided before the first step. */
export function chosenOf(run: DrillRun): DrillChoices {
  const { view, options } = run;
  const info = infoOf(run);
  const id = new Date().toISOString().replaceAll(/[-:]|\.\d+/gu, '');
  const on = options.on ?? roomiest(run);
  const known = view.surveyed(on) ? { scratch: `${parentOf(run, on)}/${SCRATCH}${id}` } : {};
  if (info === undefined) return { ...options, on, id, ...known };
  const named = options.backup === undefined ? undefined : info.backups.find(({ label }) => label === options.backup);
  const onto = (options.time === undefined ? named?.timeline : undefined) ?? newestTimeline(info);
  const set = backupFor(aimOf(options), backupsOnto(info, onto));
  const archived = info.archives.find(
    ({ repository, database }) => repository === set?.repository && database === currentDatabase(info),
  )?.max;
  const written = writtenWal(view);
  return {
    ...options,
    on,
    id,
    ...known,
    onto,
    ...(archived === undefined ? {} : { archived }),
    ...(written === undefined ? {} : { written }),
    ...(set === undefined
      ? {}
      : {
          set: set.label,
          repository: set.repository,
          size: set.size,
          stop: set.stop,
          ...(set.timeline === undefined ? {} : { setTimeline: set.timeline }),
        }),
  };
}

/** A standby before a server that takes writes, and of these the one with the most room. */
function roomiest(run: DrillRun): string {
  const { view, contextOf } = run;
  const able = ableHosts(run).filter(({ name }) => view.read(name, DRILL_PLACE)?.able === true);
  const free = (host: string): number => view.read(host, drillRoomHandle(usualParent(contextOf(host))))?.free ?? 0;
  const sorted = able
    .map(({ name }) => name)
    .toSorted((one, other) => Number(isLeading(view, one)) - Number(isLeading(view, other)) || free(other) - free(one));
  return sorted[0] ?? ableHosts(run)[0]?.name ?? '';
}

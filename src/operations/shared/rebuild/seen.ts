import {
  begunNote,
  DATA_COPY,
  DATA_DIRECTORY,
  partedStandby,
  RESTORE_PLACE,
  type DataCopy,
  type OperationRun,
  type RestorePlace,
} from '../../../index.js';
import { dataDirectoryOf } from '../../../../roles/shared/layout.js';
import { isSynchronousStandby } from '../../../../roles/shared/synchronous.js';
import { answerOf, listedBy, streamsFrom, timelineOf } from '../members.js';

/** What a rebuild is given, and has chosen. */
export interface RebuildOptions {
  /** What is copied. */
  from?: 'leader' | 'backup';
  /** Its old data is removed, by Patroni, and not kept. */
  discard?: boolean;
  /** Also where no other standby streams. */
  withoutStandby?: boolean;
  /** Also where the member has WAL that the leader has not. */
  giveUpCommits?: boolean;
  /** Chosen before the first step: the member whose data is made anew. */
  member?: string;
  /** Likewise: the copy that is there, by its `DataCopy.identity`; '' where there is none to be kept. */
  was?: string;
  /** Without Patroni: the primary is copied also where pg_rewind may bring the data that is there to it. */
  copy?: boolean;
  /** Chosen before the first step, without Patroni: pg_rewind is tried. */
  rewinds?: boolean;
  /** Likewise: its data is of the primary's database, so that a backup takes what is the same from it. */
  hasSame?: boolean;
  /** Likewise, from a backup: tells this rebuild from others. */
  id?: string;
  /** Likewise: the backup, its repository and its bytes; absent where none can be used. */
  set?: string;
  repository?: number;
  size?: number;
}

/** States of a member whose PostgreSQL serves. */
const WORKING = new Set(['running', 'streaming']);

/** What a rebuild decides from. */
export type RebuildRun = OperationRun<RebuildOptions>;

const NO_COPY: DataCopy = { identity: '', bytes: 0, free: 0, fixed: undefined, aside: {} };

/** What a host has of data that is to be copied anew, and beside it. */
export function copyOn(view: RebuildRun['view'], host: string | undefined): DataCopy {
  return host === undefined ? NO_COPY : (view.read(host, DATA_COPY) ?? NO_COPY);
}

/** Patroni copies the leader's data there, or something else fills the directory with a copy. */
export function isBuilding(view: RebuildRun['view'], host: string): boolean {
  const data = view.read(host, DATA_DIRECTORY);
  return answerOf(view, host)?.state === 'creating replica' || (data?.kind === 'cluster' && data.copy === 'under way');
}

/** The copy that is to go is still in its place; pgBackRest keeps of it what is the same in the backup where it restores over it. */
export function isOld(run: RebuildRun): boolean {
  const { view, options } = run;
  const { member: host, was = '', discard } = options;
  return was !== '' && copyOn(view, host).identity === was && !(isFromBackup(run) && discard === true && isBegun(run));
}

/** The copy comes from a repository. */
export function isFromBackup({ options }: Pick<RebuildRun, 'options'>): boolean {
  return options.from === 'backup';
}

/** What the member has of a restore. */
export function placeOn({ view, options: { member = '' } }: RebuildRun): RestorePlace | undefined {
  return view.read(member, RESTORE_PLACE);
}

/** pgBackRest has begun to write in the data directory. */
export function isBegun(run: RebuildRun): boolean {
  return placeOn(run)?.restored.includes(begunNote(run.options.id ?? '')) === true;
}

/** The backup is in the data directory, whole. */
export function isRestored(run: RebuildRun): boolean {
  const { view, options } = run;
  const { identity } = copyOn(view, options.member);
  return identity !== '' && placeOn(run)?.restored.includes(`${options.id ?? ''}.${identity}`) === true;
}

/** A copy that was begun and broken off, beside which Patroni waits for ever. */
export function isBrokenOff({ view, options: { member: host = '' } }: RebuildRun): boolean {
  const data = view.read(host, DATA_DIRECTORY);
  return data?.kind === 'cluster' && data.copy === 'interrupted' && !isBuilding(view, host);
}

/**
 * The new copy has WAL of its own and never streams, as where a power cut ended the copying and Patroni recovered it at the boot. What a
 * standby has replayed beyond its leader's answer, which is older, may be the leader's: then its receiver has that too.
 */
export function isParted(run: RebuildRun, leader: string): boolean {
  const { view, options } = run;
  const { member: host = '' } = options;
  const [own, leading] = [answerOf(view, host), answerOf(view, leader)];
  if (own === undefined || leading === undefined || isOld(run) || streamsFrom(view, leader, host)) return false;
  const { received = 0, replayed = 0 } = own.wal ?? {};
  return received < replayed && partedStandby(own, leader, leading) !== undefined;
}

/** Whether a member streams on the leader’s timeline, by the leader’s word. */
export function isStreaming(view: RebuildRun['view'], leader: string, host: string): boolean {
  const listed = listedBy(view, leader, host);
  return streamsFrom(view, leader, host) && listed?.state === 'streaming' && listed.timeline === timelineOf(view, leader);
}

/** System identifier of the data on a host; undefined where it has none. */
export function identifierOf({ view }: RebuildRun, host: string): string | undefined {
  const data = view.read(host, DATA_DIRECTORY);
  return data?.kind === 'cluster' ? data.systemIdentifier : undefined;
}

/** Where the data of the member is that is rebuilt. */
export function dataPath({ contextOf, options: { member: host = '' } }: RebuildRun): string {
  const context = contextOf(host);
  return dataDirectoryOf(context.host, context.platform);
}

/** Whether the leader has the member as a synchronous standby. */
export function isSynchronous({ view, options: { member: host = '' } }: RebuildRun, leader: string): boolean {
  const listed = listedBy(view, leader, host);
  return listed !== undefined && isSynchronousStandby(listed);
}

/** A copy is there that is not the old one, and streams: by what the member says and by what its leader has listed. */
export function isBack(run: RebuildRun, leader: string): boolean {
  const { view, options } = run;
  const { member: host = '' } = options;
  if (isOld(run) || isBrokenOff(run) || isBuilding(view, host) || copyOn(view, host).identity === '') return false;
  return WORKING.has(answerOf(view, host)?.state ?? '') && isStreaming(view, leader, host);
}

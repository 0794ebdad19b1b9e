import {
  BACKUP_INFO,
  DATA_DIRECTORY,
  enumerate,
  formatBytes,
  pgprov,
  type Backup,
  type BackupInfo,
  type OperationObjection,
} from '../../../index.js';
import { gapsIn, gapWords } from '../backup/archive.js';
import { utcText } from '../moment.js';
import { leaderOf, storeOf } from '../members.js';
import { maintenanceObjection } from '../quiet-cluster.js';
import {
  allMembers,
  asideOf,
  copyOf,
  hasFormer,
  infoOf,
  isLetIn,
  isRecovered,
  isServing,
  isUntouched,
  members,
  placeOf,
  unreached,
  type RestoreRun,
} from './seen.js';
import { guardUnapproved } from '../../../../roles/shared/unapproved.js';
import { furthestOf, isUp } from '../recover/seen.js';
import { leftTimeline } from './left-timeline.js';
import { roomFor } from './room.js';
import { archiveFor, perLogFor, readingAdvice } from './source.js';
import { aimWords, backupsOnto, gapsTo, readTime } from './target.js';
import { tablespaced } from './whole.js';
import { backedUp, goOn, privatelyAt, reachedWords, takeBack } from './words.js';

function refuse(message: string, hint: string): OperationObjection[] {
  return [{ kind: 'refuse', message, hint }];
}

/** Why a restore must not begin, or go on; asked before every step. */
export function restoreObjections(run: RestoreRun): OperationObjection[] {
  if (isLetIn(run)) return run.options.undo === true ? tooLate(run) : [];
  const found = [...absent(run), ...gone(run), ...leased(run)];
  if (found.length > 0) return found.slice(0, 1);
  if (run.options.undo === true) return unordered(run);
  if (isUntouched(run)) return beginning(run).slice(0, 1);
  return awaits(run);
}

/** Clients may have written since. */
function tooLate(run: RestoreRun): OperationObjection[] {
  const { options } = run;
  const kept = members(run).flatMap((host) => asideOf(run, host) ?? []);
  return refuse(
    `${options.member} has been started with the restored data, and clients may have written since, so it is not taken back`,
    `${goOn(run)} finishes it; what was there before is kept${kept.length === 0 ? '' : ` in ${[...new Set(kept)].join(', ')}`}, see docs/restore.md for how it is read`,
  );
}

/** A member that comes back while nobody leads would take the lead with the data that it has. */
function absent({ view, inventory }: RestoreRun): OperationObjection[] {
  const away = allMembers({ inventory }).filter((name) => !view.surveyed(name));
  if (away.length === 0) return [];
  const [it, has] = away.length === 1 ? ['it', 'has'] : ['they', 'have'];
  return refuse(
    `${enumerate(away)} cannot be reached: ${it} would take the lead with the data that ${it} ${has}, if ${it} came back while nobody leads`,
    `switch ${away.length === 1 ? 'it' : 'them'} on and run this again; a host that is gone for good comes out of the inventory first`,
  );
}

/** What was there is neither in its place nor beside it. */
function gone(run: RestoreRun): OperationObjection[] {
  const { options } = run;
  const { was = {}, undo } = options;
  if (undo !== true) return [];
  const lost = members(run).filter((host) => (was[host] ?? '') !== '' && !hasFormer(run, host) && asideOf(run, host) === undefined);
  if (lost.length === 0) return [];
  return refuse(
    `the data that ${enumerate(lost)} had before the restore is not beside its place any more, so it cannot come back`,
    `bring it back, or finish the restore without --undo`,
  );
}

/** What was there is back, and nobody knows who of its members is to be started first. */
function unordered(run: RestoreRun): OperationObjection[] {
  const { view } = run;
  const all = members(run);
  const isBack =
    all.some((host) => hasFormer(run, host)) && all.every((host) => hasFormer(run, host) || (run.options.was?.[host] ?? '') === '');
  const found = isBack && leaderOf(view) === undefined && !all.some((host) => isUp(view, host)) ? furthestOf(view) : undefined;
  if (found === undefined || found.kind === 'known') return [];
  const why = found.kind === 'unknown' ? found.why : `${enumerate(found.hosts)} wrote two histories of timeline ${found.timeline}`;
  return refuse(
    `what was there is back in its place, and who has the last commits is not known: ${why}`,
    'start Patroni on the member that led (`systemctl start patroni`, as root there), then run this again, which starts the others',
  );
}

/** The lease of a leader that was lost is not over yet. */
function leased(run: RestoreRun): OperationObjection[] {
  const { view } = run;
  const leader = storeOf(view)?.leader ?? '';
  if (leader === '' || members(run).some((host) => isUp(view, host))) return [];
  return [
    {
      kind: 'refuse',
      message: `nobody runs, and ${leader} still holds the lease of the lead`,
      hint: 'run this again when the lease is over',
      settles: true,
    },
  ];
}

/** Clients are let in only when somebody has looked at the data. */
function awaits(run: RestoreRun): OperationObjection[] {
  const { options, inventory } = run;
  if (run.source !== undefined || options.approve === true || !isRecovered(run) || placeOf(run).server !== 'open') return [];
  // What somebody has started by hand is stopped first: it would let clients in.
  if (members(run).some((host) => isServing(run, host))) return [];
  return [
    {
      kind: 'preflight',
      error: 'restore/awaits-approval',
      message: `the restore waits for your approval: ${reachedWords(run)}`,
      hint: `no client is let in yet. Look at the data: ${privatelyAt(run)}. ${pgprov`restore ${inventory} --approve`} lets clients in; ${pgprov`restore ${inventory} --undo`} brings back what was there`,
    },
  ];
}

/** What must be so before anything is stopped. */
function beginning(run: RestoreRun): OperationObjection[] {
  return [
    ...guardUnapproved(run.view),
    ...stored(run),
    ...maintenanceObjection(run),
    ...repository(run),
    ...leftTimeline(run),
    ...target(run),
    ...tablespaced(run),
    ...places(run),
    ...room(run),
  ];
}

function stored({ view, inventory }: RestoreRun): OperationObjection[] {
  if (storeOf(view) !== undefined) return [];
  return refuse(
    'Patroni’s store does not answer, and a restored member could not lead',
    `bring it back first: ${pgprov`apply ${inventory}`}, or ${pgprov`recover ${inventory}`}`,
  );
}

function repository(run: RestoreRun): OperationObjection[] {
  const { view, options, inventory, done } = run;
  const info = infoOf(run);
  if (info === undefined) return refuse(`no host of ${inventory.cluster} that could be reached reaches the backups`, 'bring one back');
  if (info.problem !== undefined) return unreadable(run, info.problem);
  const failed = info.repositories
    .filter(({ status }) => status === 'failed')
    .map(({ repository: number, message }) => `${number}: ${message}`);
  if (info.backups.length === 0) {
    if (run.source !== undefined && failed.length > 0) return unreadable(run, `repository ${failed.join('; ')}`);
    return refuse(
      `there is no backup to restore${failed.length === 0 ? '' : ` (repository ${failed.join('; ')})`}`,
      `nothing was changed; ${pgprov`backups ${backedUp(run)}`} shows what there is`,
    );
  }
  const { member = '' } = options;
  if (done.has('reach') && unreached(run).includes(member)) {
    const own = view.read(member, BACKUP_INFO);
    return refuse(
      `${member} cannot read the backups${own?.problem === undefined ? '' : `: ${own.problem}`}`,
      'put that right, or restore on another member (--host)',
    );
  }
  if (info.running !== undefined) {
    return [
      {
        kind: 'refuse',
        message: 'a backup is being made, and what it expires at its end may be what a restore needs',
        hint: `nothing was changed; run this again when it is done (${pgprov`backups ${inventory}`})`,
        settles: true,
      },
    ];
  }
  return [];
}

function unreadable(run: RestoreRun, problem: string): OperationObjection[] {
  const { source } = run;
  if (source === undefined) return refuse(`the backups cannot be read: ${problem}`, 'nothing was changed; put that right first');
  return refuse(
    `${run.options.member} cannot read the backups of ${source.inventory.cluster}: ${problem}`,
    `nothing was changed; ${readingAdvice(problem, run)}`,
  );
}

/** Whether what there is reaches to where the restore is to end. */
function target(run: RestoreRun): OperationObjection[] {
  const { options } = run;
  const info = infoOf(run);
  if (info === undefined) return [];
  const { time, backup, set, onto = 0 } = options;
  const look = `nothing was changed; ${pgprov`backups ${backedUp(run)}`} shows what can be restored to`;
  if (time !== undefined && (readTime(time)?.seconds ?? 0) > info.now) {
    return refuse(
      `${aimWords(options)} is in the future: it is ${utcText(new Date(info.now * 1000).toISOString())} there`,
      'nothing was changed; --latest restores to the last commit that is archived',
    );
  }
  if (set !== undefined && !info.backups.some(({ label }) => label === set)) {
    return refuse(
      `backup ${set}, which is restored, is not there any more: a later one has expired it`,
      `${takeBack(run)} takes back what was begun; then begin anew, which takes another backup`,
    );
  }
  if (set !== undefined) return gaps(run, info, set);
  if (backup !== undefined) {
    if (!info.backups.some(({ label }) => label === backup)) return refuse(`there is no backup ${backup}`, look);
    return refuse(`backup ${backup} does not lead to ${aimWords(options)} on timeline ${onto}`, look);
  }
  const [oldest] = backupsOnto(info, onto);
  return refuse(
    oldest === undefined
      ? `no backup leads to timeline ${onto}`
      : `no backup ended before ${aimWords(options)}: the oldest that leads to timeline ${onto}, ${oldest.label}, ended at ${endOf(oldest)}`,
    look,
  );
}

/** All WAL has to be there that is replayed. */
function gaps(run: RestoreRun, info: BackupInfo, label: string): OperationObjection[] {
  const { options } = run;
  const set = info.backups.find((backup) => backup.label === label);
  const archive = set === undefined ? undefined : archiveFor(run, set.repository);
  if (set === undefined || archive === undefined) return [];
  const perLog = perLogFor(run, archive);
  const missing = gapsTo(options, set, info.backups, gapsIn(archive, info, perLog), perLog);
  if (missing.length === 0) return [];
  const words = missing.map((gap) => gapWords(gap, perLog));
  return refuse(
    `${aimWords(options)} cannot be reached from backup ${label}: repository ${set.repository} lacks the WAL files ${enumerate(words)} (of any timeline)`,
    `nothing was changed; restore to an earlier moment, or from a later backup (--backup); ${pgprov`backups ${backedUp(run)}`} lists them`,
  );
}

function endOf({ stop, lsnStop }: Backup): string {
  return `${utcText(new Date(stop * 1000).toISOString())}${lsnStop === undefined ? '' : ` (${lsnStop})`}`;
}

/** All data can be put aside, and is a database’s. */
function places(run: RestoreRun): OperationObjection[] {
  const { view } = run;
  return members(run).flatMap((host) => {
    const data = view.read(host, DATA_DIRECTORY);
    if (data?.kind === 'foreign')
      return refuse(`the data directory of ${host} holds files that are no database`, 'nothing was changed; move them aside first');
    const { fixed, identity } = copyOf(run, host);
    if (fixed === undefined || identity === '') return [];
    return refuse(
      `the data directory of ${host} ${fixed}, so what is in it cannot be put aside`,
      'nothing was changed; pgprov restores only beside data that is kept',
    );
  });
}

/** What is there stays on every member, and the others copy what one restores. */
function room(run: RestoreRun): OperationObjection[] {
  const { size = 0 } = run.options;
  const needed = roomFor(size);
  const tight = members(run).filter((host) => copyOf(run, host).free < needed);
  if (tight.length === 0) return [];
  const free = tight.map((host) => `${formatBytes(copyOf(run, host).free)} on ${host}`);
  return refuse(
    `there is no room for the restored data beside what is there: ${formatBytes(needed)} is needed on every member, and ${enumerate(free)} ${free.length === 1 ? 'is' : 'are'} free`,
    'nothing was changed; make room there, then run this again',
  );
}

/** Whether the data that is there is of another database than the backups. */
export function isOtherDatabase({ options: { identifier = '', former = '' } }: RestoreRun): boolean {
  return former !== '' && identifier !== '' && former !== identifier;
}

/** What a person is asked. */
export function restoreQuestion(run: RestoreRun): string {
  const { options, inventory, view } = run;
  const { cluster } = inventory;
  if (options.undo === true) return `Bring back what ${cluster} had before the restore?`;
  if (isRecovered(run)) return `Let clients of ${cluster} in to the restored data?`;
  const other = isOtherDatabase(run)
    ? `The backups are of another database (system identifier ${options.identifier}) than ${cluster} has now (${options.former}). `
    : '';
  const serves = leaderOf(view) === undefined ? '' : 'What was committed since will be in the data that is put aside alone. ';
  return `${other}${serves}Restore ${cluster} to ${aimWords(options)}?`;
}

import { DATA_DIRECTORY, enumerate, formatBytes, pgprov, UNAPPROVED_DATA, type OperationObjection } from '../../../index.js';
import { storeOf } from '../members.js';
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
  type RestoreRun,
} from './seen.js';
import { backupSettings, stanzaOf } from '../../../../roles/shared/backup/stanza.js';
import { isPrimary, seenServers } from '../../../../roles/shared/streaming/seen.js';
import { guardUnapproved } from '../../../../roles/shared/unapproved.js';
import { furthestOf } from '../recover/seen.js';
import { unreachableTarget, unreadBackups } from './guard-backups.js';
import { leftTimeline } from './left-timeline.js';
import { roomFor } from './room.js';
import { archiveFor } from './source.js';
import { hasPatroni, isUp, writerOf } from '../servers.js';
import { aimWords } from './target.js';
import { unfit } from './whole.js';
import { goOn, privatelyAt, reachedWords } from './words.js';

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
  const why = hasPatroni(inventory)
    ? `${it} would take the lead with the data that ${it} ${has}, if ${it} came back while nobody leads`
    : `what ${it} ${has} would be neither stopped nor put aside`;
  return refuse(
    `${enumerate(away)} cannot be reached: ${why}`,
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
  const { view, inventory } = run;
  // Without Patroni the primary is the one whose data is no standby's.
  if (!hasPatroni(inventory)) return [];
  const all = members(run);
  const isBack =
    all.some((host) => hasFormer(run, host)) && all.every((host) => hasFormer(run, host) || (run.options.was?.[host] ?? '') === '');
  const found = isBack && writerOf(view) === undefined && !all.some((host) => isUp(view, host)) ? furthestOf(view) : undefined;
  if (found === undefined || found.kind === 'known') return [];
  const why = found.kind === 'unknown' ? found.why : `${enumerate(found.hosts)} wrote two histories of timeline ${found.timeline}`;
  return refuse(
    `what was there is back in its place, and who has the last commits is not known: ${why}`,
    'start Patroni on the member that led (`systemctl start patroni`, as root there), then run this again, which starts the others',
  );
}

/** The lease of a leader that was lost is not over yet. */
function leased(run: RestoreRun): OperationObjection[] {
  const leader = storeOf(run.view)?.leader ?? '';
  if (leader === '' || members(run).some((host) => isUp(run.view, host))) return [];
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
    ...unapproved(run),
    ...twoPrimaries(run),
    ...stored(run),
    ...maintenanceObjection(run),
    ...unreadBackups(run),
    ...stillArchived(run),
    ...leftTimeline(run),
    ...unreachableTarget(run),
    ...unfit(run),
    ...places(run),
    ...room(run),
  ];
}

/** Which of them is the one to go back to is for a person to say. */
function twoPrimaries({ view, inventory }: RestoreRun): OperationObjection[] {
  const primaries = seenServers(view).filter(isPrimary);
  if (primaries.length < 2) return [];
  return refuse(
    `${enumerate(primaries.map(({ name }) => name))} are both primaries, and only one of them archives its WAL into these backups`,
    `nothing was changed; ${pgprov`plan ${inventory}`} says how one of them goes out of the way`,
  );
}

/** Backups of a database that is none of these hosts: whoever writes them must be lost, because both would write into one archive. */
function stillArchived(run: RestoreRun): OperationObjection[] {
  const { inventory, options, source } = run;
  const info = infoOf(run);
  const last = options.repository === undefined ? undefined : archiveFor(run, options.repository)?.last;
  if (source !== undefined || !isOtherDatabase(run) || info === undefined || last === undefined) return [];
  const limit = 2 * backupSettings(inventory).archive_timeout;
  const quiet = info.now - last;
  if (Math.abs(quiet) >= limit) return [];
  return refuse(
    `the backups are of another database, and WAL arrived in them ${quiet} s ago: a cluster that lives archives under the stanza ${stanzaOf(inventory)}`,
    `nothing was changed; two clusters never share a stanza: give ${inventory.cluster} another backup.stanza, or its repository another place. Where the hosts of these backups have just been lost, run this again in ${limit - quiet} seconds`,
  );
}

/** What another restore has left; that a server is held is of no account, because this one does that too. */
function unapproved({ view, inventory }: RestoreRun): OperationObjection[] {
  if (hasPatroni(inventory)) return guardUnapproved(view);
  const hosts = view.hosts('postgresql').filter(({ name }) => view.read(name, UNAPPROVED_DATA)?.held !== true);
  return guardUnapproved(view, hosts);
}

function stored({ view, inventory }: RestoreRun): OperationObjection[] {
  if (!hasPatroni(inventory) || storeOf(view) !== undefined) return [];
  return refuse(
    'Patroni’s store does not answer, and a restored member could not lead',
    `bring it back first: ${pgprov`apply ${inventory}`}, or ${pgprov`recover ${inventory}`}`,
  );
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
  const serves = writerOf(view) === undefined ? '' : 'What was committed since will be in the data that is put aside alone. ';
  return `${other}${serves}Restore ${cluster} to ${aimWords(options)}?`;
}

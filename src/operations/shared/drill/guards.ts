import { BACKUP_INFO, enumerate, formatBytes, pgprov, unknownName, type OperationObjection, type OperationStart } from '../../../index.js';
import { backupAdvice, briefly } from '../../../../roles/shared/backup/trouble.js';
import { noBackups } from '../backup/asked.js';
import { utcText } from '../moment.js';
import { infoOf } from '../restore/seen.js';
import { roomFor } from '../restore/room.js';
import { archiveOf, gapsIn, gapWords, perLogOf } from '../backup/archive.js';
import { aimWords, gapsTo, readTime } from '../restore/target.js';
import { ableHosts, aimOf, expiring, isTakenOver, isUntold, parentOf, placeOf, roomOf, type DrillChoices, type DrillRun } from './seen.js';

/** What of the free room a drill may take at most. */
const MOST_OF_ROOM = 0.8;

/** What is wrong with what was given. */
export function drillProblems({ inventory, options }: OperationStart<DrillChoices>): OperationObjection[] {
  const none = noBackups(inventory);
  if (none.length > 0) return none;
  const wrong = (message: string, hint: string): OperationObjection[] => [{ kind: 'input', error: 'drill/options', message, hint }];
  const names = ableHosts({ inventory }).map(({ name }) => name);
  const { on, time, directory, database, check } = options;
  if (on !== undefined && !names.includes(on)) {
    const isKnown = inventory.hosts.some(({ name }) => name === on);
    return wrong(
      isKnown
        ? `${on} has not the role backup, so it has no PostgreSQL that a backup could be restored for`
        : unknownName('host', on, names).message,
      `restore on one of ${enumerate(names)}`,
    );
  }
  if (time !== undefined && readTime(time) === undefined)
    return wrong(`there is no such time as ${time}`, 'give one such as 2026-03-04T22:00:00+01:00; without an offset it is in UTC');
  if (directory !== undefined && !directory.startsWith('/'))
    return wrong(`${directory} is no absolute path`, 'give the path of a directory on the host that restores, such as /srv/scratch');
  if (database !== undefined && check === undefined) return wrong('--database is where --check is asked', 'give --check, or leave it out');
  return [];
}

/** Why a drill must not begin, or has nothing to go on with. */
export function drillObjections(run: DrillRun): OperationObjection[] {
  const { options } = run;
  if (isTakenOver(run)) {
    return refuse(
      `another drill was begun on ${options.on}, and has taken this one's place`,
      'wait until it is over, then give the command again',
    );
  }
  if (isUntold(run)) {
    return [
      {
        kind: 'refuse',
        message: `${options.on} does not tell how the drill goes that was begun there`,
        hint: 'give the command again, which ends what is left of it, and begins anew',
        settles: true,
      },
    ];
  }
  if (run.done.has('begin')) return [];
  return [...host(run), ...repository(run), ...target(run), ...missing(run), ...room(run)].slice(0, 1);
}

function refuse(message: string, hint: string): OperationObjection[] {
  return [{ kind: 'refuse', message, hint }];
}

/** The host can restore. */
function host(run: DrillRun): OperationObjection[] {
  const { view, options, inventory } = run;
  const { on = '' } = options;
  if (!view.surveyed(on)) return refuse(`${on} cannot be reached`, `restore on another host (--on), or see ${pgprov`ping ${inventory}`}`);
  const { able, running, watched } = placeOf(run);
  if (!able) return refuse(`${on} has not the programs of PostgreSQL and pgBackRest`, `${pgprov`apply ${inventory}`} installs them`);
  if (running && watched) {
    return [
      {
        kind: 'refuse',
        message: `another drill runs on ${on}, and somebody watches it`,
        hint: `give the command again when it is over; \`systemctl stop pgprov-drill\` on ${on} ends it`,
        settles: true,
      },
    ];
  }
  const own = view.read(on, BACKUP_INFO);
  if (own?.problem !== undefined)
    return refuse(`${on} cannot read the backups: ${briefly(own.problem)}`, backupAdvice(own.problem, inventory));
  return [];
}

/** There is something to restore, and it stays while it is read. */
function repository(run: DrillRun): OperationObjection[] {
  const { view, inventory } = run;
  const info = infoOf(run);
  const shows = pgprov`backups ${inventory}`;
  if (info === undefined) return refuse(`no host of ${inventory.cluster} that could be reached reaches the backups`, 'bring one back');
  if (info.problem !== undefined)
    return refuse(`the backups cannot be read: ${briefly(info.problem)}`, backupAdvice(info.problem, inventory));
  if (info.backups.length === 0) {
    const [failed] = info.repositories.filter(({ status }) => status === 'failed');
    if (failed !== undefined)
      return refuse(`the backups cannot be read: ${briefly(failed.message)}`, backupAdvice(failed.message, inventory));
    return refuse('there is no backup to restore', `${shows} shows what there is`);
  }
  const away = expiring(run).filter((name) => !view.surveyed(name));
  if (away.length > 0) {
    return refuse(
      `${enumerate(away)} cannot be reached, and a backup that begins there could expire what is being read`,
      `see ${pgprov`ping ${inventory}`}`,
    );
  }
  if (info.running === undefined || run.done.has('hold')) return [];
  return [
    {
      kind: 'refuse',
      message: 'a backup is being made, and what it expires at its end may be what the drill reads',
      hint: `give the command again when it is over (${shows})`,
      settles: true,
    },
  ];
}

/** A backup leads to where the recovery is to end. */
function target(run: DrillRun): OperationObjection[] {
  const { options, inventory } = run;
  const info = infoOf(run);
  const { time, backup, set, onto = 0 } = options;
  if (info === undefined) return [];
  const look = `${pgprov`backups ${inventory}`} shows what can be restored to`;
  if (time !== undefined && (readTime(time)?.seconds ?? 0) > info.now) {
    return refuse(
      `${aimWords(options)} is in the future: it is ${utcText(new Date(info.now * 1000).toISOString())} there`,
      'without --time the recovery ends with the last commit that is archived',
    );
  }
  if (set !== undefined) return [];
  if (backup !== undefined && !info.backups.some(({ label }) => label === backup)) return refuse(`there is no backup ${backup}`, look);
  return refuse(
    `no ${backup === undefined ? 'good backup' : `way from backup ${backup}`} leads to ${aimWords(aimOf(options))} on timeline ${onto}`,
    look,
  );
}

/** That WAL is missing is what a drill is to find, so it does not count as a refusal. */
function missing(run: DrillRun): OperationObjection[] {
  const { view, inventory, options } = run;
  const info = infoOf(run);
  const set = info?.backups.find(({ label, repository: number }) => label === options.set && number === options.repository);
  if (info === undefined || set === undefined) return [];
  const archive = archiveOf(view, set.repository);
  const perLog = perLogOf(view, archive);
  const gaps = archive === undefined ? [] : gapsTo(aimOf(options), set, info.backups, gapsIn(archive, info, perLog), perLog);
  if (gaps.length === 0) return [];
  const files = gaps.map((gap) => gapWords(gap, perLog));
  return [
    {
      kind: 'preflight',
      error: 'drill/wal-missing',
      message: `backup ${set.label} cannot be recovered to ${aimWords(aimOf(options))}: its repository lacks the WAL files ${enumerate(files)} (of any timeline)`,
      hint: `take a backup that does not need them: ${pgprov`backup ${inventory} --type full`}; then find out what removed them`,
    },
  ];
}

/** What is there already is not endangered. */
function room(run: DrillRun): OperationObjection[] {
  const { on = '', size = 0 } = run.options;
  const parent = parentOf(run, on);
  const found = roomOf(run, parent);
  if (found === undefined) return [];
  if (!found.there) return refuse(`${parent} is no directory on ${on}`, 'make it first, or give another one with --directory');
  const needed = roomFor(size);
  if (needed <= found.free * MOST_OF_ROOM) return [];
  return refuse(
    `there is no room in ${parent} on ${on}: the restored data takes about ${formatBytes(needed)}, and ${formatBytes(found.free)} are free, of which a fifth stays free`,
    'restore on another host (--on), or into another directory (--directory)',
  );
}

import {
  ARCHIVING,
  BACKUP_CHECK,
  BACKUP_INFO,
  BACKUP_RUNS,
  formatBytes,
  pgprov,
  type Archiving,
  type BackupInfo,
  type BackupRun,
  type CheckResult,
  type Host,
  type Inventory,
  type StatusLine,
  type View,
} from '../../../src/index.js';
import { writtenBy } from './repositories.js';
import { BACKUP_TYPES, backupUnit, isMadeGood } from './schedule.js';
import { backupSettings } from './stanza.js';
import { backupAdvice, briefly, knownAdvice, restartWords } from './trouble.js';

const HOUR = 3600;

/** What is said of archiving on a member, and of backups on a host that takes them. */
export function backupLines(view: View, host: Host): StatusLine[] {
  return [...archivingLines(view, host), ...backupAge(view, host), ...failureLines(view, host)];
}

function archivingLines(view: View, host: Host): StatusLine[] {
  const seen = view.read(host.name, ARCHIVING);
  if (seen === undefined || seen.standby) return [];
  if (!seen.on) {
    return [{ level: 'warning', text: `WAL is not archived: archive_mode takes a restart of PostgreSQL; ${restartWay(view)}` }];
  }
  if (isFailing(seen)) return [{ level: 'problem', text: failureWords(view.inventory, seen) }];
  const late = lateWords(view.inventory, seen);
  if (late !== undefined) return [{ level: 'warning', text: late }];
  return seen.archivedAgo === undefined ? [] : [{ text: `WAL is archived, last ${ago(seen.archivedAgo)}${waitingWords(seen)}` }];
}

/** What is wrong with the archiving of a member, in a sentence; undefined: nothing that is known. */
export function archivingProblem(view: View, { name: host }: Host): string | undefined {
  const seen = view.read(host, ARCHIVING);
  if (seen === undefined || seen.standby || !seen.on) return undefined;
  return isFailing(seen) ? failureWords(view.inventory, seen) : lateWords(view.inventory, seen);
}

/** That WAL waits for longer than it should, although nothing has failed: the command hangs, or is slower than the WAL comes. */
function lateWords(inventory: Inventory, seen: Archiving): string | undefined {
  const limit = backupSettings(inventory).max_archive_lag;
  if ((seen.waitingFor ?? 0) <= limit * 60) return undefined;
  return `WAL waits to be archived for longer than backup.max_archive_lag, ${limit} minutes${waitingWords(seen)}; ${pgprov`logs ${inventory} --unit patroni,postgresql`} shows what archive_command says`;
}

function waitingWords({ waiting, segment, waitingFor }: Archiving): string {
  if (waiting === 0) return '';
  return `; ${formatBytes(waiting * segment)} wait${waitingFor === undefined ? '' : `, the oldest for ${duration(waitingFor)}`}`;
}

function restartWay({ inventory }: View): string {
  return `${restartWords(inventory)}, and the next ${pgprov`apply ${inventory}`} proves it`;
}

/** Nothing was archived since archiving failed last. */
export function isFailing({ failedAgo, archivedAgo = Infinity }: Archiving): boolean {
  return failedAgo !== undefined && failedAgo < archivedAgo;
}

/** What waits, and how long there is room for it at the speed at which it has come. */
function failureWords(inventory: Inventory, { failedWal = '', archivedAgo, waiting, segment, free, said = {} }: Archiving): string {
  const bytes = waiting * segment;
  const since = archivedAgo === undefined ? '' : ` for ${duration(archivedAgo)}`;
  const left = free === undefined || archivedAgo === undefined || bytes === 0 ? undefined : (free * archivedAgo) / bytes;
  const room = left === undefined ? 'PostgreSQL keeps it until the disk is full' : `at this speed the disk is full in ${duration(left)}`;
  const words = [said.server, said.cause?.replace(/:$/u, '')].filter((line) => line !== undefined);
  const advice = said.cause === undefined ? undefined : knownAdvice(said.cause, inventory);
  const why =
    words.length === 0
      ? `${pgprov`logs ${inventory} --unit patroni,postgresql`} says why`
      : `PostgreSQL’s log says: ${words.join('; ')}${advice === undefined ? '' : `. ${capital(advice)}`}`;
  return `WAL cannot be archived${since}: ${failedWal} failed; ${formatBytes(bytes)} of WAL wait, and ${room}; ${why}`;
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function backupAge(view: View, host: Host): StatusLine[] {
  const info = view.read(host.name, BACKUP_INFO);
  // Of members that have no repository host the one that leads says it for all.
  const isOne = host.roles.includes('backup') ? view.read(host.name, ARCHIVING)?.standby === false : true;
  if (info === undefined || !isOne || writtenBy(view.inventory, host).length === 0) return [];
  const failed = trouble(info);
  if (failed !== undefined) {
    const advice = backupAdvice(failed, view.inventory);
    return [{ level: 'problem', text: `pgBackRest cannot read its repository: ${briefly(failed)}; ${advice}` }];
  }
  if (info.running !== undefined && info.backups.length === 0) return [{ text: 'the first backup is being taken' }];
  const last = info.backups.findLast(({ error }) => !error);
  if (last === undefined) {
    return [{ level: 'warning', text: noBackupWords(view.inventory) }];
  }
  const age = info.now - last.stop;
  const limit = backupSettings(view.inventory).max_age;
  const what = `last backup ${ago(age)} (${last.type}, ${last.label}), ${info.backups.length} in all`;
  if (age <= limit * HOUR) return [{ text: what }];
  return [
    { level: 'warning', text: `${what}: older than backup.max_age, ${limit} hours; the journal of pgprov-backup@*.service says why` },
  ];
}

/** Of a host that was not asked what it has. */
const NOTHING_KNOWN = { backups: [], repositories: [] };

/** Runs that failed, and that no later backup has made good. */
export function failedRuns(view: View, host: Host): BackupRun[] {
  const info = view.read(host.name, BACKUP_INFO) ?? NOTHING_KNOWN;
  const numbers = writtenBy(view.inventory, host).map(({ number }) => number);
  return (view.read(host.name, BACKUP_RUNS) ?? []).filter(({ unit, state, began = Infinity }) => {
    const type = BACKUP_TYPES.find((each) => backupUnit(each) === unit);
    return state === 'failed' && type !== undefined && !isMadeGood(began, type, info, numbers);
  });
}

function failureLines(view: View, host: Host): StatusLine[] {
  return failedRuns(view, host).map(({ unit, error, result = 'a failure' }) => {
    const why = error === undefined ? `it ended with ${result}` : `${briefly(error)}; ${backupAdvice(error, view.inventory)}`;
    return { level: 'problem', text: `${unit} failed: ${why}` };
  });
}

/** Why a repository cannot be read, in pgBackRest’s words; undefined: it can. */
export function trouble({ problem, repositories }: BackupInfo): string | undefined {
  return problem ?? repositories.find(({ status }) => status === 'failed')?.message;
}

/** Whether backups and WAL arrive, as far as it was proved. */
export function backupChecks(view: View, hosts: readonly Host[]): CheckResult[] {
  return hosts.flatMap(({ name: host }): CheckResult[] => {
    const info = view.read(host, BACKUP_INFO);
    const proof = view.read(host, BACKUP_CHECK)?.proof;
    const archived = view.read(host, ARCHIVING);
    const failed = info === undefined ? undefined : trouble(info);
    return [
      ...(failed === undefined
        ? []
        : [
            {
              title: 'pgBackRest reads its repositories',
              ok: false,
              detail: briefly(failed),
              host,
              mend: backupAdvice(failed, view.inventory),
            },
          ]),
      ...(proof === 'proved'
        ? [{ title: 'WAL arrives in the repositories', ok: true, detail: 'pgbackrest check found all in order', host }]
        : []),
      ...(proof === 'reads'
        ? [{ title: 'it reads the repositories', ok: true, detail: 'WAL comes from the member that leads', host }]
        : []),
      ...(archived === undefined || archived.standby || !archived.on || !isFailing(archived)
        ? []
        : [{ title: 'WAL is archived', ok: false, detail: failureWords(view.inventory, archived), host, settles: true as const }]),
    ];
  });
}

function noBackupWords(inventory: Inventory): string {
  return `there is no backup yet; ${pgprov`backup ${inventory}`} takes one`;
}

/** What a run cannot prove yet, and that there is nothing to be restored. */
export function backupRemarks(view: View, host: string): string[] {
  if (view.read(host, BACKUP_CHECK)?.proof === 'waits')
    return [`that WAL arrives in the repositories is not proved: archive_mode takes a restart of PostgreSQL; ${restartWay(view)}`];
  const info = view.read(host, BACKUP_INFO);
  const isNone =
    info !== undefined && trouble(info) === undefined && info.running === undefined && !info.backups.some(({ error }) => !error);
  return isNone ? [noBackupWords(view.inventory)] : [];
}

function ago(seconds: number): string {
  return `${duration(seconds)} ago`;
}

/** In the largest unit of which there are two. */
function duration(seconds: number): string {
  const units = [
    ['days', 24 * HOUR],
    ['hours', HOUR],
    ['minutes', 60],
  ] as const;
  const [unit, size] = units.find(([, length]) => seconds >= 2 * length) ?? (['seconds', 1] as const);
  return `${Math.max(0, Math.floor(seconds / size))} ${unit}`;
}

import { formatBytes } from '../lib/bytes.js';
import type { BackupStatus, RepositoryBackups, RestoreWindow, RunningBackup } from '../lib/backup-status.js';
import type { Drill } from '../lib/drill.js';
import { formatDuration } from './duration.js';
import type { ErrorLook } from './error-text.js';
import { makePaint, symbols, type Paint } from './paint.js';
import { printable } from './printable.js';
import { renderTable } from './table.js';
import { hanging } from './width.js';
import { count } from './words.js';

/** What there is to be restored, for people; times are UTC. */
export function renderBackups(status: BackupStatus, { color, columns = Infinity }: ErrorLook, now: Date): string {
  const paint = makePaint(color);
  const { cluster, stanza, repositories, running, problems, drill } = status;
  const named = stanza === cluster ? '' : `, stanza ${stanza}`;
  const blocks = [
    [paint.strong(`backups of ${cluster}${named}`)],
    ...repositories.map((repository) => repositoryBlock(repository, paint, columns, now)),
    running.flatMap((one) => hanging(`${paint.active(symbols.active)} `, runningWords(one), columns)),
    drill === undefined ? [] : drillLines(drill, paint, columns, now),
    problems.length === 0
      ? [paint.ok(`${symbols.ok} nothing is wrong with them, as far as pgBackRest's list tells`)]
      : problems.flatMap((text) => hanging(`${paint.failed(symbols.failed)} `, printable(text), columns)),
  ];
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n');
}

function repositoryBlock(repository: RepositoryBackups, paint: Paint, columns: number, now: Date): string[] {
  const { name, host, encrypted, backups, status, window } = repository;
  const bytes = backups.reduce((sum, { stored }) => sum + stored, 0);
  const place = name === host ? '' : `, asked on ${host}`;
  const words =
    status === 'ok' || status === 'noBackup'
      ? `${count(backups.length, 'backup')}${bytes === 0 ? '' : `, ${formatBytes(bytes)}`}${encrypted ? ', encrypted' : ', not encrypted'}`
      : 'nothing is known of it';
  return [
    ...hanging('', `${paint.strong(`repository ${name}`)}${place}: ${words}`, columns),
    ...(window === undefined ? [] : windowLines(window, paint, columns)),
    ...(backups.length === 0 ? [] : ['', ...backupTable(repository, paint, columns, now)]),
  ];
}

function windowLines({ from, to, walFirst, walLast, timeline }: RestoreWindow, paint: Paint, columns: number): string[] {
  const end = to === undefined ? 'the last WAL file' : shown(to);
  const when = end === shown(from) ? `as it was at ${end}, and to no later time yet` : `to any time from ${shown(from)} to ${end}`;
  const wal = walFirst === walLast ? walLast : `${walFirst} to ${walLast}`;
  return [...hanging('  ', `can be restored ${when}`, columns), ...hanging('  ', paint.quiet(`WAL ${wal}, timeline ${timeline}`), columns)];
}

function backupTable({ backups }: RepositoryBackups, paint: Paint, columns: number, now: Date): string[] {
  const several = new Set(backups.map(({ timeline }) => timeline)).size > 1;
  return renderTable(
    [
      { title: 'backup', cells: backups.map(({ label }) => label) },
      { title: 'type', cells: backups.map(({ type }) => type) },
      { title: 'ended', cells: backups.map(({ ended }) => ago(now.getTime() - Date.parse(ended))) },
      { title: 'database', cells: backups.map(({ size }) => formatBytes(size)), align: 'right' },
      { title: 'stored', cells: backups.map(({ stored }) => formatBytes(stored)), align: 'right' },
      {
        title: 'timeline',
        cells: backups.map(({ timeline }) => (several && timeline !== undefined ? String(timeline) : '')),
        align: 'right',
      },
      {
        title: '',
        cells: backups.map(({ damaged, incomplete }) =>
          incomplete ? paint.failed('WAL missing') : damaged ? paint.failed('damaged') : '',
        ),
      },
    ],
    paint.quiet,
    columns,
  );
}

function drillLines({ ok, on, at, backup, rtoSeconds, rpoSeconds, problems }: Drill, paint: Paint, columns: number, now: Date): string[] {
  const when = `drill ${ago(now.getTime() - Date.parse(at))} on ${on}, of ${backup}`;
  if (!ok) return hanging(`${paint.failed(symbols.failed)} `, printable(`${when}: ${problems.join('; ')}`), columns);
  const served = rtoSeconds === undefined ? '' : `: RTO ${formatDuration(rtoSeconds * 1000)}`;
  const lost = rpoSeconds === undefined ? '' : rpoSeconds === 0 ? ', RPO 0 s' : `, RPO at most ${formatDuration(rpoSeconds * 1000)}`;
  return hanging(`${paint.ok(symbols.ok)} `, `${when}${served}${lost}`, columns);
}

function runningWords({ host, type, size, copied = 0 }: RunningBackup): string {
  const what = type === undefined ? 'pgBackRest runs, started by hand' : `a ${type} backup is being taken`;
  return `${host}: ${what}${size === undefined ? '' : `, ${formatBytes(copied)} of ${formatBytes(size)} copied`}`;
}

function shown(time: string): string {
  return `${time.slice(0, 19).replace('T', ' ')} UTC`;
}

const MINUTE = 60_000;

/** How long something is over, in the largest unit of which there are two. */
function ago(ms: number): string {
  const units = [
    ['days', 1440 * MINUTE],
    ['h', 60 * MINUTE],
    ['min', MINUTE],
  ] as const;
  const [unit, length] = units.find(([, size]) => ms >= 2 * size) ?? (['s', 1000] as const);
  return `${Math.max(0, Math.floor(ms / length))} ${unit} ago`;
}

import {
  maintenanceWords,
  scheduledWords,
  type CertificateStatus,
  type ClusterStatus,
  type EtcdStatus,
  type MemberStatus,
  type ServiceStatus,
} from '../lib/cluster-status.js';
import { formatBytes } from '../lib/bytes.js';
import { DEFAULT_DCS } from '../model/default-dcs.js';
import { pgprov } from '../lib/pgprov-command.js';
import type { ErrorLook } from './error-text.js';
import { refusedWords } from './apply-refused.js';
import { makePaint, symbols, type Paint } from './paint.js';
import { printable } from './printable.js';
import { isLeading, kindWords, unseenOf, verdictWords, wrongWith } from './status.js';
import { renderTable } from './table.js';
import { count } from './words.js';
import { promotionWords, replicationEntries, slotEntries, type Judged } from './status-replication.js';
import { formatDuration } from './duration.js';
import { cutToWidth, hanging, padToWidth, widestOf } from './width.js';

/** Certificates that end sooner are pointed out. */
export const SOON = 30;

/** More lag than one WAL segment is pointed out. */
export const MUCH_LAG = 16 * 1024 * 1024;

/** States in which a member does its work. */
export const GOOD_STATES: readonly (string | undefined)[] = ['running', 'streaming'];

/** What `renderStatus` leaves out or does otherwise. */
export interface StatusShows {
  /** Those that are stored under Patroni's scope; default: no. */
  keys?: boolean;
}

/**
 * A cluster's status for people: members, replication, etcd, certificates, services, settings, and the verdict at the end. On a terminal with
 * fewer rows the members come last, where they stay in sight.
 */
export function renderStatus(
  status: ClusterStatus,
  { color, columns = Infinity, rows = Infinity }: ErrorLook,
  { keys: showsKeys = false }: StatusShows = {},
): string {
  const paint = makePaint(color);
  const { cluster, leader, maintenance, scheduled, members, etcd, certificates, services = [], dynamic } = status;
  if (status.absent === true) {
    return [
      `${paint.strong(`cluster ${cluster}`)}  ${kindWords(status)}`,
      ...wrongWith(status).map((problem) => `${paint.failed(symbols.failed)} ${problem}`),
    ].join('\n\n');
  }
  if (status.allUnseen === true) return [paint.strong(`cluster ${cluster}`), ...verdict(status, paint, columns)].join('\n');
  const title = status.topology === 'streaming' ? 'primary' : 'leader';
  const noLeader = status.leaderUnknown === true ? paint.changed(`${title} not seen`) : paint.failed(`no ${title}`);
  const leads = leader === undefined ? noLeader : `${title} ${leader}`;
  const told = (words: string | undefined): string[] =>
    words === undefined ? [] : hanging('', printable(words), columns).map(paint.changed);
  const first = [
    [`${paint.strong(`cluster ${cluster}`)}  ${kindWords(status)}, ${leads}`, ...told(status.unfinished)],
    told(maintenance === true ? maintenanceWords(status.inventory) : undefined),
    told(scheduled === undefined ? undefined : scheduledWords(scheduled, status.inventory)),
    members.length === 0 ? [] : memberTable(members, paint, columns),
    status.lastPromotion === undefined
      ? []
      : hanging('', `${paint.quiet('last change of the leader')}  ${printable(promotionWords(status.lastPromotion))}`, columns),
  ];
  const others = [
    judged('replication', replicationEntries(status), paint, columns),
    judged('slots', slotEntries(status), paint, columns),
    etcd.length === 0
      ? []
      : section(
          status.store ?? DEFAULT_DCS,
          etcd.map((member) => etcdEntry(member, paint)),
          paint,
          columns,
        ),
    certificates.length === 0
      ? []
      : section(
          'certificates',
          certificates.map((entry) => certificateEntry(entry, paint)),
          paint,
          columns,
        ),
    services.length === 0
      ? []
      : section(
          'services',
          services.map((entry) => serviceEntry(entry, paint)),
          paint,
          columns,
        ),
    showsKeys ? keySection(status, paint, columns) : [],
    dynamic === undefined ? [] : settings(dynamic, paint),
  ];
  const last = [remarks(status, paint, columns), verdict(status, paint, columns)];
  const text = inBlocks([...first, ...others, ...last]);
  return text.split('\n').length < rows ? text : inBlocks([...others.reverse(), ...first, ...last]);
}

function inBlocks(blocks: readonly (readonly string[])[]): string {
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n');
}

function memberTable(members: readonly MemberStatus[], paint: Paint, columns: number): string[] {
  const column = (title: string, cell: (member: MemberStatus) => string, align: 'left' | 'right' = 'left') => ({
    title,
    cells: members.map(cell),
    align,
  });
  return renderTable(
    [
      column('member', ({ name }) => name),
      column('address', ({ address }) => address),
      column('role', (member) => (isLeading(member) ? paint.strong(member.role ?? '') : (member.role ?? '-'))),
      column('state', (member) => stateCell(member, paint)),
      { ...column('timeline', ({ timeline }) => String(timeline ?? ''), 'right'), mayLeave: true },
      column('receive lag', ({ lagBytes }) => lagCell(lagBytes, paint), 'right'),
      column('replay lag', (member) => replayCell(member, paint), 'right'),
      { ...column('postgresql', ({ postgresVersion }) => postgresVersion ?? ''), mayLeave: true },
      { ...column('patroni', ({ patroniVersion }) => patroniVersion ?? ''), mayLeave: true },
      {
        ...column('checksums', ({ checksums }) => (checksums === undefined ? '' : checksums ? 'on' : paint.failed('off'))),
        mayLeave: true,
      },
      column('restart', ({ pendingRestart }) => (pendingRestart ? paint.changed('pending') : '')),
    ],
    paint.quiet,
    columns,
  );
}

function stateCell({ state, unseen }: MemberStatus, paint: Paint): string {
  if (unseen === true) return paint.changed('not seen');
  return GOOD_STATES.includes(state) ? paint.ok(state ?? '') : paint.failed(state ?? 'unknown');
}

function lagCell(lagBytes: number | undefined, paint: Paint): string {
  if (lagBytes === undefined) return '';
  return lagBytes > MUCH_LAG ? paint.changed(formatBytes(lagBytes)) : formatBytes(lagBytes);
}

/** Both columns show how far a standby is behind. */
function replayCell(member: MemberStatus, paint: Paint): string {
  const { replayLagBytes, replayPaused } = member;
  if (replayPaused === true) return paint.failed([...lagWords(member), 'paused'].join(', '));
  const words = lagWords(member).join(', ');
  return replayLagBytes !== undefined && replayLagBytes > MUCH_LAG ? paint.changed(words) : words;
}

/** How far behind what queries see is, in bytes and, while there is something left to replay, in time. */
export function lagWords({ replayLagBytes, replayLagSeconds = 0 }: MemberStatus): string[] {
  if (replayLagBytes === undefined) return [];
  return [formatBytes(replayLagBytes), ...(replayLagBytes > 0 && replayLagSeconds >= 1 ? [formatDuration(replayLagSeconds * 1000)] : [])];
}

interface Entry {
  mark: string;
  name: string;
  text: string;
}

function section(title: string, entries: readonly Entry[], paint: Paint, columns: number): string[] {
  const width = widestOf(entries.map(({ name }) => name));
  return [paint.quiet(title), ...entries.flatMap(({ mark, name, text }) => hanging(`${mark} ${padToWidth(name, width)}  `, text, columns))];
}

/** Lines that only point out what is not well: what is wrong with it is among the problems. */
function judged(title: string, entries: readonly Judged[], paint: Paint, columns: number): string[] {
  if (entries.length === 0) return [];
  const marked = entries.map(({ name, text, good }) => ({
    mark: good ? paint.ok(symbols.ok) : paint.changed('!'),
    name,
    text: good ? printable(text) : paint.changed(printable(text)),
  }));
  return section(title, marked, paint, columns);
}

/** Keys with their sizes and values, the long ones of which are cut. */
function keySection({ scope, keys = [] }: ClusterStatus, paint: Paint, columns: number): string[] {
  if (keys.length === 0) return [paint.quiet(`nothing is stored under the scope ${scope}`)];
  const table = [...keys].sort((a, b) => (a.key < b.key ? -1 : 1));
  const lines = renderTable(
    [
      { title: `keys of ${scope}`, cells: table.map(({ key }) => printable(key)) },
      { title: 'size', cells: table.map(({ bytes }) => formatBytes(bytes)), align: 'right' },
      { title: 'value', cells: table.map(({ value }) => printable(value).replaceAll('\n', ' ')) },
    ],
    paint.quiet,
  );
  return lines.map((line) => cutToWidth(line, Math.min(columns, LONGEST_LINE)));
}

/** Of a key and its value where no terminal is narrower. */
const LONGEST_LINE = 160;

function etcdEntry(member: EtcdStatus, paint: Paint): Entry {
  const { name, healthy, members, requiresClientCertificate, dropIns = [], problem } = member;
  if (healthy === undefined) return { mark: paint.changed('?'), name, text: paint.changed('not seen') };
  const good = healthy && problem === undefined && requiresClientCertificate !== false;
  const facts = [
    healthy ? 'healthy' : 'not healthy',
    ...(members === undefined || members === 0 ? [] : [count(members, 'member')]),
    ...(requiresClientCertificate === undefined
      ? []
      : [requiresClientCertificate ? 'requires client certificates' : 'accepts clients without a certificate']),
    ...databaseFacts(member),
    ...(dropIns.length === 0 ? [] : [`drop-ins of its unit: ${printable(dropIns.join(', '))}`]),
    ...(problem === undefined ? [] : [printable(problem)]),
  ];
  return { mark: good ? paint.ok(symbols.ok) : paint.failed(symbols.failed), name, text: facts.join(', ') };
}

/** What a member says of itself and of its database, a clause each. */
export function databaseFacts({ leader, version, databaseBytes, databaseUsedBytes, alarms = [] }: EtcdStatus): string[] {
  return [
    ...(leader === true ? ['leads'] : []),
    ...(version === undefined ? [] : [`version ${version}`]),
    ...(databaseBytes === undefined
      ? []
      : [
          `database ${formatBytes(databaseBytes)}${databaseUsedBytes === undefined ? '' : ` with ${formatBytes(databaseUsedBytes)} in use`}`,
        ]),
    ...(alarms.length === 0 ? [] : [`alarm ${alarms.join(', ')}`]),
  ];
}

function certificateEntry({ host, notAfter, daysLeft, given }: CertificateStatus, paint: Paint): Entry {
  const day = notAfter.slice(0, 10);
  const of = given === undefined ? '' : `given for ${given}: `;
  if (daysLeft <= 0) return { mark: paint.failed(symbols.failed), name: host, text: paint.failed(`${of}expired on ${day}`) };
  const text = `${of}valid until ${day} (${count(daysLeft, 'day')} left)`;
  return daysLeft < SOON
    ? { mark: paint.changed('!'), name: host, text: paint.changed(text) }
    : { mark: paint.ok(symbols.ok), name: host, text };
}

function serviceEntry({ host, role, text, level }: ServiceStatus, paint: Paint): Entry {
  const marks = { ok: paint.ok(symbols.ok), warning: paint.changed('!'), problem: paint.failed(symbols.failed) };
  const said = `${role}: ${printable(text)}`;
  return { mark: marks[level], name: host, text: level === 'warning' ? paint.changed(said) : said };
}

/** What is to be known, and is no problem. */
function remarks(status: ClusterStatus, paint: Paint, columns: number): string[] {
  const { remarks: told = [], differences = 0, refusal, inventory = 'INVENTORY' } = status;
  const [shown, applied] = [pgprov`diff ${inventory}`, pgprov`apply ${inventory}`];
  const refused = refusedWords(status);
  const ends = refused === undefined ? `and ${applied} ends` : `and which ${applied} refuses to end ${refused}`;
  const differs = `${count(differences, 'difference')} from the inventory, which ${shown} shows ${ends}`;
  const stands = differences > 0 ? [differs] : refusal === undefined ? [] : [`${applied} would be refused: ${refusal}`];
  const all = [...told, ...stands];
  if (all.length === 0) return [];
  return [paint.quiet('remarks'), ...all.flatMap((remark) => hanging(`${paint.changed('!')} `, printable(remark), columns))];
}

function settings(dynamic: Readonly<Record<string, unknown>>, paint: Paint): string[] {
  return [paint.quiet('dynamic configuration'), ...flatten(dynamic).map((line) => `  ${printable(line)}`)];
}

function flatten(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: ${JSON.stringify(value)}`];
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, entry]) => flatten(entry, path === '' ? key : `${path}.${key}`));
}

function verdict(status: ClusterStatus, paint: Paint, columns: number): string[] {
  const [wrong, words] = [wrongWith(status), verdictWords(status)];
  const unseen = unseenOf(status);
  if (wrong.length + unseen.length === 0 && status.maintenance === true)
    return [paint.changed('! nothing is wrong, but the cluster is in maintenance mode')];
  if (wrong.length + unseen.length === 0) return [paint.ok(`${symbols.ok} ${words}`)];
  return [
    wrong.length > 0 ? paint.failed(`${symbols.failed} ${words}`) : paint.changed(`? ${words}`),
    ...[...wrong, ...unseen].flatMap((problem) => hanging('  - ', printable(problem), columns)),
  ];
}

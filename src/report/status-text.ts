import { MAINTENANCE, type CertificateStatus, type ClusterStatus, type EtcdStatus, type MemberStatus } from '../lib/cluster-status.js';
import { formatBytes } from './bytes.js';
import { makePaint, symbols, type Paint } from './paint.js';
import { printable } from './printable.js';
import { problemsOf } from './status.js';
import { renderTable } from './table.js';
import { count } from './words.js';
import { padToWidth, widestOf } from './width.js';

/** Certificates that end sooner are pointed out. */
export const SOON = 30;

/** More lag than one WAL segment is pointed out. */
export const MUCH_LAG = 16 * 1024 * 1024;

/** States in which a member does its work. */
export const GOOD_STATES: readonly (string | undefined)[] = ['running', 'streaming'];

/** A cluster's status for people: members, etcd, certificates, settings, and the verdict at the end. */
export function renderStatus(status: ClusterStatus, { color }: { color: boolean }): string {
  const paint = makePaint(color);
  const { cluster, scope, leader, maintenance, members, etcd, certificates, dynamic } = status;
  const blocks = [
    [`${paint.strong(`cluster ${cluster}`)}  scope ${scope}, ${leader === undefined ? paint.failed('no leader') : `leader ${leader}`}`],
    maintenance === true ? [paint.changed(MAINTENANCE)] : [],
    members.length === 0 ? [] : memberTable(members, paint),
    etcd.length === 0 ? [] : section('etcd', etcd.map((member) => etcdEntry(member, paint)), paint),
    certificates.length === 0 ? [] : section('certificates', certificates.map((entry) => certificateEntry(entry, paint)), paint),
    dynamic === undefined ? [] : settings(dynamic, paint),
    verdict(problemsOf(status), maintenance === true, paint),
  ];
  return blocks.filter((block) => block.length > 0).map((block) => block.join('\n')).join('\n\n');
}

function memberTable(members: readonly MemberStatus[], paint: Paint): string[] {
  const column = (title: string, cell: (member: MemberStatus) => string, align: 'left' | 'right' = 'left') => ({
    title,
    cells: members.map(cell),
    align,
  });
  return renderTable(
    [
      column('member', ({ name }) => name),
      column('address', ({ address }) => address),
      column('role', ({ role }) => (role === 'leader' ? paint.strong(role) : (role ?? '-'))),
      column('state', ({ state }) => (GOOD_STATES.includes(state) ? paint.ok(state ?? '') : paint.failed(state ?? 'unknown'))),
      column('timeline', ({ timeline }) => String(timeline ?? ''), 'right'),
      column('receive lag', ({ lagBytes }) => lagCell(lagBytes, paint), 'right'),
      column('replay lag', (member) => replayCell(member, paint), 'right'),
      column('postgresql', ({ postgresVersion }) => postgresVersion ?? ''),
      column('patroni', ({ patroniVersion }) => patroniVersion ?? ''),
      column('checksums', ({ checksums }) => (checksums === undefined ? '' : checksums ? 'on' : paint.failed('off'))),
      column('', ({ pendingRestart }) => (pendingRestart ? paint.changed('pending restart') : '')),
    ],
    paint.quiet,
  );
}

function lagCell(lagBytes: number | undefined, paint: Paint): string {
  if (lagBytes === undefined) return '';
  return lagBytes > MUCH_LAG ? paint.changed(formatBytes(lagBytes)) : formatBytes(lagBytes);
}

/** Both columns tell how far a standby is behind. */
function replayCell({ replayLagBytes, replayPaused }: MemberStatus, paint: Paint): string {
  return replayPaused === true ? paint.failed(`${replayLagBytes === undefined ? '' : `${formatBytes(replayLagBytes)}, `}paused`) : lagCell(replayLagBytes, paint);
}

interface Entry {
  mark: string;
  name: string;
  text: string;
}

function section(title: string, entries: readonly Entry[], paint: Paint): string[] {
  const width = widestOf(entries.map(({ name }) => name));
  return [paint.quiet(title), ...entries.map(({ mark, name, text }) => `${mark} ${padToWidth(name, width)}  ${text}`)];
}

function etcdEntry({ name, healthy, members, refusesStrangers, dropIns = [], problem }: EtcdStatus, paint: Paint): Entry {
  const good = healthy && problem === undefined && refusesStrangers !== false;
  const facts = [
    healthy ? 'healthy' : 'not healthy',
    ...(members === undefined ? [] : [count(members, 'member')]),
    ...(refusesStrangers === undefined ? [] : [refusesStrangers ? 'turns away strangers' : 'lets in clients without a certificate']),
    ...(dropIns.length === 0 ? [] : [`its unit is changed by ${printable(dropIns.join(', '))}`]),
    ...(problem === undefined ? [] : [printable(problem)]),
  ];
  return { mark: good ? paint.ok(symbols.ok) : paint.failed(symbols.failed), name, text: facts.join(', ') };
}

function certificateEntry({ host, notAfter, daysLeft }: CertificateStatus, paint: Paint): Entry {
  const day = notAfter.slice(0, 10);
  if (daysLeft <= 0) return { mark: paint.failed(symbols.failed), name: host, text: paint.failed(`expired on ${day}`) };
  const text = `valid until ${day} (${count(daysLeft, 'day')} left)`;
  return daysLeft < SOON
    ? { mark: paint.changed('!'), name: host, text: paint.changed(text) }
    : { mark: paint.ok(symbols.ok), name: host, text };
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

function verdict(problems: readonly string[], maintenance: boolean, paint: Paint): string[] {
  if (problems.length === 0 && maintenance) return [paint.changed('! nothing is wrong, but the cluster is in maintenance mode')];
  if (problems.length === 0) return [paint.ok(`${symbols.ok} healthy`)];
  return [
    paint.failed(`${symbols.failed} not healthy: ${count(problems.length, 'problem')}`),
    ...problems.map((problem) => `  - ${printable(problem).replaceAll('\n', '\n    ')}`),
  ];
}

import { errorParts, type ErrorLook } from './error-text.js';
import { makePaint, symbols, type Paint } from './paint.js';
import type { PingedHost } from './ping.js';
import { printable } from './printable.js';
import { renderTable } from './table.js';
import { hanging } from './width.js';

/** Clocks further apart than this are worth a colour: certificates and leases depend on them. */
const CLOCK_MS = 2_000;

/** What `pgprov ping` found, for people: a table of the hosts that were reached, then the rest, each with its reason. */
export function renderPing(hosts: readonly PingedHost[], { home = '', ...look }: ErrorLook & { home?: string }): string {
  const paint = makePaint(look.color);
  const failed = hosts.filter(({ error }) => error !== undefined);
  const blocks = [
    reachedTable(hosts, paint, home, look.columns),
    ...failed.map((host) => failure(host, paint, look)),
    [verdict(hosts.length, failed.length, paint)],
  ];
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n');
}

function reachedTable(hosts: readonly PingedHost[], paint: Paint, home: string, columns: number | undefined): string[] {
  const reached = hosts.flatMap((host) => (host.reached === undefined ? [] : [{ ...host, reached: host.reached }]));
  if (reached.length === 0) return [];
  const column = (title: string, cell: (host: (typeof reached)[number]) => string, align: 'left' | 'right' = 'left') => ({
    title,
    cells: reached.map(cell),
    align,
  });
  return renderTable(
    [
      column('host', ({ name }) => paint.strong(name)),
      column('address', ({ endpoint }) => endpoint),
      column('via', ({ via }) => via.join(', ')),
      column('as', asWhom),
      column('login via', ({ reached: { authentication } }) => printable(shorten(authentication, home))),
      column('host key', ({ reached: { hostKey } }) => printable(keyText(hostKey, home))),
      column('connect', ({ reached: { connectMs } }) => milliseconds(connectMs), 'right'),
      column('answer', ({ reached: { roundTripMs } }) => milliseconds(roundTripMs), 'right'),
      column('system', ({ reached: { system } }) => printable(system)),
      column('clock', ({ reached: { clockOffsetMs } }) => clock(clockOffsetMs, paint), 'right'),
    ],
    paint.quiet,
    columns,
  );
}

function asWhom({ user, become }: PingedHost): string {
  return become === 'none' ? user : `${user} → root by ${become}`;
}

function keyText({ type, file, line }: { type: string; file: string; line?: number }, home: string): string {
  return line === undefined ? `${type}, new in ${shorten(file, home)}` : `${type}, ${shorten(file, home)}:${line}`;
}

function shorten(text: string, home: string): string {
  return home === '' ? text : text.replaceAll(`${home}/`, '~/');
}

function milliseconds(ms: number): string {
  return ms < 10_000 ? `${Math.max(1, Math.round(ms))} ms` : `${Math.round(ms / 1000)} s`;
}

function clock(ms: number, paint: Paint): string {
  const seconds = (Math.abs(ms) / 1000).toFixed(1);
  if (seconds === '0.0') return '±0 s';
  const text = `${ms < 0 ? '-' : '+'}${seconds} s`;
  return Math.abs(ms) > CLOCK_MS ? paint.changed(text) : text;
}

function failure({ name, endpoint, user, via, error }: PingedHost, paint: Paint, look: ErrorLook): string[] {
  if (error === undefined) return [];
  const { first, rest } = errorParts(error, look);
  const way = via.length === 0 ? '' : ` via ${via.join(', ')}`;
  return [
    `${paint.failed(symbols.failed)} ${paint.strong(name)}  ${user}@${endpoint}${way}`,
    ...hanging('  ', first, look.columns ?? Infinity),
    ...rest,
  ];
}

function verdict(count: number, failed: number, paint: Paint): string {
  if (failed === 0) return paint.ok(`${symbols.ok} ${count === 1 ? 'the host answers' : `all ${count} hosts answer`}`);
  return paint.failed(`${symbols.failed} ${failed} of ${count} ${count === 1 ? 'host' : 'hosts'} cannot be used`);
}

import type { Drift, LeftOut, PlannedChange } from '../events.js';
import { leftOutWords } from './left-out.js';
import { makePaint, type Paint } from './paint.js';
import { printable } from './printable.js';
import { diffLines } from './text-diff.js';
import { count } from './words.js';

/** How a plan is shown. */
export interface PlanTextOptions {
  color: boolean;
  /** With a unified diff below every change that has texts to compare. */
  diffs: boolean;
  /** All hosts of the run, in the order to show them. */
  hosts: readonly string[];
  /** What it means for services, a sentence each. */
  effects: readonly string[];
  /** What the run does not select, if anything. */
  leftOut?: LeftOut | undefined;
  /** What is not as the inventory says and stays so; default: nothing. */
  drift?: readonly Drift[];
}

/** A plan for people: what would change, host by host in the order of the run, and what it would interrupt. */
export function renderPlan(changes: readonly PlannedChange[], options: PlanTextOptions): string {
  const paint = makePaint(options.color);
  const staying = driftLines(options.drift ?? [], paint);
  if (changes.length === 0) {
    const leftOut = leftOutWords(options.leftOut);
    if (staying.length > 0) return ['No changes.', ...staying].join('\n\n');
    return paint.ok(`No changes. ${leftOut === '' ? 'The cluster' : 'What the run selects'} is as the inventory says${leftOut}.`);
  }
  return [...changeBlocks(changes, options), ...staying, closingLines(changes, options, paint).join('\n')].join('\n\n');
}

/** What stays otherwise than the inventory says, with what to do about it: one block, or none. */
export function driftLines(drift: readonly Drift[], paint: Paint): string[] {
  if (drift.length === 0) return [];
  const entries = drift.flatMap(({ host, what, mend }) => [
    `  ${paint.failed('!')} ${host}: ${printable(what)}`,
    `      ${printable(mend)}`,
  ]);
  return [[paint.changed('In force, and not as the inventory says:'), ...entries].join('\n')];
}

/** A block of lines for each host that has changes. */
export function changeBlocks(changes: readonly PlannedChange[], options: Omit<PlanTextOptions, 'effects'>): string[] {
  const paint = makePaint(options.color);
  return options.hosts.flatMap((host) => {
    const own = changes.filter((change) => change.host === host);
    return own.length === 0
      ? []
      : [[`${paint.strong(host)}  ${count(own.length, 'change')}`, ...hostLines(own, options, paint)].join('\n')];
  });
}

/** More hosts than these are counted instead of named. */
const NAMED_HOSTS = 10;

/** `pg1: 12 changes, pg2: no changes`; of many hosts `400 changes on 200 hosts`. */
export function summarisePlan(changes: readonly PlannedChange[], hosts: readonly string[]): string {
  if (hosts.length > NAMED_HOSTS)
    return `${count(changes.length, 'change')} on ${count(new Set(changes.map(({ host }) => host)).size, 'host')}`;
  return hosts.map((host) => `${host}: ${count(changes.filter((change) => change.host === host).length, 'change')}`).join(', ');
}

function hostLines(changes: readonly PlannedChange[], options: Omit<PlanTextOptions, 'effects'>, paint: Paint): string[] {
  return changes.flatMap((change, index) => [
    ...(changes[index - 1]?.stage === change.stage ? [] : [`  ${paint.quiet(change.stage)}`]),
    ...changeLines(change, options, paint),
  ]);
}

function changeLines(change: PlannedChange, { diffs, color }: Omit<PlanTextOptions, 'effects'>, paint: Paint): string[] {
  const projected = change.projected ? ` ${paint.quiet('(projected)')}` : '';
  const line = `    ${marker(change.action, paint)} ${printable(change.summary).replaceAll('\n', ' ')}${projected}`;
  if (!diffs || (change.before === undefined && change.after === undefined)) return [line];
  const texts = diffLines(printable(change.before ?? ''), printable(change.after ?? ''), { color });
  const shown = texts.length === 0 ? [paint.quiet('only hidden values differ')] : texts;
  return [line, ...shown.map((text) => `        ${text}`)];
}

function marker(action: string, paint: Paint): string {
  switch (action) {
    case 'create':
    case 'install':
    case 'enable':
      return paint.ok('+');
    case 'start':
      return paint.ok('▸');
    case 'restart':
      return paint.failed('↻');
    case 'reload':
      return paint.changed('↺');
    case 'run':
      return paint.changed('»');
    default:
      return paint.changed('~');
  }
}

function closingLines(changes: readonly PlannedChange[], { hosts, effects }: PlanTextOptions, paint: Paint): string[] {
  return [
    summarisePlan(changes, hosts),
    ...(effects.length === 0
      ? ['Nothing that runs now is restarted or reloaded.']
      : effects.map((effect) => (/\brestarts\b/u.test(effect) ? paint.changed(`• ${effect}`) : `• ${effect}`))),
    ...(changes.some(({ projected }) => projected)
      ? [paint.quiet('(projected): depends on an earlier change of this plan, so it is predicted, not read from the host.')]
      : []),
  ];
}

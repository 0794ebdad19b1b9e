import type { Drift, LeftOut, PlannedChange } from '../events.js';
import { leftOutWords } from './left-out.js';
import { makePaint, type Paint } from './paint.js';
import { printable } from './printable.js';
import { diffLines } from './text-diff.js';
import { count, listNames } from './words.js';

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

/** A plan for people: what would change, on which hosts, in the order of the run, and what it would interrupt. */
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

/** A block of lines for hosts that have changes: first what several have in common, then what is each one's own. */
export function changeBlocks(changes: readonly PlannedChange[], options: Omit<PlanTextOptions, 'effects'>): string[] {
  const paint = makePaint(options.color);
  return shareOut(changes, options).map(({ hosts, own, shares }) => {
    const each = hosts.length === 1 ? '' : ' each';
    const more = shares ? ', besides those above' : '';
    return [`${paint.strong(listNames(hosts))}  ${count(own.length, 'change')}${each}${more}`, ...hostLines(own, options, paint)].join(
      '\n',
    );
  });
}

/** Hosts with changes that are the same on all of them, and on no other. */
interface Share {
  hosts: readonly string[];
  /** As the first of the hosts has them. */
  own: readonly PlannedChange[];
  /** Its hosts have others, together with more hosts. */
  shares: boolean;
}

/** Folds what is the same on several hosts; what most of them have comes first. */
function shareOut(changes: readonly PlannedChange[], { hosts: all, diffs }: Omit<PlanTextOptions, 'effects'>): Share[] {
  const alike = new Map<string, PlannedChange[]>();
  for (const change of changes) {
    const { stage, resource, action, summary, projected, before = null, after = null } = change;
    const key = JSON.stringify([stage, resource, action, summary, projected, ...(diffs ? [before, after] : [])]);
    alike.set(key, [...(alike.get(key) ?? []), change]);
  }
  const shares = new Map<string, { hosts: readonly string[]; own: PlannedChange[] }>();
  for (const [first, ...others] of alike.values()) {
    const having = new Set([first, ...others].map((change) => change?.host));
    const hosts = all.filter((host) => having.has(host));
    if (first === undefined || hosts.length === 0) continue;
    const share = shares.get(hosts.join()) ?? { hosts, own: [] };
    shares.set(hosts.join(), share);
    share.own.push(first);
  }
  const listed = [...shares.values()].sort(
    (a, b) => b.hosts.length - a.hosts.length || all.indexOf(a.hosts[0] ?? '') - all.indexOf(b.hosts[0] ?? ''),
  );
  return listed.map((share, index) => ({
    ...share,
    shares: listed.slice(0, index).some(({ hosts }) => hosts.some((host) => share.hosts.includes(host))),
  }));
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

/** How much there is to do, and what it means for services. */
export function closingLines(
  changes: readonly PlannedChange[],
  { hosts, effects }: Pick<PlanTextOptions, 'hosts' | 'effects'>,
  paint: Paint,
): string[] {
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

import type { StepResult } from '../events.js';
import { formatElapsed, timeSuffix } from './duration.js';
import { symbols, type Paint } from './paint.js';
import type { HostProgress, Phase } from './run-state.js';
import type { TreeLine, TreeMoment } from './tree-types.js';
import { count, listNames } from './words.js';

/** How many hosts a heading names for each way to end. */
const NAMED_HOSTS = 6;

/** The line of a phase: how far it is, or how it ended. */
export function phaseHeading(phase: Phase, { now, closed }: TreeMoment, paint: Paint): TreeLine {
  const open = phase.hosts.filter((host) => phase.parts.get(host)?.end === undefined);
  if (open.length > 0 && !closed) return runningHeading(phase, open.length, now, paint);
  const ends = [...phase.parts.values()].flatMap(({ end }) => end ?? []);
  const has = (result: StepResult): boolean => ends.some((end) => end.result === result);
  const time = spentTime(phase);
  if (has('failed'))
    return heading(
      paint.failed(symbols.failed),
      `${phase.title} — ${paint.failed(`failed on ${listNames(hostsWith(phase, 'failed'), NAMED_HOSTS)}`)}${time}`,
    );
  if ([...phase.parts.values()].some(({ end }) => end === undefined)) {
    return heading(paint.changed(symbols.unfinished), `${phase.title} — ${paint.changed('did not finish')}`);
  }
  if (has('changed')) {
    const changes = ends.reduce((sum, end) => sum + end.changes, 0);
    const hosts = ends.filter(({ result }) => result === 'changed').length;
    return heading(
      paint.changed(symbols.changed),
      `${phase.title} — ${paint.changed(`${count(changes, 'change')} on ${count(hosts, 'host')}`)}${time}`,
    );
  }
  if (has('ok')) return heading(paint.ok(symbols.ok), `${phase.title} — ${quietSummary(phase, paint)}${time}`);
  return heading(paint.skipped(symbols.skipped), `${phase.title} — ${quietSummary(phase, paint)}`);
}

function runningHeading(phase: Phase, open: number, now: number, paint: Paint): TreeLine {
  const all = phase.hosts.length;
  const began = Math.min(...[...phase.parts.values()].map(({ startedAt }) => startedAt));
  const elapsed = formatElapsed(now - began);
  const done = `${all - open} of ${count(all, 'host')} done`;
  return heading(paint.active(symbols.active), `${paint.strong(phase.title)} — ${done}${elapsed === '' ? '' : ` (${elapsed})`}`);
}

/** `ok: pg1, pg3; skipped: pg2 (an earlier stage failed on it)`; names of many hosts would be cut, so they are counted. */
function quietSummary(phase: Phase, paint: Paint): string {
  const reasons = [...new Set([...phase.parts.values()].flatMap(({ end }) => (end?.result === 'skipped' ? [end.reason ?? ''] : [])))];
  const named = (result: StepResult, reason?: string): string => {
    const hosts = hostsWith(phase, result, reason);
    return hosts.length > NAMED_HOSTS ? count(hosts.length, 'host') : hosts.join(', ');
  };
  const ok = named('ok');
  return [
    ...(ok === '' ? [] : [`${paint.ok('ok')}: ${ok}`]),
    ...reasons.map((reason) => paint.skipped(`skipped: ${named('skipped', reason)}${reason === '' ? '' : ` (${reason})`}`)),
  ].join('; ');
}

function hostsWith(phase: Phase, result: StepResult, reason?: string): string[] {
  return phase.hosts.filter((host) => {
    const end = phase.parts.get(host)?.end;
    return end?.result === result && (reason === undefined || (end.reason ?? '') === reason);
  });
}

/** From the first host that began to the last that ended; hosts of one phase need not go side by side. */
function spentTime({ parts }: Phase): string {
  const done = [...parts.values()].filter(
    (part): part is HostProgress & Required<Pick<HostProgress, 'end'>> => part.end !== undefined && part.end.result !== 'skipped',
  );
  if (done.length === 0) return '';
  const ms = Math.max(...done.map(({ startedAt, end }) => startedAt + end.ms)) - Math.min(...done.map(({ startedAt }) => startedAt));
  return timeSuffix(ms);
}

function heading(mark: string, text: string): TreeLine {
  return { mark, text };
}

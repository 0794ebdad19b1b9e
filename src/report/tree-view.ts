import type { CheckResult } from '../events.js';
import { ExitCode } from '../lib/errors.js';
import { formatElapsed, timeSuffix } from './duration.js';
import { symbols, type Paint } from './paint.js';
import type { Phase, RunState } from './run-state.js';
import { phaseHeading } from './tree-heading.js';
import { noticeBlocks } from './tree-notices.js';
import { hostRows } from './tree-rows.js';
import type { TreeBlock, TreeLine, TreeMoment } from './tree-types.js';
import { count } from './words.js';
import { writeGapText } from './write-gap-text.js';

/** The tree of a run at one moment, from its state alone. */
export function viewTree(state: RunState, moment: TreeMoment, paint: Paint): TreeBlock[] {
  const begun = [...state.stages.values()].filter(({ parts }) => parts.size > 0);
  return [
    ...[state.connect, state.survey].filter(({ parts }) => parts.size > 0).map((phase) => phaseBlock(phase, state.hosts, moment, paint)),
    ...waitBlocks(state, moment, paint),
    ...begun.map((phase) => phaseBlock(phase, state.hosts, moment, paint)),
    ...proofBlock(state, moment, paint),
    ...laterBlock(state, moment, paint),
    ...noticeBlocks(state, moment, paint),
  ];
}

/**
 * What only one host does has no heading, which would say the same. A heading says its title whole; the hosts below it, which repeat
 * it, keep to one line each.
 */
function phaseBlock(phase: Phase, all: readonly string[], moment: TreeMoment, paint: Paint): TreeBlock {
  const rows = hostRows(phase, all, moment, paint);
  const [only] = rows;
  const isHeading = phase.hosts.length !== 1 || only === undefined;
  return isHeading
    ? { line: { ...phaseHeading(phase, moment, paint), wraps: true }, rows: [...rows, ...gapRow(phase, paint)] }
    : { line: { ...only, wraps: true }, rows: gapRow(phase, paint) };
}

/** The last of what the run as a whole waited for have a line each. */
export const MOST_WAITS = 4;

/** What the run as a whole waits for, or has waited for. */
function waitBlocks({ waits }: RunState, { now, spinner, closed }: TreeMoment, paint: Paint): TreeBlock[] {
  return waits.slice(-MOST_WAITS).map(({ text, since, ms }) => {
    if (ms !== undefined) return { line: { mark: paint.quiet(symbols.told), text: `Waited: ${text}${timeSuffix(ms)}` }, rows: [] };
    const elapsed = formatElapsed(now - since);
    const mark = closed ? paint.changed(symbols.unfinished) : paint.active(spinner);
    return {
      line: { mark, text: `Waiting for what may pass by itself: ${text}${elapsed === '' ? '' : ` (${elapsed})`}`, wraps: true },
      rows: [],
    };
  });
}

function gapRow({ gap }: Phase, paint: Paint): TreeLine[] {
  return gap === undefined ? [] : [{ mark: paint.quiet(symbols.told), text: writeGapText(gap), wraps: true }];
}

function proofBlock({ checks, proving }: RunState, { spinner, closed }: TreeMoment, paint: Paint): TreeBlock[] {
  if (checks === undefined) {
    return proving && !closed ? [{ line: { mark: paint.active(spinner), text: 'Check the cluster' }, rows: [] }] : [];
  }
  const bad = checks.filter(({ ok }) => !ok);
  if (bad.length === 0) {
    return [
      { line: { mark: paint.ok(symbols.ok), text: `Check the cluster — ${count(checks.length, 'proof holds', 'proofs hold')}` }, rows: [] },
    ];
  }
  const text = `Check the cluster — ${paint.failed(`${bad.length} of ${count(checks.length, 'proof fails', 'proofs fail')}`)}`;
  return [{ line: { mark: paint.failed(symbols.failed), text }, rows: bad.map((check) => proofRow(check, paint)) }];
}

function proofRow({ host, title, detail }: CheckResult, paint: Paint): TreeLine {
  return {
    mark: paint.failed(symbols.failed),
    text: `${host === undefined ? '' : `${host} · `}${title} — ${paint.failed(`failed: ${detail}`)}`,
    wraps: true,
  };
}

/** Stages that have not begun share one line, since a list of them would push what is in progress off a small screen. */
function laterBlock({ stages, end, interrupted }: RunState, { closed }: TreeMoment, paint: Paint): TreeBlock[] {
  const titles = [...stages.values()].filter(({ parts, ended }) => parts.size === 0 && !ended).map(({ title }) => title);
  if (titles.length === 0 || (closed && end?.exitCode === ExitCode.done)) return [];
  const text = `${closed || interrupted !== undefined ? 'not started' : 'next'}: ${titles.join(', ')}`;
  return [{ line: { mark: paint.quiet(symbols.later), text: paint.quiet(text), ...(closed ? { wraps: true as const } : {}) }, rows: [] }];
}

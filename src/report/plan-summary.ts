import type { PlannedChange } from '../events.js';
import { makePaint } from './paint.js';
import { closingLines, type PlanTextOptions } from './plan-text.js';
import { padToWidth, widestOf } from './width.js';
import { count, listNames } from './words.js';

/** How a plan is summarised. */
export interface SummaryOptions extends Pick<PlanTextOptions, 'color' | 'hosts' | 'effects'> {
  /** What stages are called, by their ids. */
  titles: ReadonlyMap<string, string>;
}

/** A plan in short: a line a stage, in the order of the run, and what it means for services. */
export function renderSummary(changes: readonly PlannedChange[], { color, hosts, effects, titles }: SummaryOptions): string {
  const paint = makePaint(color);
  const stages = [...new Set(changes.map(({ stage }) => stage))].map((stage) => {
    const own = changes.filter((change) => change.stage === stage);
    const on = hosts.filter((host) => own.some((change) => change.host === host));
    return { title: titles.get(stage) ?? stage, text: `${count(own.length, 'change')} on ${listNames(on, 3)}` };
  });
  const width = widestOf(stages.map(({ title }) => title));
  const lines = stages.map(({ title, text }) => `  ${padToWidth(title, width)}  ${paint.quiet(text)}`);
  // What is predicted is told of single changes, of which there are none here.
  const all = changes.map((change) => ({ ...change, projected: false }));
  return [...lines, '', ...closingLines(all, { hosts, effects }, paint)].join('\n');
}

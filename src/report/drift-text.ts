import type { PlannedChange } from '../events.js';
import { leftOutWords } from './left-out.js';
import { makePaint } from './paint.js';
import { changeBlocks, driftLines, type PlanTextOptions } from './plan-text.js';
import { count, listNames } from './words.js';

/** How hosts differ from what the inventory says, for a person or the mail of a cron job. */
export function renderDrift(changes: readonly PlannedChange[], options: Omit<PlanTextOptions, 'effects'> & { cluster: string }): string {
  const paint = makePaint(options.color);
  const { cluster, hosts, drift = [] } = options;
  if (changes.length === 0 && drift.length === 0)
    return paint.ok(
      `${cluster}: no drift, ${count(hosts.length, 'host is', 'hosts are')} as the inventory says${leftOutWords(options.leftOut)}.`,
    );
  const drifted = hosts.filter((host) => [...changes, ...drift].some((found) => found.host === host));
  const found = `${cluster}: ${count(changes.length + drift.length, 'difference')} on ${listNames(drifted)}`;
  const head = paint.changed(changes.length === 0 ? `${found}.` : `${found}; to put it right:`);
  return [head, ...changeBlocks(changes, options), ...driftLines(drift, paint)].join('\n\n');
}

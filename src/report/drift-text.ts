import type { PlannedChange } from '../events.js';
import type { ServiceStatus } from '../lib/cluster-status.js';
import type { ErrorLook } from './error-text.js';
import { leftOutWords } from './left-out.js';
import { makePaint, symbols } from './paint.js';
import { printable } from './printable.js';
import { hanging } from './width.js';
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

/** What is not well with services, and is no difference from the inventory. */
export function renderUnwell(services: readonly ServiceStatus[], { color, columns = Infinity }: ErrorLook): string {
  const paint = makePaint(color);
  const lines = services.flatMap(({ host, role, text, level }) =>
    hanging(`${level === 'problem' ? paint.failed(symbols.failed) : paint.changed('!')} `, printable(`${host}: ${role}: ${text}`), columns),
  );
  return ['', 'No difference from the inventory, and not well:', ...lines].join('\n');
}

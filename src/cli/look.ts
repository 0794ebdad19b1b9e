import type { EventListener, LeftOut } from '../events.js';
import type { RunOutcome } from '../engine/run.js';
import type { Inventory } from '../model/index.js';
import type { Aim } from '../plan/aim.js';
import { makePaint } from '../report/paint.js';
import { renderError } from '../report/error-text.js';
import { runOnHosts } from './cluster-run.js';
import { colors } from './colors.js';

/** What a look at the hosts found. */
export interface Look {
  outcome: RunOutcome;
  /** The hosts of the run, in order. */
  hosts: string[];
  leftOut: LeftOut | undefined;
}

/** Plans without a report of progress; errors go to stderr. `clock` may listen too. */
export async function look(inventory: Inventory, aim: Aim, clock: (emit: EventListener) => EventListener = (emit) => emit): Promise<Look> {
  const hosts: string[] = [];
  let leftOut: LeftOut | undefined;
  const outcome = await runOnHosts({
    inventory,
    aim,
    mode: 'plan',
    emit: clock((event) => {
      if (event.type === 'run-start') {
        hosts.push(...event.hosts);
        leftOut = event.leftOut;
      }
      if (event.type === 'failed') process.stderr.write(`${renderError(event.error, { color: colors(process.stderr) })}\n`);
    }),
  });
  for (const notice of outcome.notices) process.stderr.write(`${makePaint(colors(process.stderr)).changed('warning:')} ${notice}\n`);
  return { outcome, hosts, leftOut };
}

import { ExitCode } from '../lib/errors.js';
import { renderError } from '../report/error-text.js';
import { renderPlan } from '../report/plan-text.js';
import { createReporter } from '../report/reporter.js';
import { runOnHosts } from './cluster-run.js';
import { colors } from './colors.js';
import { loadFor, printWarnings } from './inventory.js';
import { aimOf, type OutputOptions } from './options.js';

/** `pgprov plan`: what apply would change. */
export async function plan(file: string, options: OutputOptions & { diff: boolean }): Promise<ExitCode> {
  const inventory = await loadFor(file, options);
  const color = colors(process.stdout);
  if (options.output === 'json') {
    const reporter = await createReporter('json', { out: process.stdout, err: process.stderr, color });
    const outcome = await runOnHosts({ inventory, aim: aimOf(options), mode: 'plan', emit: reporter.emit });
    await reporter.close();
    return outcome.exitCode;
  }
  printWarnings(inventory);
  const hosts: string[] = [];
  const outcome = await runOnHosts({
    inventory,
    aim: aimOf(options),
    mode: 'plan',
    emit: (event) => {
      if (event.type === 'run-start') hosts.push(...event.hosts);
      if (event.type === 'failed') process.stderr.write(`${renderError(event.error, { color })}\n`);
    },
  });
  if (outcome.exitCode !== ExitCode.done) return outcome.exitCode;
  process.stdout.write(`${renderPlan(outcome.plan, { color, diffs: options.diff, hosts })}\n`);
  return ExitCode.done;
}

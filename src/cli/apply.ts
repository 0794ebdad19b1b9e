import type { ExitCode } from '../lib/errors.js';
import { chooseOutput, createReporter } from '../report/reporter.js';
import { runOnHosts } from './cluster-run.js';
import { loadFor } from './inventory.js';
import { aimOf, type OutputOptions } from './options.js';

/** `pgprov apply`: brings the hosts to what the inventory says. */
export async function apply(file: string, options: OutputOptions): Promise<ExitCode> {
  const inventory = await loadFor(file, options);
  const { kind, color } = chooseOutput(options.output, process.stdout, process.env);
  const reporter = await createReporter(kind, { out: process.stdout, err: process.stderr, color });
  try {
    const outcome = await runOnHosts({ inventory, aim: aimOf(options), mode: 'apply', emit: reporter.emit });
    return outcome.exitCode;
  } finally {
    await reporter.close();
  }
}

import { runOnHosts } from '../cluster-run.js';
import { colors } from '../colors.js';
import { loadFor, printWarnings } from '../inventory.js';
import type { CommonOptions } from '../options.js';
import { statusOf } from '../status-of.js';
import { RunClock, type TimingOptions } from '../timings.js';
import { ExitCode, type PgprovError } from '../../lib/errors.js';
import { problemsOf } from '../../report/status.js';
import { renderStatus } from '../../report/status-text.js';

/** Options of `pgprov status`. */
export interface StatusOptions extends CommonOptions, TimingOptions {
  json?: boolean;
}

/** `pgprov status`: the cluster as it is; exit code 1 when something is wrong with it. */
export async function status(file: string, options: StatusOptions): Promise<ExitCode> {
  const inventory = await loadFor(file, options);
  printWarnings(inventory);
  const errors: PgprovError[] = [];
  const clock = new RunClock(options);
  const outcome = await runOnHosts({
    inventory,
    aim: {},
    mode: 'survey',
    emit: clock.listen((event) => {
      if (event.type === 'failed') errors.push(event.error);
    }),
  });
  const found = statusOf(inventory, outcome.view, errors);
  const text =
    options.json === true
      ? JSON.stringify({ ...found, problems: problemsOf(found), timings: clock.timings }, undefined, 2)
      : renderStatus(found, { color: colors(process.stdout) });
  process.stdout.write(`${text}\n`);
  if (options.json !== true) clock.tell(undefined);
  if (outcome.exitCode !== ExitCode.done) return outcome.exitCode;
  return problemsOf(found).length === 0 ? ExitCode.done : ExitCode.hostFailed;
}

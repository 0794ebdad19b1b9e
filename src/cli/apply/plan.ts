import { ExitCode } from '../../lib/errors.js';
import type { Inventory } from '../../model/index.js';
import { renderDrift } from '../../report/drift-text.js';
import { renderPlan } from '../../report/plan-text.js';
import { createReporter } from '../../report/reporter.js';
import { runOnHosts } from '../cluster-run.js';
import { colors } from '../colors.js';
import { loadFor, printWarnings } from '../inventory.js';
import { look } from '../look.js';
import { aimOf, aimWords, type OutputOptions } from '../options.js';
import { writePlanFile } from '../plan-file.js';
import { wordsOf } from '../report-words.js';
import { openReport, reported } from '../run-report.js';
import { RunClock, type ReportOptions, type TimingOptions } from '../timings.js';

/** Options of `pgprov plan`. */
export interface PlanOptions extends OutputOptions, TimingOptions, ReportOptions {
  diff: boolean;
  /** A file to write the plan to, for `pgprov apply`. */
  out?: string;
  detailedExitcode?: boolean;
}

/** `pgprov plan`: what apply would change. */
export async function plan(file: string, options: PlanOptions): Promise<ExitCode> {
  const report = await openReport(options.report);
  const inventory = await loadFor(file, options);
  const clock = new RunClock(options);
  const told = options.output !== 'json';
  return reported(report, { words: wordsOf(inventory, 'plan', options), clock, told }, () => showPlan(inventory, options, clock));
}

async function showPlan(inventory: Inventory, options: PlanOptions, clock: RunClock): Promise<ExitCode> {
  const aim = aimOf(inventory, options);
  const color = colors(process.stdout);
  const save = async (changes: Parameters<typeof writePlanFile>[2]): Promise<void> => {
    if (options.out === undefined) return;
    await writePlanFile(options.out, { inventory, set: options.set ?? [], aim: aimWords(options) }, changes);
  };
  const verdict = (changes: readonly unknown[]): ExitCode =>
    options.detailedExitcode === true && changes.length > 0 ? ExitCode.changes : ExitCode.done;
  if (options.output === 'json') {
    const reporter = await createReporter('json', { out: process.stdout, err: process.stderr, color });
    const outcome = await runOnHosts({ inventory, aim, mode: 'plan', emit: clock.listen(reporter.emit) });
    await reporter.close();
    clock.tell(options.output);
    if (outcome.exitCode !== ExitCode.done) return outcome.exitCode;
    await save(outcome.plan);
    return verdict(outcome.plan);
  }
  printWarnings(inventory);
  const { outcome, hosts, leftOut } = await look(inventory, aim, clock.listen);
  if (outcome.exitCode !== ExitCode.done) {
    clock.tell(options.output);
    return outcome.exitCode;
  }
  process.stdout.write(`${renderPlan(outcome.plan, { color, diffs: options.diff, hosts, effects: outcome.effects, leftOut })}\n`);
  await save(outcome.plan);
  if (options.out !== undefined) process.stdout.write(`\nKept in ${options.out}; \`pgprov apply ${options.out}\` does just this, or refuses.\n`);
  clock.tell(options.output);
  return verdict(outcome.plan);
}

/** `pgprov diff`: how the hosts have drifted from the inventory; exit code 6 when they have. */
export async function diff(file: string, options: PlanOptions & { quiet?: boolean }): Promise<ExitCode> {
  const report = await openReport(options.report);
  const inventory = await loadFor(file, options);
  const clock = new RunClock(options);
  const told = options.quiet !== true;
  return reported(report, { words: wordsOf(inventory, 'diff', options), clock, told }, () => showDrift(inventory, options, clock));
}

async function showDrift(inventory: Inventory, options: PlanOptions & { quiet?: boolean }, clock: RunClock): Promise<ExitCode> {
  if (options.quiet !== true) printWarnings(inventory);
  const { outcome, hosts, leftOut } = await look(inventory, aimOf(inventory, options), clock.listen);
  if (outcome.exitCode !== ExitCode.done) {
    clock.tell(undefined);
    return outcome.exitCode;
  }
  const drifted = outcome.plan.length > 0;
  if (drifted || options.quiet !== true) {
    const text = renderDrift(outcome.plan, { color: colors(process.stdout), diffs: options.diff, hosts, leftOut, cluster: inventory.cluster });
    process.stdout.write(`${text}\n`);
  }
  clock.tell(undefined);
  return drifted ? ExitCode.changes : ExitCode.done;
}

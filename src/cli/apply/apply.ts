import { resolve } from 'node:path';
import type { Proposal } from '../../engine/run.js';
import { ExitCode, InputError } from '../../lib/errors.js';
import type { Inventory } from '../../model/index.js';
import { renderPlan } from '../../report/plan-text.js';
import { chooseOutput, createReporter } from '../../report/reporter.js';
import { readRotation } from '../../store/password-rotation.js';
import { storeDirectory } from '../../store/store.js';
import { ownTime } from '../asking.js';
import { runOnHosts } from '../cluster-run.js';
import { colors } from '../colors.js';
import { canAsk, confirm } from '../confirm.js';
import { loadFor, printWarnings } from '../inventory.js';
import { look } from '../look.js';
import { aimOf, aimWords, type OutputOptions } from '../options.js';
import { plan } from './plan.js';
import { resumeOptions } from './resume.js';
import { fileChange, insistSameChanges, insistSameOrigin, readPlanFile, type FiledChange } from '../plan-file.js';
import { wordsOf } from '../report-words.js';
import { openReport, reported } from '../run-report.js';
import { tell } from '../tell.js';
import { RunClock, type ReportOptions, type TimingOptions } from '../timings.js';

/** Options of `pgprov apply`. */
export interface ApplyOptions extends OutputOptions, TimingOptions, ReportOptions {
  /** Change a cluster that holds data without asking. */
  yes?: boolean;
  /** Only show what would change. */
  check?: boolean;
  /** Show the differences of files. */
  diff?: boolean;
  /** Go on with the last run. */
  resume?: boolean;
}

/** What a run goes by besides its inventory. */
interface Basis {
  /** The changes of a plan file, and its name. */
  plan?: { file: string; changes: readonly FiledChange[] };
  /** Id of the broken run that it goes on with. */
  resumes?: string;
}

/** `pgprov apply`: brings the hosts to what the inventory says, or carries out a plan file. */
export async function apply(file: string, options: ApplyOptions): Promise<ExitCode> {
  const filed = await readPlanFile(file);
  if (filed !== undefined) {
    insistNothingElse(file, options);
    await insistSameOrigin(filed);
    return run(filed.inventory, { ...options, set: filed.set, ...filed.aim } as ApplyOptions, { plan: { file: resolve(file), changes: filed.changes } });
  }
  if (options.resume === true) return resume(file, options);
  return checkOrRun(file, options);
}

/** Goes on with the last run that was journaled, unless it ended well. */
async function resume(file: string, options: ApplyOptions): Promise<ExitCode> {
  const resumed = await resumeOptions(file, options);
  if ('nothing' in resumed) {
    tell([{ type: 'note', text: resumed.nothing }], options.output);
    return ExitCode.done;
  }
  tell(resumed.notices, options.output);
  return checkOrRun(file, resumed.options, { resumes: resumed.resumes });
}

function checkOrRun(file: string, options: ApplyOptions, basis?: Basis): Promise<ExitCode> {
  return options.check === true ? plan(file, { ...options, diff: options.diff === true }) : run(file, options, basis);
}

/** What a plan holds cannot be said otherwise when it is carried out. */
function insistNothingElse(file: string, options: ApplyOptions): void {
  const given = (['set', 'host', 'group', 'role', 'skipRole', 'check', 'resume'] as const).find((name) => options[name] !== undefined);
  if (given === undefined) return;
  throw new InputError({
    kind: 'plan/fixed',
    message: `${file} is a plan, and --${given === 'skipRole' ? 'skip-role' : given} would change what it does`,
    hint: 'give it to `pgprov plan -o` instead',
  });
}

async function run(file: string, options: ApplyOptions, { plan: filed, resumes }: Basis = {}): Promise<ExitCode> {
  const report = await openReport(options.report);
  const inventory = await loadFor(file, options);
  await tellUnfinished(inventory, options);
  const { kind, color } = chooseOutput(options.output, process.stdout, process.env);
  const clock = new RunClock(options);
  const told = { ...(resumes === undefined ? {} : { resumes }), ...(filed === undefined ? {} : { plan: filed.file }) };
  return reported(report, { words: wordsOf(inventory, 'apply', options, told), clock, told: kind !== 'json' }, async () => {
    let shown = filed?.changes;
    let lookMs = 0;
    if (kind !== 'json' && (options.diff === true || (options.yes !== true && canAsk()))) {
      const began = ownTime();
      const seen = await lookAndAsk(inventory, options, clock);
      lookMs = ownTime() - began;
      if (typeof seen === 'number') return seen;
      shown ??= seen;
      clock.restart();
    }
    const reporter = await createReporter(kind, { out: process.stdout, err: process.stderr, color });
    try {
      const outcome = await runOnHosts({
        inventory,
        aim: aimOf(inventory, options),
        mode: 'apply',
        said: { aim: aimWords(options), set: options.set ?? [], ...told },
        emit: clock.listen(reporter.emit),
        lookMs,
        consent: async (proposal) => consent(inventory, proposal, options, shown),
      });
      return outcome.exitCode;
    } finally {
      await reporter.close();
      clock.tell(kind);
    }
  });
}

/** A password that is being changed is changed further by any run, but only `rotate` proves it and forgets the old one. */
async function tellUnfinished({ dir, cluster }: Inventory, { output }: ApplyOptions): Promise<void> {
  const rotation = await readRotation(storeDirectory(dir, cluster));
  if (rotation === undefined) return;
  tell([{ type: 'warning', text: `a change of ${rotation.path} is not finished: this run goes by the new password, and \`pgprov secrets rotate ${rotation.path}\` finishes it` }], output);
}

/** Shows what would be done, and asks where there is data; gives what was shown, or the exit code to end with. */
async function lookAndAsk(inventory: Inventory, options: ApplyOptions, clock: RunClock): Promise<FiledChange[] | ExitCode> {
  const { outcome, hosts, leftOut } = await look(inventory, aimOf(inventory, options), clock.listen);
  const { exitCode, plan: changes, effects, holdsData } = outcome;
  if (exitCode !== ExitCode.done) return exitCode;
  const asks = options.yes !== true && holdsData && changes.length > 0;
  if (asks || options.diff === true) {
    printWarnings(inventory);
    process.stdout.write(`${renderPlan(changes, { color: colors(process.stdout), diffs: options.diff === true, hosts, effects, leftOut })}\n\n`);
  }
  if (asks && !(await confirm(`${inventory.cluster} holds data. Apply these changes?`))) {
    process.stdout.write('Nothing was changed.\n');
    return ExitCode.interrupted;
  }
  return changes.map(fileChange);
}

/** Lets a run go on that does what was shown, and that may do it. */
function consent({ cluster }: Inventory, { changes, holdsData }: Proposal, { yes }: ApplyOptions, shown: readonly FiledChange[] | undefined): void {
  if (shown !== undefined) insistSameChanges(shown, changes);
  if (!holdsData || yes === true || shown !== undefined) return;
  throw new InputError({
    kind: 'apply/unconfirmed',
    message: `${cluster} holds data, and there is no terminal to ask on whether it may be changed`,
    hint: 'nothing was changed; look with `pgprov plan`, then run again with --yes, or apply a plan file made by `pgprov plan -o`',
  });
}

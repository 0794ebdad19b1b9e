import { resolve } from 'node:path';
import type { Proposal } from '../../engine/run.js';
import { ExitCode, InputError } from '../../lib/errors.js';
import type { Inventory } from '../../model/index.js';
import { renderSummary } from '../../report/plan-summary.js';
import { renderPlan } from '../../report/plan-text.js';
import { readRotation } from '../../store/password-rotation.js';
import { colors, errorLook } from '../colors.js';
import { operationNamed, runOperation, type OperateCommandOptions } from '../operations/operate.js';
import { assertNoOperation } from '../operations/unfinished.js';
import { selectionOf, selectionOptions } from '../options.js';
import { clusterRun } from '../pipeline/cluster-run.js';
import { THIS_PROCESS, type Environment } from '../pipeline/environment.js';
import { Pipeline, type EngineParts, type PipelineOptions } from '../pipeline/pipeline.js';
import { tell } from '../pipeline/tell.js';
import { firstSteps, isFirstApply } from './first-steps.js';
import { plan } from './plan.js';
import { assertSameChanges, assertSameOrigin, fileChange, readPlanFile, type FiledChange, type PlanFile } from './plan-file.js';
import { restartsAfterwards } from './restarts-afterwards.js';
import { resumeOptions } from './resume.js';
import { pgprov } from '../../lib/pgprov-command.js';

/** Options of `pgprov apply`. */
export interface ApplyOptions extends PipelineOptions {
  /** Take also hosts of systems that pgprov was not tested on. */
  allowUntested?: boolean;
  /** Only show what would change. */
  check?: boolean;
  /** Show the differences of files. */
  diff?: boolean;
  /** Go on with the last run. */
  resume?: boolean;
  /** Then carry out the restarts of PostgreSQL that are pending. */
  restart?: boolean;
}

/** What a run is given besides its inventory. */
interface Basis {
  /** The changes of a plan file, and its name. */
  plan?: { file: string; changes: readonly FiledChange[] };
  /** Id of the broken run that it resumes. */
  resumes?: string;
}

/** `pgprov apply`: brings the hosts to what the inventory says, or carries out a plan file. */
export async function apply(file: string, options: ApplyOptions, environment = THIS_PROCESS): Promise<ExitCode> {
  const filed = await readPlanFile(file);
  if (filed !== undefined) {
    assertNothingElse(file, filed, options);
    await assertSameOrigin(filed);
    return run(filed.inventory, { ...options, set: filed.set, ...filed.aim } as ApplyOptions, environment, {
      plan: { file: resolve(file), changes: filed.changes },
    });
  }
  if (options.resume === true) return resume(file, options, environment);
  return checkOrRun(file, options, environment);
}

/** Goes on with the last run that was journaled, unless it ended well. */
async function resume(file: string, options: ApplyOptions, environment: Environment): Promise<ExitCode> {
  const resumed = await resumeOptions(file, options);
  if ('nothing' in resumed) {
    tell([{ type: 'note', text: resumed.nothing }], options.output, environment.out);
    return ExitCode.done;
  }
  tell(resumed.notices, options.output, environment.out);
  return checkOrRun(file, resumed.options, environment, { resumes: resumed.resumes });
}

function checkOrRun(file: string, options: ApplyOptions, environment: Environment, basis?: Basis): Promise<ExitCode> {
  return options.check === true
    ? plan(file, { ...options, diff: options.diff === true }, environment)
    : run(file, options, environment, basis);
}

/** What a plan holds cannot be said otherwise when it is carried out. */
function assertNothingElse(file: string, { inventory }: PlanFile, options: ApplyOptions): void {
  const given = (['set', 'host', 'group', 'role', 'skipRole', 'check', 'resume'] as const).find((name) => options[name] !== undefined);
  if (given === undefined) return;
  throw new InputError({
    kind: 'plan/fixed',
    message: `${file} is a plan, and --${given === 'skipRole' ? 'skip-role' : given} would change what it does`,
    hint: `give it to ${pgprov`plan ${inventory} -o ${file}`} instead`,
  });
}

/**
 * What `--restart` does at the end: an operation of its own, which shows its steps and asks. What is pending is known only when the apply is
 * proved, and an operation that was cut off is finished by its own command; so it has a journal of its own, which names the apply's.
 */
const RESTART = 'restart';

async function run(file: string, options: ApplyOptions, environment: Environment, basis: Basis = {}): Promise<ExitCode> {
  const pipeline = await Pipeline.open(file, options, environment);
  const exitCode = await changeHosts(pipeline, options, basis);
  if (options.restart !== true || exitCode !== ExitCode.done) return exitCode;
  // The page is about the changes.
  const { report: _page, check: _check, resume: _resume, ...same } = options;
  return runOperation(operationNamed(RESTART), file, { ...same, pending: true } as OperateCommandOptions, environment, {
    follows: pipeline.run,
  });
}

async function changeHosts(pipeline: Pipeline, options: ApplyOptions, { plan: filed, resumes }: Basis): Promise<ExitCode> {
  const { inventory, environment } = pipeline;
  await tellUnfinished(pipeline);
  const selection = selectionOf(inventory, options);
  const about = { ...(resumes === undefined ? {} : { resumes }), ...(filed === undefined ? {} : { plan: filed.file }) };
  const shows = options.diff === true && pipeline.form.kind !== 'json';
  const go = clusterRun(pipeline, {
    selection,
    mode: 'apply',
    allowUntested: options.allowUntested,
    consent: consentTo(inventory, { shows, filed: filed?.changes, environment, restarts: options.restart === true }),
  });
  return pipeline.carryOut({
    command: 'apply',
    about,
    shows: 'run',
    hosts: inventory.hosts.filter(({ name }) => selection.hosts?.includes(name) !== false),
    journal: { aim: selectionOptions(options), set: options.set ?? [], ...about },
    holds: shows || (options.yes !== true && pipeline.canAsk),
    go: async (parts) => {
      await assertNoOperation(inventory, options.restart === true ? RESTART : undefined);
      return go(parts);
    },
    answer: ({ exitCode, proposal: { changes, leftOut } }) => {
      const isNews = exitCode === ExitCode.done && changes.length > 0 && leftOut === undefined;
      if (isNews && pipeline.form.kind !== 'json' && isFirstApply(pipeline.store, pipeline.run)) {
        const text = firstSteps(inventory, pipeline.store, errorLook(environment.out));
        if (text !== '') pipeline.print(`\n${text}`);
      }
      return exitCode;
    },
  });
}

/** A password that is being changed is changed further by any run, but only `rotate` proves it and forgets the old one. */
async function tellUnfinished(pipeline: Pipeline): Promise<void> {
  const rotation = await readRotation(pipeline.store);
  if (rotation === undefined) return;
  const text = `a change of ${rotation.path} is not finished: this run uses the new password, and ${pgprov`secrets rotate ${rotation.path} ${pipeline.inventory}`} finishes it`;
  pipeline.tell({ type: 'warning', text });
}

interface ConsentOptions {
  /** The differences of files are shown. */
  shows: boolean;
  /** The changes of a plan file. */
  filed: readonly FiledChange[] | undefined;
  environment: Environment;
  /** What is pending is restarted afterwards. */
  restarts: boolean;
}

/** Allows a run that does what was shown, or is in its plan file, and that may do it. */
function consentTo(
  { cluster, file }: Inventory,
  { shows, filed, environment, restarts }: ConsentOptions,
): (proposal: Proposal, parts: EngineParts) => Promise<number | undefined> {
  let shown: readonly FiledChange[] | undefined;
  return async (proposal, { ask }) => {
    const { changes, holdsData } = proposal;
    const known = shown ?? filed;
    if (known !== undefined) assertSameChanges(known, changes);
    if (shown !== undefined) return undefined;
    shown = changes.map(fileChange);
    return ask({
      text: () => {
        const effects = [...proposal.effects, ...restartsAfterwards(file, restarts)];
        const look = { ...proposal, effects, color: colors(environment.out), diffs: shows };
        if (holdsData || shows) return renderPlan(changes, look);
        return `${renderSummary(changes, look)}\n${pgprov`plan ${file}`} shows each change.`;
      },
      ask: `${cluster} holds ${holdsData ? '' : 'no '}data${holdsData ? '' : ' yet'}. Apply these changes?`,
      asksAnyway: true,
      shows,
      agreed: filed !== undefined,
      holdsData,
      unconfirmed: {
        kind: 'apply/unconfirmed',
        message: `${cluster} holds data, and there is no terminal to ask on whether it may be changed`,
        hint: `nothing was changed; look with ${pgprov`plan ${file}`}, then run again with --yes, or apply a plan file that it made with -o`,
      },
    });
  };
}

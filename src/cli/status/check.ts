import type { RunOutcome } from '../../engine/run.js';
import { asPgprovError, ExitCode } from '../../lib/errors.js';
import { redact } from '../../lib/secret.js';
import { asksBackups, backupState } from '../../operations/index.js';
import { CHECKS, type CheckName } from '../../report/check-names.js';
import { checkOf, LEVELS, renderChecks, worst, type Checked, type CheckedState } from '../../report/checks.js';
import { firstLine } from '../../report/words.js';
import { mostLag } from '../member-status.js';
import { clusterRun } from '../pipeline/cluster-run.js';
import { THIS_PROCESS } from '../pipeline/environment.js';
import { Pipeline } from '../pipeline/pipeline.js';
import { readLook } from './look.js';
import type { StatusOptions } from './status.js';

/** What a plugin ends with, by the place in `LEVELS`. They are numbers of pgprov's own exit codes, with another meaning. */
const ENDS = [ExitCode.done, ExitCode.hostFailed, ExitCode.badInput, ExitCode.unreachable] as const;

/**
 * `pgprov status --check`: answers as a plugin of Nagios, Icinga and their like. Ends with 0 (OK), 1 (WARNING), 2 (CRITICAL) or 3 (UNKNOWN), and
 * with 3 as well where nothing could be looked at.
 */
export async function check(file: string, options: StatusOptions, environment = THIS_PROCESS): Promise<ExitCode> {
  try {
    const pipeline = await Pipeline.open(file, options, environment);
    return await look(pipeline, options);
  } catch (thrown) {
    const { message, hint } = asPgprovError(thrown);
    environment.out.write(
      `PGPROV UNKNOWN - ${firstLine(redact(message)).replaceAll('|', '/')}\n${hint === undefined ? '' : `${redact(hint)}\n`}`,
    );
    return ExitCode.unreachable;
  }
}

async function look(pipeline: Pipeline, { check: asked = [], warning = {}, critical = {} }: StatusOptions): Promise<ExitCode> {
  const { inventory } = pipeline;
  const isBackedUp = inventory.hosts.some(({ roles }) => roles.includes('backup'));
  // Who asks for all asks for what there is.
  const names = asked.length === CHECKS.length && !isBackedUp ? asked.filter((name) => name !== 'backup') : asked;
  const hasBackups = names.includes('backup') && isBackedUp;
  let checks: readonly Checked[] | undefined;
  return pipeline.carryOut({
    command: 'status --check',
    shows: 'answer',
    tells: [],
    quiet: true,
    go: async (parts) => {
      const observations = hasBackups ? { observations: asksBackups } : {};
      const outcome = await clusterRun(pipeline, { selection: {}, mode: 'survey', ...observations })(parts);
      if (!parts.signal.aborted) checks = await looked(pipeline, outcome, names, { warning, critical, hasBackups });
      return { exitCode: outcome.exitCode, errors: [] };
    },
    answer: () => {
      if (checks === undefined) return ExitCode.interrupted;
      pipeline.print(renderChecks(inventory.cluster, checks));
      return ENDS[LEVELS.indexOf(worst(checks.map(({ level }) => level)))] ?? ExitCode.unreachable;
    },
  });
}

async function looked(
  { inventory }: Pipeline,
  outcome: RunOutcome,
  names: readonly CheckName[],
  { hasBackups, ...limits }: Pick<CheckedState, 'warning' | 'critical'> & { hasBackups: boolean },
): Promise<Checked[]> {
  const { status } = await readLook(inventory, outcome);
  const now = new Date();
  const backups = hasBackups && outcome.view !== undefined ? { backups: backupState(inventory, outcome.view, now) } : {};
  return names.map((name) => checkOf(name, { status, ...backups, mostLag: mostLag(status.dynamic), now, ...limits }));
}

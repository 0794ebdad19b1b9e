import type { ExitCode } from '../../lib/errors.js';
import type { CheckName, Limits } from '../../report/check-names.js';
import { renderStatus } from '../../report/status-text.js';
import { errorLook } from '../colors.js';
import type { CommonOptions } from '../options.js';
import { clusterRun } from '../pipeline/cluster-run.js';
import { THIS_PROCESS } from '../pipeline/environment.js';
import { Pipeline } from '../pipeline/pipeline.js';
import type { TimingOptions } from '../pipeline/timings.js';
import { readLook, type Seen } from './look.js';

/** Options of `pgprov status`. */
export interface StatusOptions extends CommonOptions, TimingOptions {
  json?: boolean;
  /** Show what is stored under Patroni's scope. */
  keys?: boolean;
  /** Look again and again, until it is interrupted. */
  watch?: boolean;
  /** Look again until this is so. */
  until?: 'healthy';
  /** Answer as a monitoring plugin, of these parts. */
  check?: readonly CheckName[];
  /** Limits of `check`. */
  warning?: Limits;
  critical?: Limits;
  /** Milliseconds between two looks. */
  interval?: number;
  /** Milliseconds for which `until` waits. */
  timeout?: number;
}

/** `pgprov status`: the cluster as it is; exit code 1 when something is wrong with it. */
export async function status(file: string, options: StatusOptions, environment = THIS_PROCESS): Promise<ExitCode> {
  const pipeline = await Pipeline.open(file, options, environment);
  const { json = false, keys = false } = options;
  let seen: Seen | undefined;
  return pipeline.carryOut({
    command: 'status',
    shows: 'answer',
    tells: ['warning'],
    hasTimings: json,
    go: async (parts) => {
      const outcome = await clusterRun(pipeline, { selection: {}, mode: 'survey' })(parts);
      seen = await readLook(pipeline.inventory, outcome);
      return outcome;
    },
    answer: ({ exitCode: ended }) => {
      if (seen === undefined) return ended;
      const { status: found, problems, exitCode } = seen;
      pipeline.print(
        json
          ? JSON.stringify({ ...found, problems, timings: pipeline.timings }, undefined, 2)
          : renderStatus(found, errorLook(environment.out), { keys }),
      );
      return exitCode;
    },
  });
}

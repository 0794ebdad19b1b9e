import { ExitCode } from '../../lib/errors.js';
import { differsAnywhere, renderConfig, type SeenConfig } from '../../report/config-text.js';
import { renderError } from '../../report/error-text.js';
import { errorLook } from '../colors.js';
import type { CommonOptions } from '../options.js';
import { clusterRun } from '../pipeline/cluster-run.js';
import { THIS_PROCESS, type Environment } from '../pipeline/environment.js';
import { Pipeline } from '../pipeline/pipeline.js';
import { assertPatroni, noConfig, seenConfig } from './view-config.js';

/** Options of `pgprov config show` and `config diff`. */
export interface ShowOptions extends CommonOptions {
  json?: boolean;
}

/** `pgprov config show`: the dynamic configuration as it is. */
export function showConfig(file: string, options: ShowOptions, environment = THIS_PROCESS): Promise<ExitCode> {
  return look(file, options, environment, false);
}

/** `pgprov config diff`: what of it differs; exit code 6 when anything does. */
export function diffConfig(file: string, options: ShowOptions, environment = THIS_PROCESS): Promise<ExitCode> {
  return look(file, options, environment, true);
}

async function look(file: string, options: ShowOptions, environment: Environment, onlyDifferences: boolean): Promise<ExitCode> {
  const pipeline = await Pipeline.open(file, options, environment);
  const { inventory } = pipeline;
  assertPatroni(inventory);
  return pipeline.carryOut({
    command: onlyDifferences ? 'config diff' : 'config show',
    shows: 'answer',
    tells: ['failed', 'warning'],
    go: clusterRun(pipeline, { selection: {}, mode: 'survey' }),
    answer: ({ exitCode, errors, view }) => {
      const seen = view === undefined ? undefined : seenConfig(inventory, view);
      if (seen === undefined) {
        if (errors.length === 0) environment.err.write(`${renderError(noConfig(inventory), errorLook(environment.err))}\n`);
        return exitCode === ExitCode.done ? ExitCode.hostFailed : exitCode;
      }
      pipeline.print(answerOf(seen, options, environment, onlyDifferences));
      if (exitCode !== ExitCode.done) return exitCode;
      return onlyDifferences && differsAnywhere(seen) ? ExitCode.changes : ExitCode.done;
    },
  });
}

function answerOf(seen: SeenConfig, { json }: ShowOptions, environment: Environment, onlyDifferences: boolean): string {
  if (json === true) {
    const settings = seen.settings.filter(({ differs }) => differs || !onlyDifferences);
    return JSON.stringify(onlyDifferences ? { ...seen, settings, config: undefined } : seen, undefined, 2);
  }
  const text = renderConfig(seen, errorLook(environment.out), onlyDifferences);
  return text === ''
    ? `No differences: the dynamic configuration of ${seen.cluster} is as the inventory says, and all members use it.`
    : text;
}

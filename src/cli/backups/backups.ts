import { ExitCode, InputError } from '../../lib/errors.js';
import { asksBackups, backupRoles, backupState } from '../../operations/index.js';
import { renderBackups } from '../../report/backups-text.js';
import { renderError } from '../../report/error-text.js';
import { errorLook } from '../colors.js';
import { lastDrill } from '../../store/drills.js';
import type { CommonOptions } from '../options.js';
import { clusterRun } from '../pipeline/cluster-run.js';
import { THIS_PROCESS } from '../pipeline/environment.js';
import { Pipeline } from '../pipeline/pipeline.js';

/** Options of `pgprov backups`. */
export interface BackupsOptions extends CommonOptions {
  json?: boolean;
}

/** `pgprov backups`: what there is to be restored; exit code 1 when something is wrong with it, 3 when a host could not be reached. */
export async function backups(file: string, options: BackupsOptions, environment = THIS_PROCESS): Promise<ExitCode> {
  const pipeline = await Pipeline.open(file, options, environment);
  const { inventory } = pipeline;
  if (!inventory.hosts.some(({ roles }) => roles.includes('backup'))) {
    throw new InputError({
      kind: 'backup/no-role',
      message: `no host of ${inventory.cluster} has the role backup, so pgprov knows of no backups of it`,
      hint: 'docs/backups.md says how backups are set up',
    });
  }
  const drill = await lastDrill(pipeline.store);
  return pipeline.carryOut({
    command: 'backups',
    shows: 'answer',
    tells: ['warning'],
    go: clusterRun(pipeline, {
      selection: { roles: backupRoles(inventory) },
      mode: 'survey',
      observations: (context) => asksBackups(context),
    }),
    answer: ({ exitCode, errors, view }) => {
      if (view === undefined || errors.length > 0)
        environment.err.write(errors.map((error) => `${renderError(error, errorLook(environment.err))}\n`).join(''));
      if (view === undefined) return exitCode === ExitCode.done ? ExitCode.hostFailed : exitCode;
      const now = new Date();
      const state = { ...backupState(inventory, view, now), ...(drill === undefined ? {} : { drill }) };
      pipeline.print(options.json === true ? JSON.stringify(state, undefined, 2) : renderBackups(state, errorLook(environment.out), now));
      if (exitCode !== ExitCode.done) return exitCode;
      return state.problems.length > 0 ? ExitCode.hostFailed : ExitCode.done;
    },
  });
}

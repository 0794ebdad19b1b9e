import { ExitCode, InputError, PgprovError } from '../../lib/errors.js';
import { hasTerminal } from '../hidden-prompt.js';
import { confirm } from '../pipeline/confirm.js';

/** Options of commands that ask before they do something. */
export interface AgreeOptions {
  yes?: boolean;
}

/**
 * Has a person agree, on stderr, because stdout may be a pipe; `--yes` agrees without being asked.
 * @throws InputError where nobody can be asked; PgprovError for a no
 */
export async function agree(question: string, { yes }: AgreeOptions): Promise<void> {
  if (yes === true) return;
  if (!hasTerminal()) {
    throw new InputError({
      kind: 'cli/no-terminal',
      message: 'there is no terminal to ask at',
      hint: 'run it again with --yes',
    });
  }
  if (await confirm(question, undefined, process.stderr)) return;
  throw new PgprovError({ kind: 'cli/declined', message: 'nothing was done', exitCode: ExitCode.interrupted });
}

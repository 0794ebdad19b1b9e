import { Argument, type Command } from 'commander';
import { ExitCode } from '../../lib/errors.js';
import type { SetExit } from '../action.js';
import { helpText } from '../help-text.js';
import { noChoice } from '../usage-error.js';
import { SCRIPTS, SHELLS, type Shell } from './scripts.js';

/** What the scripts ask with. */
export const COMPLETE = '__complete';

const HELP = `
  bash: eval "$(pgprov completion bash)" in ~/.bashrc
  zsh:  eval "$(pgprov completion zsh)" in ~/.zshrc, after compinit
  fish: pgprov completion fish > ~/.config/fish/completions/pgprov.fish`;

/** The command that prints a shell's script. */
export function addCompletionCommand(program: Command, setExit: SetExit): void {
  program
    .command('completion')
    .description('print the script with which a shell completes commands, options, files, and names of hosts, groups and roles')
    .addArgument(
      new Argument('<shell>', 'the shell').choices(SHELLS).argParser((text) => {
        if ((SHELLS as readonly string[]).includes(text)) return text;
        throw noChoice('<shell>', text, SHELLS);
      }),
    )
    .addHelpText('after', helpText(HELP))
    .action((shell: Shell) => {
      process.stdout.write(SCRIPTS[shell]);
      setExit(ExitCode.done);
    });
}

/** Answers a shell's script: the kind of candidates, and a line for each, its description after a tab. */
export async function answerShell(program: Command, [at = '', ...words]: readonly string[]): Promise<void> {
  const { completeLine } = await import('./candidates.js');
  const { kind, list } = await completeLine(program, words, Number(at));
  const lines = list.map(({ value, description }) => (description === undefined ? value : `${value}\t${description}`));
  process.stdout.write([kind, ...lines].map((line) => `${line.replaceAll('\n', ' ')}\n`).join(''));
}

import type { Command } from 'commander';
import { buildProgram } from '../../src/cli/main.js';

/** What pgprov's own parser objects to in a command line, and an inventory that is missing. */
export function complaintsAbout(words: readonly string[]): string[] {
  const complaints: string[] = [];
  const program = buildProgram(() => undefined, words);
  const prepare = (command: Command): void => {
    command.exitOverride().configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
    // Some commands that have others below them, like `runs`, do something themselves.
    if (command.commands.length === 0 || command.registeredArguments.length > 0)
      command.action(() => {
        const place = command.registeredArguments.findIndex((argument) => argument.name() === 'inventory');
        if (place >= 0 && command.args[place] === undefined) complaints.push('no inventory');
      });
    command.commands.forEach(prepare);
  };
  prepare(program);
  try {
    program.parse([...words], { from: 'user' });
  } catch (error) {
    complaints.push((error as Error).message);
  }
  return complaints;
}

import type { Command } from 'commander';
import type { SetExit } from '../action.js';
import { splitAtDashes } from '../after-dashes.js';
import { withInventory, withPasswords } from '../command-options.js';
import { helpText } from '../help-text.js';
import type { SshOptions } from './ssh.js';

const HELP = `
After -- comes a command for the host: one word is a line of shell, several arrive as they are.
The exit code is that of ssh: that of the command, or 255 when the host could not be reached.`;

/** The command that opens a shell on a host; its modules are loaded when it runs. */
export function addSshCommand(program: Command, setExit: SetExit, words: readonly string[]): void {
  withPasswords(withInventory(program.command('ssh')))
    .argument('[host]', 'the host')
    .argument('[command...]', 'what to run there, after --; default: a shell')
    .description('a shell on a host, by the system’s ssh with the inventory’s jump hosts, keys and known_hosts')
    .option('--become', 'be root there, as the inventory says')
    .addHelpText('after', helpText(HELP))
    .action(async (inventory: string | undefined, host: string | undefined, command: string[], given: SshOptions) => {
      const { locate } = await import('../locate.js');
      const { before, after } = splitAtDashes(
        words,
        [inventory, host, ...command].filter((word) => word !== undefined),
      );
      const { ssh, namesOnLine } = await import('./ssh.js');
      const { file: named, name, rest } = namesOnLine(before, given);
      const { file, options } = await locate(named, given, false);
      setExit(await ssh(file, name, [...rest, ...after], options));
    });
}

import type { Command } from 'commander';
import { onInventory, type SetExit } from '../action.js';
import { splitList, withInventory } from '../command-options.js';
import { reservedBy } from '../operations/own-command.js';
import type { SelectionFlags, CommonOptions } from '../options.js';

/** The commands that read an inventory and connect to nothing; their modules are loaded when one of them runs. */
export function addValidateCommands(program: Command, setExit: SetExit): void {
  withInventory(program.command('validate'))
    .description('check syntax and consistency of an inventory; no connection')
    .action(
      onInventory<CommonOptions>(setExit, async () => {
        const { validate } = await import('./validate.js');
        return (file, options) => validate(file, options, reservedBy(program));
      }),
    );

  withInventory(program.command('show'))
    .description('show every resolved variable and where it came from')
    .option('--host <names>', 'only these hosts', splitList)
    .action(onInventory<CommonOptions & SelectionFlags>(setExit, async () => (await import('./show.js')).show));
}

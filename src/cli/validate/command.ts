import type { Command } from 'commander';
import { onInventory, type SetExit } from '../action.js';
import { splitList, withInventory } from '../command-options.js';
import type { Aimed, CommonOptions } from '../options.js';

/** The commands that read an inventory and connect to nothing; their modules are loaded when one of them runs. */
export function addValidateCommands(program: Command, setExit: SetExit): void {
  withInventory(program.command('validate'))
    .description('check an inventory: schema and sense, no connection')
    .action(onInventory<CommonOptions>(setExit, async () => (await import('./validate.js')).validate));

  withInventory(program.command('show'))
    .description('show every resolved variable and where it came from')
    .option('--host <names>', 'only these hosts', splitList)
    .action(onInventory<CommonOptions & Aimed>(setExit, async () => (await import('./show.js')).show));
}

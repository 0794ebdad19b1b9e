import type { Command } from 'commander';
import { onInventory, type SetExit } from '../action.js';
import { collect, withInventory, withPasswords } from '../command-options.js';
import { withEveryOption } from '../operations/command.js';
import type { EditOptions } from './edit.js';
import type { ShowOptions } from './show.js';

/** The commands about Patroni's dynamic configuration; their modules are loaded when one of them runs. */
export function addConfigCommands(program: Command, setExit: SetExit): void {
  const config = program
    .command('config')
    .description('Patroni’s dynamic configuration: what is in force, what the inventory says, who differs; changes of it');

  withPasswords(withInventory(config.command('show')))
    .description('every setting, who has set it, and what members have of their own; changes nothing')
    .option('--json', 'print as JSON')
    .action(onInventory<ShowOptions>(setExit, async () => (await import('./show.js')).showConfig));

  withPasswords(withInventory(config.command('diff')))
    .description('only what differs from the inventory, and members that use something else; exit code 6 when anything does')
    .option('--json', 'print as JSON')
    .action(onInventory<ShowOptions>(setExit, async () => (await import('./show.js')).diffConfig));

  withEveryOption(config.command('edit'), {})
    .description('change settings that the inventory does not give: in your editor, or as told; asks the servers first')
    .option('--put <key=value>', 'set this one, e.g. failsafe_mode=true; repeatable, and without the editor', collect)
    .option('--remove <key>', 'take this one away; repeatable, and without the editor', collect)
    .option('--back-to <file>', 'go back to the settings that a snapshot has, as far as the inventory does not give them')
    .action(onInventory<EditOptions>(setExit, async () => (await import('./edit.js')).editConfig));
}

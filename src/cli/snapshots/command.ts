import type { Command } from 'commander';
import { onInventory, type SetExit } from '../action.js';
import { INVENTORY } from '../command-options.js';
import type { ListOptions } from './list.js';

/** What there is besides taking a snapshot, which is an operation; its module is loaded when it runs. */
export function addSnapshotCommands(program: Command, setExit: SetExit): void {
  program.commands
    .find((command) => command.name() === 'snapshot')
    ?.command('list')
    .description(
      'the snapshots beside the inventory, newest first: when and by which operation each was taken, and what it has; asks no host',
    )
    .argument('[inventory]', INVENTORY)
    .option('--json', 'print as JSON')
    .action(onInventory<ListOptions>(setExit, async () => (await import('./list.js')).listSnapshots));
}

import type { Command } from 'commander';
import { onInventory, type SetExit } from '../action.js';
import { withInventory, withPasswords } from '../command-options.js';
import type { HistoryOptions } from './history.js';

/** The command about who led; its module is loaded when it runs. */
export function addHistoryCommand(program: Command, setExit: SetExit): void {
  withPasswords(withInventory(program.command('history')))
    .description('who led the cluster from when to when, on which timeline, with the runs of pgprov in between; changes nothing')
    .option('--json', 'print as JSON')
    .action(onInventory<HistoryOptions>(setExit, async () => (await import('./history.js')).history));
}

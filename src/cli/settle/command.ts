import type { Command } from 'commander';
import { onInventory, type SetExit } from '../action.js';
import { withInventory, withPasswords } from '../command-options.js';
import type { SettleOptions } from './settle.js';

/** The command that has the inventory say who is the primary; its module is loaded when it runs. */
export function addSettleCommand(program: Command, setExit: SetExit): void {
  withPasswords(withInventory(program.command('settle')))
    .description('has the inventory say who is the primary, after a promotion without Patroni; changes no host')
    .option('--check', 'only say what would be written')
    .action(onInventory<SettleOptions>(setExit, async () => (await import('./settle.js')).settle));
}

import type { Command } from 'commander';
import { onInventory, type SetExit } from '../action.js';
import { withInventory, withPasswords } from '../command-options.js';
import type { BackupsOptions } from './backups.js';

/** The command that lists backups; its module is loaded when it runs. */
export function addBackupsCommand(program: Command, setExit: SetExit): void {
  withPasswords(withInventory(program.command('backups')))
    .description('what there is to be restored: backups, their sizes, the window in time and WAL, gaps, what is wrong; changes nothing')
    .option('--json', 'print as JSON')
    .action(onInventory<BackupsOptions>(setExit, async () => (await import('./backups.js')).backups));
}

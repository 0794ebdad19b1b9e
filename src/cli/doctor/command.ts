import type { Command } from 'commander';
import { onInventory, type SetExit } from '../action.js';
import { withInventory, withPasswords, withReport, withTimings } from '../command-options.js';
import { timeSpan } from '../option-values.js';
import type { DoctorOptions } from './doctor.js';

/** The command that finds out what is wrong; its modules are loaded when it runs. */
export function addDoctorCommand(program: Command, setExit: SetExit): void {
  withPasswords(withTimings(withReport(withInventory(program.command('doctor')))))
    .description('what is wrong with a cluster, since when, by which evidence, what follows, and what to do; changes nothing')
    .option('--since <time>', 'how far back logs are read, such as 30m, 12h or 3d; default: 1d', timeSpan('--since'))
    .option('--json', 'print as JSON')
    .action(onInventory<DoctorOptions>(setExit, async () => (await import('./doctor.js')).doctor));
}

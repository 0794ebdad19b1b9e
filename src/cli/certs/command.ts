import { Option, type Command } from 'commander';
import { onInventory, type SetExit } from '../action.js';
import { withHost, withInventory, withPasswords } from '../command-options.js';
import { wholeNumber } from '../option-values.js';
import { addOperationsOf } from '../operations/command.js';
import type { CertsStatusOptions } from './status.js';

function withinDays(description: string): Option {
  return new Option('--within <days>', description)
    .default(30)
    .argParser(wholeNumber('--within', 'give a number of days, such as 30', { maximum: 99_999 }));
}

/** The commands about a cluster's certificates; their modules are loaded when one of them runs. */
export function addCertsCommands(program: Command, setExit: SetExit): void {
  const certs = program.command('certs').description('certificates of the cluster: what expires when, renewal, rotation of the authority');

  withHost(withPasswords(withInventory(certs.command('status'))).addOption(withinDays('point out what expires within so many days')))
    .description('what expires when, and whether the hosts have and use what is in the store; exit code 7 when something expires')
    .option('--json', 'print as JSON')
    .action(onInventory<CertsStatusOptions>(setExit, async () => (await import('./status.js')).certsStatus));

  addOperationsOf(certs, setExit);
}

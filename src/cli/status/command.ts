import type { Command } from 'commander';
import { onInventory, type SetExit } from '../action.js';
import { withHosts, withInventory, withPasswords, withTimings } from '../command-options.js';
import type { PingOptions } from './ping.js';
import type { StatusOptions } from './status.js';

/** The commands that tell how hosts and their cluster are; their modules are loaded when one of them runs. */
export function addStatusCommands(program: Command, setExit: SetExit): void {
  withHosts(withPasswords(withInventory(program.command('ping'))))
    .description('who can be reached, how, as whom and in what time, and what is wrong with the rest; changes nothing')
    .option('--json', 'print as JSON')
    .action(onInventory<PingOptions>(setExit, async () => (await import('./ping.js')).ping));

  withPasswords(withTimings(withInventory(program.command('status'))))
    .description('members, roles, lag, etcd health, checksums, certificate expiry')
    .option('--json', 'print as JSON')
    .action(onInventory<StatusOptions>(setExit, async () => (await import('./status.js')).status));
}

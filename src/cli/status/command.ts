import { Option, type Command } from 'commander';
import { DEFAULT_DCS } from '../../model/default-dcs.js';
import { onInventory, type SetExit } from '../action.js';
import { withHosts, withInventory, withPasswords, withTimings } from '../command-options.js';
import { choiceOption, timeSpan } from '../option-values.js';
import { CHECKS } from '../../report/check-names.js';
import { checkNames, limitsOf } from './check-options.js';
import type { PingOptions } from './ping.js';
import type { StatusOptions } from './status.js';

/** The commands that show how hosts and their cluster are; their modules are loaded when one of them runs. */
export function addStatusCommands(program: Command, setExit: SetExit): void {
  withHosts(withPasswords(withInventory(program.command('ping'))))
    .description('which hosts can be reached, how, as which user and how fast, and what is wrong with the rest; changes nothing')
    .option('--json', 'print as JSON')
    .action(onInventory<PingOptions>(setExit, async () => (await import('./ping.js')).ping));

  withPasswords(withTimings(withInventory(program.command('status'))))
    .description(`members, roles, lag, replication, slots, pending restarts, ${DEFAULT_DCS}, checksums, certificate expiry`)
    .option('--json', 'print as JSON; with --watch one object a line')
    .addOption(new Option('--keys', `also what ${DEFAULT_DCS} keeps for Patroni: keys, sizes, values`).conflicts(['watch', 'until']))
    .addOption(
      new Option(
        '--watch',
        'look again and again, over the same connections, until Ctrl-C: redrawn in place on a terminal, elsewhere what changes',
      ).conflicts(['until', 'timings']),
    )
    .addOption(
      choiceOption('--until <state>', 'look again until there is no problem; the exit code is that of the last look', [
        'healthy',
      ]).conflicts('timings'),
    )
    .option('--interval <time>', 'time between two looks of --watch and --until, such as 2s; default: 5s', timeSpan('--interval', 500))
    .addOption(
      new Option('--check <names>', `for a monitoring system: ${CHECKS.join(', ')}, or all; ends as its plugins do, with 0 to 3`)
        .argParser(checkNames)
        .conflicts(['watch', 'until', 'json', 'keys', 'timings']),
    )
    .option('--warning <limits>', 'of --check, from which on it warns, such as lag=64MiB,certs=30d,backup=26h', limitsOf('--warning'))
    .option('--critical <limits>', 'of --check, from which on it is critical', limitsOf('--critical'))
    .option('--timeout <time>', 'how long --until waits, such as 10m; default: 60s', timeSpan('--timeout'))
    .action(
      onInventory<StatusOptions>(setExit, async () => {
        const { status } = await import('./status.js');
        return async (file, options) => {
          if (options.check !== undefined) return (await import('./check.js')).check(file, options);
          if (options.watch === true) return (await import('./watch.js')).watch(file, options);
          return options.until === undefined ? status(file, options) : (await import('./until.js')).until(file, options);
        };
      }),
    );
}

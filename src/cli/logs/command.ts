import type { Command } from 'commander';
import { DEFAULT_DCS } from '../../model/default-dcs.js';
import { onInventory, type SetExit } from '../action.js';
import { splitList, withHosts, withInventory, withPasswords } from '../command-options.js';
import { timeSpan } from '../option-values.js';
import type { LogsOptions } from './logs.js';

/** The command that reads logs; its modules are loaded when it runs. */
export function addLogsCommand(program: Command, setExit: SetExit): void {
  withHosts(withPasswords(withInventory(program.command('logs'))))
    .description('journals of the cluster’s units and PostgreSQL’s log of all hosts, merged by time; changes nothing')
    .option('--since <time>', 'how far back, such as 30s, 10m, 2h or 1d; default: 10m', timeSpan('--since'))
    .option(
      '--unit <names>',
      `only lines of these, such as patroni, ${DEFAULT_DCS} or postgresql: names or patterns; !patroni leaves one out`,
      splitList,
    )
    .option('-f, --follow', 'go on with all that comes, until Ctrl-C')
    .option('--grep <expression>', 'only lines that match this regular expression (of JavaScript)')
    .option('-t, --timestamps', 'begin each line with its time (UTC), by the clock of this machine')
    .option('--json', 'print one JSON object a line')
    .action(onInventory<LogsOptions>(setExit, async () => (await import('./logs.js')).logs));
}

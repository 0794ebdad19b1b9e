import type { Command } from 'commander';
import { onInventory, type SetExit } from '../action.js';
import { INVENTORY } from '../command-options.js';
import type { RunsOptions, ShowRunOptions } from './runs.js';

/** The commands about runs that were; their module is loaded when one of them runs. */
export function addRunsCommands(program: Command, setExit: SetExit): void {
  const runs = program
    .command('runs')
    .description(
      'list the runs of what changes hosts, newest first, also those that failed before they began: how each ended, and where it broke',
    )
    .argument('[inventory]', INVENTORY)
    .option('--json', 'print as JSON')
    .action(onInventory<RunsOptions>(setExit, async () => (await import('./runs.js')).runs));
  runs
    .command('show')
    .description('replay a run from its journal; times are UTC')
    .argument('[inventory]', INVENTORY)
    .argument('[id]', 'the run’s id or the beginning of it; default: last')
    .option('--json', 'print the journal’s lines as they are')
    .option('--timings', 'show where its time went instead; with --json: below the lines')
    .option('--report <file>', 'write a page (HTML) about it instead')
    .action(async (first: string | undefined, second: string | undefined, _options: unknown, command: Command) => {
      const { locate } = await import('../locate.js');
      const { showRun, namesOnLine } = await import('./runs.js');
      const { inventory, id } = namesOnLine(first, second);
      const { file, options } = await locate(inventory, command.optsWithGlobals<ShowRunOptions>(), false);
      setExit(await showRun(file, id, options));
    });
}

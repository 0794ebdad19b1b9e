import type { Command } from 'commander';
import type { SetExit } from '../action.js';

/** The commands about runs that were; their module is loaded when one of them runs. */
export function addRunsCommands(program: Command, setExit: SetExit): void {
  const runs = program
    .command('runs')
    .description('list the runs that changed something, newest first: how each ended, and where it broke')
    .argument('<inventory>', 'inventory file (YAML)')
    .option('--json', 'print as JSON')
    .action(async (file: string, options: { json?: boolean }) => setExit(await (await import('./runs.js')).runs(file, options)));
  runs
    .command('show')
    .description('replay a run from its journal; times are UTC')
    .argument('<inventory>', 'inventory file (YAML)')
    .argument('<id>', 'the run’s id or the beginning of it, or `last`')
    .option('--json', 'print the journal’s lines as they are')
    .option('--timings', 'show where its time went instead; with --json: below the lines')
    .option('--report <file>', 'write a page (HTML) about it instead')
    .action(async (file: string, id: string, _options: unknown, command: Command) =>
      setExit(
        await (await import('./runs.js')).showRun(
          file,
          id,
          command.optsWithGlobals<{ json?: boolean; timings?: boolean; report?: string }>(),
        ),
      ),
    );
}

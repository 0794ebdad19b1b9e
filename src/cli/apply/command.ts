import type { Command } from 'commander';
import { DEFAULT_DCS } from '../../model/default-dcs.js';
import { onRunningHosts, type SetExit } from '../action.js';
import {
  INVENTORY,
  splitList,
  withAim,
  withHosts,
  withInventory,
  withOutput,
  withPasswords,
  withReport,
  withTimings,
} from '../command-options.js';
import type { ApplyOptions } from './apply.js';
import type { PlanOptions } from './plan.js';

/** Which hosts are taken that are none of the supported ones. */
function withSystems(command: Command): Command {
  return command.option('--allow-untested', 'take also hosts of systems that are like supported ones, and that pgprov was not tested on');
}

function withDifferences(command: Command): Command {
  return command.option('--no-diff', 'leave the differences of files out');
}

function withApply(command: Command): Command {
  return withSystems(withPasswords(withReport(withTimings(withOutput(command)))))
    .option('-y, --yes', 'ask nothing: make the cluster, or change one that holds data')
    .option('--check', 'change nothing, show what would be changed')
    .option('--diff', 'show the differences of files, first');
}

/**
 * The commands that bring hosts to what an inventory says, or show what that would change; their modules are loaded when one of them runs.
 */
export function addApplyCommands(program: Command, setExit: SetExit): void {
  withSystems(withPasswords(withReport(withTimings(withDifferences(withOutput(withAim(withInventory(program.command('plan')))))))))
    .description('show what apply would change, host by host; touches nothing')
    .option('-o, --out <file>', 'keep the plan in a file; `pgprov apply FILE` carries out just that')
    .option('--detailed-exitcode', 'exit with 6 when there are changes')
    .action(onRunningHosts<PlanOptions>(setExit, async () => (await import('./plan.js')).plan));

  withSystems(withPasswords(withReport(withTimings(withDifferences(withAim(withInventory(program.command('diff'))))))))
    .description('report how the hosts have drifted from the inventory; exit code 6 when they have')
    .option('-q, --quiet', 'print nothing when there is no drift')
    .action(onRunningHosts<PlanOptions & { quiet?: boolean }>(setExit, async () => (await import('./plan.js')).diff));

  const apply = onRunningHosts<ApplyOptions>(setExit, async () => (await import('./apply.js')).apply);
  withApply(withAim(withInventory(program.command('apply'), `${INVENTORY}; or a plan made by \`pgprov plan -o\``)))
    .description('bring the hosts to what the inventory says')
    .option('--resume', 'resume the last apply, with its selection of hosts and roles and its --set, unless it succeeded')
    .option('--restart', 'then restart PostgreSQL where that is pending, one member at a time, as `pgprov restart --pending` does')
    .action(apply);

  withHosts(withApply(withInventory(program.command('run').argument('<role>', 'the role, or several, comma-separated'))))
    .description(`apply one role: \`pgprov run ${DEFAULT_DCS} inventory.yml --host pg1\``)
    .action(async (role: string, inventory: string | undefined, options: ApplyOptions) =>
      apply(inventory, { ...options, role: splitList(role, undefined) }),
    );
}

import type { Command } from 'commander';
import type { SetExit } from '../action.js';
import { addOperationsOf } from '../operations/command.js';

/** The commands that try what has to work when it is needed; their modules are loaded when one of them runs. */
export function addDrillCommands(program: Command, setExit: SetExit): void {
  addOperationsOf(program.command('drill').description('try what has to work when it is needed: whether backups can be restored'), setExit);
}

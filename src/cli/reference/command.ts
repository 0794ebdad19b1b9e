import type { Command } from 'commander';
import type { SetExit } from '../action.js';
import { reservedBy } from '../operations/own-command.js';

/** The commands that show what an inventory may say, and what may be done; their modules are loaded when one of them runs. */
export function addReferenceCommands(program: Command, setExit: SetExit): void {
  program
    .command('roles')
    .description('what each role does, and its variables')
    .argument('[name]', 'one role, with all its variables')
    .option('--inventory <file>', 'with the roles of this inventory’s rolesPath')
    .action(async (name: string | undefined, options: { inventory?: string }) =>
      setExit(await (await import('./roles.js')).roles(name, options)),
    );

  program
    .command('operations')
    .description('what is done to a cluster once, and how it is called')
    .option('--inventory <file>', 'with the operations of your own in this inventory’s rolesPath')
    .action(async (options: { inventory?: string }) =>
      setExit(await (await import('./operations.js')).operations(options, reservedBy(program))),
    );

  program
    .command('schema')
    .description('print the inventory’s JSON Schema, for completion in editors')
    .option('--markdown', 'print the reference page instead')
    .option('--inventory <file>', 'with the roles of this inventory’s rolesPath')
    .action(async (options: { markdown?: boolean; inventory?: string }) => setExit(await (await import('./schema.js')).schema(options)));
}

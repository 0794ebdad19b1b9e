import { Option, type Command } from 'commander';
import type { SetExit } from '../action.js';
import { splitAtDashes } from '../after-dashes.js';
import { withInventory, withPasswords } from '../command-options.js';
import { helpText } from '../help-text.js';
import type { PsqlOptions } from './psql.js';

const HELP = `
After -- come psql's own arguments; what is piped in, and the file of -f, is of this machine:
  pgprov psql inventory.yml -- -c 'select pg_is_in_recovery()'
  echo 'select 1' | pgprov psql inventory.yml -- -At
The exit code is that of psql.`;

/** The command that runs psql; its modules are loaded when it runs. */
export function addPsqlCommand(program: Command, setExit: SetExit, words: readonly string[]): void {
  withPasswords(withInventory(program.command('psql')))
    .argument('[args...]', "psql's arguments, after --")
    .description('psql on the leader, which is found by asking the members; on its host, as the superuser, over ssh')
    .option('--host <host>', 'on this host, whatever its server is')
    .addOption(new Option('--replica', 'on the standby that is least behind').conflicts('host'))
    .option('--local', 'with the psql of this machine, over the network, with the superuser’s password')
    .addHelpText('after', helpText(HELP))
    .action(async (inventory: string | undefined, args: string[], given: PsqlOptions) => {
      const { locate } = await import('../locate.js');
      const {
        before: [file, ...others],
        after,
      } = splitAtDashes(
        words,
        [inventory, ...args].filter((word) => word !== undefined),
      );
      const { host, ...common } = given;
      const located = await locate(file, common, false);
      const { psql } = await import('./psql.js');
      const forPsql = [...others.filter((word) => word !== undefined), ...after];
      setExit(await psql(located.file, forPsql, { ...located.options, ...(host === undefined ? {} : { host }) }));
    });
}

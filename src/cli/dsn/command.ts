import type { Command } from 'commander';
import { onInventory, type SetExit } from '../action.js';
import { withInventory } from '../command-options.js';
import { helpText } from '../help-text.js';
import { choiceOption } from '../option-values.js';
import type { DsnOptions } from './dsn.js';

const HELP = `
It has every host that a client may have to try, and how it tells the right one. No password is in it:
  psql "$(pgprov dsn inventory.yml --user app --dbname app)"
  eval "$(pgprov dsn inventory.yml --format env)"
  pgprov dsn inventory.yml --format pgpass --user app
The last one prints lines for ~/.pgpass; put the password in place of PASSWORD.
That of a role of postgresql.users is printed by
  pgprov secrets get app inventory.yml`;

/** The command that prints how to connect; its modules are loaded when it runs. */
export function addDsnCommand(program: Command, setExit: SetExit): void {
  withInventory(program.command('dsn'))
    .description('what a client needs to connect: through pools, a virtual address or proxies, or to the server that suits; no connection')
    // One that does not import the list of forms keeps the help fast.
    .addOption(choiceOption('--format <form>', 'as which of them', ['uri', 'libpq', 'jdbc', 'pgpass', 'env']).default('uri'))
    .option('--read-only', 'for a client that only reads: a standby, where there is one')
    .option('--direct', 'to the servers, past pools, proxies and a virtual address')
    .option('--balance', 'spread connections over the servers; takes libpq 16 or later')
    .option('--sslrootcert <file>', 'where the client has the authority’s certificate; default: that in .pgprov, or the one that is given')
    .option('--dbname <name>', 'the database', 'postgres')
    .option('--user <name>', 'the role that logs in; default: the client’s own choice')
    .addHelpText('after', helpText(HELP))
    .action(onInventory<DsnOptions>(setExit, async () => (await import('./dsn.js')).dsn));
}

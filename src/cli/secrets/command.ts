import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { SetExit } from '../action.js';
import { helpText } from '../help-text.js';
import { collect, withInventory } from '../command-options.js';
import { addOperationsOf } from '../operations/command.js';
import type { AgreeOptions } from './agree.js';
import type { GetOptions } from './get.js';
import type { StoreInitOptions } from './init.js';
import type { ListOptions } from './list.js';
import type { StoreOptions } from './opening.js';
import type { SetOptions } from './set.js';

const HELP = `
A store is one file encrypted with age; an inventory refers to a value in it as {age: secrets.age, key: NAME}.
Its recipients are listed beside it in .age-recipients, a public key a line. Your identity is looked for in
--identity, PGPROV_AGE_KEY, PGPROV_AGE_KEY_FILE, the same variables of sops, ~/.config/pgprov/age/keys.txt,
~/.config/sops/age/keys.txt and ~/.config/age/keys.txt.`;

function withStore(command: Command): Command {
  return command
    .option('-f, --file <file>', 'the store', 'secrets.age')
    .option('-i, --identity <file>', 'file with your identity; repeatable', collect);
}

function withYes(command: Command): Command {
  return command.option('-y, --yes', 'do not ask');
}

/** The commands about stores of secrets and the passwords of a cluster; their modules are loaded when one of them runs. */
export function addSecretsCommands(program: Command, setExit: SetExit): void {
  const secrets = program
    .command('secrets')
    .description('keep passwords in a file that is encrypted with age')
    .addHelpText('after', helpText(HELP));

  withStore(secrets.command('init'))
    .description('make an empty store, the list of its recipients, and an identity if you have none; overwrites nothing')
    .option('-r, --recipient <key>', 'public key of somebody else who is to open it; repeatable', collect)
    .option('-R, --recipients-file <file>', 'file with such keys, one a line; repeatable', collect)
    .option('--passphrase', 'lock it with a passphrase instead of keys')
    .action(async (options: StoreInitOptions) => setExit(await (await import('./init.js')).initStore(options)));

  withStore(secrets.command('list'))
    .description('list the names in a store, never their values')
    .option('--json', 'print as JSON')
    .action(async (options: ListOptions) => setExit(await (await import('./list.js')).listSecrets(options)));

  withStore(secrets.command('set').argument('<name>', 'name of the value'))
    .description('set a value: asked for at the terminal, or read from stdin')
    .option('--generate', 'make a strong password')
    .action(async (name: string, options: SetOptions) => setExit(await (await import('./set.js')).setSecret(name, options)));

  const get = withInventory(
    secrets
      .command('get')
      .argument('<name>', 'name of the value, or with an inventory: one of superuser, replication, rewind, restapi, haproxy, pgbouncer'),
    'print a password of this cluster, and not one of a store; default where there is no store: the usual inventory',
  );
  withYes(withStore(get))
    .description('print a value of a store, or a password of a cluster, wherever that is kept; asks before it does')
    .action(async (name: string, inventory: string | undefined, given: GetOptions, command: Command) => {
      const { getFromCluster, getFromStore } = await import('./get.js');
      const isStore = command.getOptionValueSource('file') === 'cli' || existsSync(given.file);
      if (inventory === undefined && given.vagrant === undefined && given.sshConfig === undefined && isStore)
        return setExit(await getFromStore(name, given));
      const { locate } = await import('../locate.js');
      const { file, options } = await locate(inventory, given, false);
      setExit(await getFromCluster(name, file, options));
    });

  withYes(withStore(secrets.command('rm').argument('<name>', 'name of the value')))
    .description('remove a value from a store; asks before it does')
    .action(async (name: string, options: StoreOptions & AgreeOptions) =>
      setExit(await (await import('./remove.js')).removeSecret(name, options)),
    );

  withStore(secrets.command('edit'))
    .description('open the whole store in $VISUAL or $EDITOR')
    .action(async (options: StoreOptions) => setExit(await (await import('./edit.js')).editStore(options)));

  withStore(secrets.command('reencrypt'))
    .description('encrypt a store anew, for the recipients that .age-recipients lists now')
    .action(async (options: StoreOptions) => setExit(await (await import('./reencrypt.js')).reencryptStore(options)));

  addOperationsOf(secrets, setExit);
}

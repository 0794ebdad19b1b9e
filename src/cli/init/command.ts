import type { Command } from 'commander';
import { DEFAULT_DCS } from '../../model/default-dcs.js';
import type { SetExit } from '../action.js';
import { splitList } from '../command-options.js';
import { wholeNumber } from '../option-values.js';
import type { InitOptions } from './init.js';

/** The command that writes a first inventory; its module is loaded when it runs. */
export function addInitCommand(program: Command, setExit: SetExit): void {
  program
    .command('init')
    .description('write a first inventory, by asking a few questions or from an inventory of Ansible; overwrites nothing')
    .argument('[file]', 'inventory file to write', 'inventory.yml')
    .option('--cluster <name>', 'name of the cluster; with --from-ansible also which of several')
    .option('--host <name=address>', 'a host; repeatable', splitList)
    .option('--user <name>', 'user to log in as')
    .option('--port <number>', 'port of sshd', wholeNumber('--port', 'give a port from 1 to 65535', { minimum: 1, maximum: 65_535 }))
    .option('--identity-file <file>', 'private key to log in with')
    .option('--jump <host>', 'host to go through, as user@host:port')
    .option(
      '--postgresql <version>',
      'major version of PostgreSQL',
      wholeNumber('--postgresql', 'give a major version, such as 17', { maximum: 99_999 }),
    )
    .option('--standalone', `one server without Patroni and ${DEFAULT_DCS}`)
    .option('--clients <networks>', 'networks of clients, e.g. 10.0.1.0/24, comma-separated or repeated', splitList)
    .option('--from-ansible <file>', 'take hosts, groups and SSH settings from an inventory of Ansible (INI or YAML)')
    .option('--group <names>', 'with --from-ansible: only the hosts of these groups', splitList)
    .option('-y, --yes', 'ask nothing: what is not said is left at its default')
    .action(async (file: string, options: InitOptions) => setExit(await (await import('./init.js')).init(file, options)));
}

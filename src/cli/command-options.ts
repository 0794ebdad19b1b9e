import { Option, type Command } from 'commander';
import { choiceOption } from './option-values.js';

/** For an option that may be said several times: gathers its values. */
export function collect(value: string, list: string[] | undefined): string[] {
  return [...(list ?? []), value];
}

/** The same for values that are lists themselves, comma-separated. */
export function splitList(value: string, list: string[] | undefined): string[] {
  return [
    ...(list ?? []),
    ...value
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  ];
}

/** What the argument of a command is that takes an inventory. */
export const INVENTORY = 'inventory file (YAML); default: PGPROV_INVENTORY, or inventory.yml of this directory';

/** The inventory, or the lab that it is to be made of; read by `onInventory` and `onRunningHosts`. */
export function withInventory(command: Command, what = INVENTORY): Command {
  return command
    .argument('[inventory]', what)
    .option('--set <key=value>', 'override a variable, e.g. postgresql.port=5433 or pg2:patroni.tags.nofailover=true', collect)
    .option(
      '--vagrant [dir]',
      'take the machines of the Vagrantfile in this directory; an inventory, if there is one, refines what is made of them',
    )
    .addOption(
      new Option('--ssh-config <file>', 'take the hosts of a configuration of OpenSSH, such as `vagrant ssh-config` prints').conflicts(
        'vagrant',
      ),
    );
}

/** Which hosts, and which of their roles. */
export function withAim(command: Command): Command {
  return command
    .option(
      '--host <names>',
      'only these hosts: names or patterns such as pg*, comma-separated or repeated; !pg3 leaves one out',
      splitList,
    )
    .option('--group <names>', 'only the hosts of these groups, in the same way', splitList)
    .option('--role <names>', 'only these roles, in the same way', splitList)
    .option('--skip-role <names>', 'all roles but these', splitList);
}

/** Which hosts, for commands that have no groups to choose by. */
export function withHost(command: Command): Command {
  return command.option(
    '--host <names>',
    'only these hosts: names or patterns, comma-separated or repeated; !pg3 leaves one out',
    splitList,
  );
}

/** Which hosts, for commands that know what to do with them. */
export function withHosts(command: Command): Command {
  return withHost(command).option('--group <names>', 'only the hosts of these groups, in the same way', splitList);
}

/** Passwords that are asked for. */
export function withPasswords(command: Command): Command {
  return command
    .option('-k, --ask-pass', 'ask for the login password, once for all hosts')
    .option('-K, --ask-become-pass', 'ask for the password for sudo, once for all hosts');
}

/** How progress is shown. */
export function withOutput(command: Command): Command {
  return command.addOption(
    choiceOption('--output <form>', 'how to show progress; default: tree on a terminal, plain otherwise', ['tree', 'plain', 'json']),
  );
}

/** Where the time went. */
export function withTimings(command: Command): Command {
  return command.option('--timings', 'show at the end where the time went: connecting, looking, every stage, and what was waited for');
}

/** A page about the run. */
export function withReport(command: Command): Command {
  return command.option('--report <file>', 'write a page (HTML) about the run: timeline, changes, failures, the cluster as it is then');
}

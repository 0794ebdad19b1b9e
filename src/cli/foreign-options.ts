import type { Command } from 'commander';
import { pgprov } from '../lib/pgprov-command.js';

/** What stands here for an option of another program: an option, where the command has it, or else some words. */
interface Counterpart {
  flags: RegExp;
  /** The first of these that the command has. */
  options?: readonly string[];
  /** It counts only where it takes no value. */
  switches?: true;
  /** Where it has none of them. */
  otherwise?: string;
}

/** Options that people bring along from Ansible, Terraform and the like, and from other commands. */
const COUNTERPARTS: readonly Counterpart[] = [
  { flags: /^(?:-l|--limit)$/u, options: ['--host'], otherwise: 'this command takes all hosts of the inventory' },
  { flags: /^(?:-t|--tags)$/u, options: ['--role'], otherwise: 'this command takes all roles' },
  { flags: /^--skip-tags$/u, options: ['--skip-role'], otherwise: 'this command takes all roles' },
  {
    flags: /^(?:-C|-n|--dry-run|--check|--noop)$/u,
    options: ['--check'],
    switches: true,
    otherwise: `${pgprov`plan inventory.yml`} shows what apply would change, and changes nothing`,
  },
  { flags: /^(?:-D|--diff)$/u, options: ['--diff'], otherwise: `${pgprov`plan inventory.yml`} shows the differences of files` },
  {
    flags: /^(?:-i|--inventory|--inventory-file)$/u,
    otherwise: `name the inventory without an option, as in ${pgprov`plan inventory.yml`}; that file is taken where none is named`,
  },
  {
    flags: /^(?:-v+|--verbose)$/u,
    otherwise: `every change is told as it is; ${pgprov`runs show inventory.yml last`} shows all of the last run, --debug stack traces, -V the version`,
  },
  { flags: /^(?:-e|--extra-vars|--var)$/u, options: ['--set'] },
  { flags: /^(?:-u|--user)$/u, options: ['--set'], otherwise: 'give ssh.user in the inventory' },
  { flags: /^(?:--private-key|--key-file)$/u, otherwise: 'give ssh.identity_file in the inventory, or use ssh-agent' },
  { flags: /^(?:-b|--become)$/u, otherwise: 'pgprov becomes root by itself; ssh.become in the inventory says how' },
  { flags: /^(?:-f|--forks)$/u, otherwise: 'all hosts are worked on side by side' },
  {
    flags: /^--(?:ask-vault-pass|ask-vault-password|vault-password-file|vault-id)$/u,
    otherwise: 'docs/secrets.md says where secrets may be kept',
  },
  { flags: /^--list-hosts$/u, otherwise: `${pgprov`show inventory.yml`} lists the hosts` },
  {
    flags: /^--list-(?:tags|tasks)$/u,
    otherwise: `${pgprov`roles`} lists the roles, and ${pgprov`plan inventory.yml`} what would be done`,
  },
  { flags: /^--syntax-check$/u, otherwise: `${pgprov`validate inventory.yml`} checks it` },
  { flags: /^--(?:force|auto-approve|assume-yes|assumeyes)$/u, options: ['--yes'] },
  // Another operation of pgprov's has it, and one that is taken back has not.
  { flags: /^--give-up$/u, options: ['--undo'] },
];

/** More that is to be known of an option besides its name. */
const REMARKS: Readonly<Record<string, string>> = {
  '--host': 'names, or patterns such as pg*',
  '--role': `the names that ${pgprov`roles`} lists`,
  '--skip-role': `the names that ${pgprov`roles`} lists`,
  '--undo': 'what was there is out of its place, and that brings it back; where it is unfinished itself, the same command goes on with it',
  '--set': 'as in --set postgresql.port=5433 or --set ssh.user=admin',
};

/**
 * What to use instead of an option of another program; undefined for one that nobody brings along.
 * @param flag as it was typed, with a value behind `=` or without
 */
export function counterpartOf(flag: string, command: Command): string | undefined {
  const name = flag.replace(/=.*$/su, '');
  const found = COUNTERPARTS.find(({ flags }) => flags.test(name));
  if (found === undefined) return undefined;
  const has = (long: string): boolean => command.options.some((own) => own.long === long);
  // One that takes a value here is another thing than a switch of the same name.
  const isSwitch = (long: string): boolean => command.options.some((own) => own.long === long && !own.required && !own.optional);
  const option = found.options?.find(found.switches === true ? isSwitch : has);
  if (option === undefined) return found.otherwise;
  const remark = REMARKS[option] === undefined ? '' : `: ${REMARKS[option]}`;
  const groups = option === '--host' && has('--group') ? '; --group takes groups' : '';
  return `that is ${option} here${remark}${groups}`;
}

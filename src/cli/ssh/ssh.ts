import { InputError } from '../../lib/errors.js';
import type { Host, Inventory } from '../../model/index.js';
import { unknownName } from '../../lib/nearest.js';
import { sh } from '../../shell/quote.js';
import { loadFor } from '../inventory.js';
import type { CommonOptions } from '../options.js';
import type { AskOptions } from '../ssh-passwords.js';
import { looksLikeInventory } from '../usual-inventory.js';
import { hasBothEnds, runSsh } from './session.js';

/** Options of `pgprov ssh`. */
export interface SshOptions extends CommonOptions, AskOptions {
  /** Be root on the host. */
  become?: boolean;
}

/**
 * `pgprov ssh`: a shell on a host, or a command there, by the system's `ssh` with what the inventory says about the way. Its exit code is that of
 * `ssh`.
 */
export async function ssh(file: string, name: string, command: readonly string[], options: SshOptions): Promise<number> {
  const inventory = await loadFor(file, options);
  const host = hostNamed(inventory, name);
  const line = commandLine(host, command, options.become === true);
  return runSsh(host, {
    terminal: command.length === 0 ? process.stdin.isTTY === true : hasBothEnds(),
    ...(line === undefined ? {} : { command: line }),
  });
}

/**
 * The host of that name.
 * @throws InputError where there is none
 */
export function hostNamed({ hosts }: Inventory, name: string): Host {
  const host = hosts.find((candidate) => candidate.name === name);
  if (host !== undefined) return host;
  const names = hosts.map((candidate) => candidate.name);
  throw new InputError({ kind: 'aim/unknown-host', ...unknownName('host', name, names) });
}

/**
 * What the login shell is given: one word is a line of shell, as with `ssh`; several are words that arrive as they are. Undefined: nothing, so
 * that it is interactive.
 */
export function commandLine({ ssh: { become } }: Pick<Host, 'ssh'>, words: readonly string[], asRoot: boolean): string | undefined {
  const [only] = words;
  const line = words.length === 1 ? only : words.length === 0 ? undefined : sh`${words}`.text;
  if (!asRoot || become.method === 'none') return line;
  if (line === undefined) return become.method === 'sudo' ? 'sudo -i' : 'doas sh -l';
  return become.method === 'sudo' ? sh`sudo -H -- sh -c ${line}`.text : sh`doas sh -c ${line}`.text;
}

/**
 * What the words before `--` name: an inventory and a host, or the host alone where a lab or the usual inventory is meant, and what follows them.
 * @throws InputError where no host is named
 */
export function namesOnLine(
  words: readonly (string | undefined)[],
  { vagrant, sshConfig }: Pick<CommonOptions, 'vagrant' | 'sshConfig'>,
): { file: string | undefined; name: string; rest: string[] } {
  const [first, second, ...rest] = words.filter((word) => word !== undefined);
  const isLab = vagrant !== undefined || sshConfig !== undefined;
  const isAlone = second === undefined && first !== undefined && (isLab || !looksLikeInventory(first));
  const [file, name] = isAlone ? [undefined, first] : [first, second];
  if (name !== undefined) return { file, name, rest };
  throw new InputError({ kind: 'cli/no-host', message: 'no host given', hint: 'name one, such as `pgprov ssh inventory.yml pg1`' });
}

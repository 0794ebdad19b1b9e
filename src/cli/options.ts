import type { Inventory } from '../model/index.js';
import { resolveAim, type Aim, type AimWords } from '../plan/aim.js';
import { catalogOf } from './catalog.js';
import type { Lab } from './lab/lab.js';

/** Options that every command with an inventory has. */
export interface CommonOptions {
  set?: string[];
  /** Directory of a Vagrantfile whose machines are the hosts; `true` for the current one. */
  vagrant?: string | true;
  /** Configuration of OpenSSH whose hosts are the hosts. */
  sshConfig?: string;
  /** The lab that either of the two led to. */
  lab?: Lab;
}

/** Options of commands that go to hosts. */
export interface OutputOptions extends CommonOptions, Aimed {
  output?: 'tree' | 'plain' | 'json';
}

/** Options that aim a command, as the command line has them. */
export interface Aimed {
  host?: string[];
  group?: string[];
  role?: string[];
  skipRole?: string[];
}

/** The words that a command is aimed with, as its journal and a plan file keep them. */
export function aimWords({ host, group, role, skipRole }: Aimed): AimWords {
  return {
    ...(host === undefined ? {} : { host }),
    ...(group === undefined ? {} : { group }),
    ...(role === undefined ? {} : { role }),
    ...(skipRole === undefined ? {} : { skipRole }),
  };
}

/**
 * The hosts and roles a command is aimed at.
 * @throws InputError for an aim that means or hits nothing
 */
export function aimOf(inventory: Inventory, options: Aimed): Aim {
  return resolveAim(inventory, catalogOf(inventory), aimWords(options));
}

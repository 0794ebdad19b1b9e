import type { Inventory } from '../model/index.js';
import { resolveSelection, type Selection, type SelectionOptions } from '../plan/selection.js';
import { catalogOf } from './catalog.js';
import type { Lab } from './lab/lab.js';

/** Options that every command with an inventory has. */
export interface CommonOptions {
  set?: string[];
  /** What a person gave with `--set`, where the command adds to it. */
  typedSet?: string[];
  /** Directory of a Vagrantfile whose machines are the hosts; `true` for the current one. */
  vagrant?: string | true;
  /** Configuration of OpenSSH whose hosts are the hosts. */
  sshConfig?: string;
  /** The lab that either of the two led to. */
  lab?: Lab;
}

/** Options of commands that go to hosts. */
export interface OutputOptions extends CommonOptions, SelectionFlags {
  output?: 'tree' | 'plain' | 'json';
}

/** Options that select hosts and roles, as the command line has them. */
export interface SelectionFlags {
  host?: string[];
  group?: string[];
  role?: string[];
  skipRole?: string[];
}

/** The selection of a command in words, as its journal and a plan file keep it. */
export function selectionOptions({ host, group, role, skipRole }: SelectionFlags): SelectionOptions {
  return {
    ...(host === undefined ? {} : { host }),
    ...(group === undefined ? {} : { group }),
    ...(role === undefined ? {} : { role }),
    ...(skipRole === undefined ? {} : { skipRole }),
  };
}

/**
 * The hosts and roles that a command selects.
 * @throws InputError for a selection that is contradictory or matches nothing
 */
export function selectionOf(inventory: Inventory, options: SelectionFlags): Selection {
  return resolveSelection(inventory, catalogOf(inventory), selectionOptions(options));
}

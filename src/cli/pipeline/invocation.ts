import { hostname, userInfo } from 'node:os';
import { maskSecretOverrides, type Inventory } from '../../model/index.js';
import { catalogOf } from '../catalog.js';
import { selectionOptions, type OutputOptions } from '../options.js';
import { commandLineText } from '../command-line-text.js';
import { version } from '../../lib/version.js';

/** What a page says of a run besides its events. */
export interface Invocation {
  cluster: string;
  /** The command line without its inventory, as `commandWords` gives it. */
  command: string;
  /** `ann@laptop` */
  by: string | undefined;
  /** Of pgprov. */
  version: string | undefined;
  /** Absolute path. */
  inventory: string | undefined;
  resumes?: string | undefined;
  /** The run that this one goes on from: the apply whose `--restart` it carries out. */
  follows?: string | undefined;
  plan?: string | undefined;
}

/** What was said on the command line of a run that starts now. */
export function describeInvocation(
  inventory: Inventory,
  command: string,
  options: OutputOptions,
  more: Pick<Invocation, 'resumes' | 'follows' | 'plan'> = {},
): Invocation {
  return {
    cluster: inventory.cluster,
    command: commandLineText({
      command,
      aim: { ...selectionOptions(options) },
      set: maskSecretOverrides(options.typedSet ?? options.set ?? [], catalogOf(inventory)),
    }),
    by: `${userInfo().username}@${hostname()}`,
    version: version(),
    inventory: inventory.file,
    ...more,
  };
}

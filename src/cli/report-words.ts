import { hostname, userInfo } from 'node:os';
import { maskSecretOverrides, type Inventory } from '../model/index.js';
import { catalogOf } from './catalog.js';
import { aimWords, type OutputOptions } from './options.js';
import { commandWords } from './run-words.js';
import { version } from './version.js';

/** What a page says of a run besides its events. */
export interface RunWords {
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
  plan?: string | undefined;
}

/** What was said on the command line of a run that starts now. */
export function wordsOf(inventory: Inventory, command: string, options: OutputOptions, more: Pick<RunWords, 'resumes' | 'plan'> = {}): RunWords {
  return {
    cluster: inventory.cluster,
    command: commandWords({ command, aim: { ...aimWords(options) }, set: maskSecretOverrides(options.set ?? [], catalogOf(inventory)) }),
    by: `${userInfo().username}@${hostname()}`,
    version: version(),
    inventory: inventory.file,
    ...more,
  };
}

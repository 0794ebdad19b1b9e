import { seconds } from '../../shell/patience.js';
import { sh, type Script } from '../../shell/quote.js';
import { asPgbackrest, type BackupInfoOptions } from './info.js';

/** Seconds for one question about one repository. */
const WITHIN = 40;

/** Asks pgBackRest something of the repository whose number the shell has in `$repository`. */
export function askRepository(options: BackupInfoOptions, words: Script): Script {
  return sh`timeout -k 2 ${seconds(WITHIN)} ${asPgbackrest(options, sh`"--repo=$repository" ${words}`)} 2>/dev/null`;
}

/** Prints the labels of the backups that a repository's own list has, a line each; nothing where it cannot be read. */
export function printLabels(options: BackupInfoOptions): Script {
  return sh`${askRepository(options, sh`--output=json info`)} | tr '{' '\n' | sed -n 's/.*"label":"\([-_0-9DFI]*\)".*/\1/p'`;
}

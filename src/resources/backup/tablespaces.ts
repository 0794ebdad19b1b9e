import { NOTHING, sh } from '../../shell/quote.js';
import { handle } from '../handle.js';
import { answerLines, type Observation } from '../resource.js';
import type { BackupInfoOptions } from './info.js';
import { askRepository, printLabels } from './labels.js';

/** The observation's id: labels of backups that have tablespaces, also where these were dropped since. */
export const BACKUP_TABLESPACES = handle<readonly string[]>('backup-tablespaces');

/** Which backups in repositories, by their numbers, have tablespaces; where one is named, only that is looked at. */
export function backupTablespaces(
  options: BackupInfoOptions,
  { repositories, label }: { repositories: readonly number[]; label?: string },
): Observation<readonly string[]> {
  // pgBackRest tells of tablespaces only where it is asked for one backup.
  const labels = label === undefined ? sh`$(${printLabels(options)})` : sh`${label}`;
  return {
    ...BACKUP_TABLESPACES,
    when: 'start',
    probe: () =>
      repositories.length === 0
        ? NOTHING
        : sh`for repository in ${repositories}; do
for label in ${labels}; do
told=$(${askRepository(options, sh`"--set=$label" info`)}) || break
case "$told" in *' tablespaces:'*) echo "$label" ;; esac
done
done`,
    parse: (answer) => answerLines(answer).filter((line) => line !== ''),
  };
}

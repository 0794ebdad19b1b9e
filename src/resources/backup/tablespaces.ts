import { seconds } from '../../shell/patience.js';
import { NOTHING, sh } from '../../shell/quote.js';
import { handle } from '../handle.js';
import { answerLines, type Observation } from '../resource.js';
import { asPgbackrest, type BackupInfoOptions } from './info.js';

/** The observation's id: labels of backups that have tablespaces, also where these were dropped since. */
export const BACKUP_TABLESPACES = handle<readonly string[]>('backup-tablespaces');

/** Seconds for one question: pgBackRest tells of tablespaces only where it is asked for one backup. */
const WITHIN = 20;

/** Which backups in repositories, by their numbers, have tablespaces; where one is named, only that is looked at. */
export function backupTablespaces(
  options: BackupInfoOptions,
  { repositories, label }: { repositories: readonly number[]; label?: string },
): Observation<readonly string[]> {
  const ask = (words: ReturnType<typeof sh>): ReturnType<typeof sh> =>
    sh`timeout -k 2 ${seconds(WITHIN)} ${asPgbackrest(options, sh`"--repo=$repository" ${words}`)} 2>/dev/null`;
  const labels =
    label === undefined
      ? sh`told=$(${ask(sh`--output=json info`)}) || continue
set -- $(printf '%s\n' "$told" | tr '{' '\n' | sed -n 's/.*"label":"\([-_0-9DFI]*\)".*/\1/p')`
      : sh`set -- ${label}`;
  return {
    ...BACKUP_TABLESPACES,
    when: 'start',
    probe: () =>
      repositories.length === 0
        ? NOTHING
        : sh`for repository in ${repositories}; do
${labels}
for label in "$@"; do
told=$(${ask(sh`"--set=$label" info`)}) || break
case "$told" in *' tablespaces:'*) echo "$label" ;; esac
done
done`,
    parse: (answer) => answerLines(answer).filter((line) => line !== ''),
  };
}

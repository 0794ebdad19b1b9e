import { NOTHING, sh } from '../../shell/quote.js';
import { handle } from '../handle.js';
import { answerLines, type Observation } from '../resource.js';
import type { BackupInfoOptions } from './info.js';
import { askRepository, printLabels } from './labels.js';

/** What the manifests of backups say, by their labels. */
export interface BackupManifests {
  /** Backups with tablespaces, also where these were dropped since. */
  tablespaces: readonly string[];
  /** Backups that are in the repository's list, and whose manifest is not there or is damaged: nothing of them can be restored. */
  unreadable: readonly string[];
}

/** The observation's id. */
export const BACKUP_MANIFESTS = handle<BackupManifests>('backup-manifests');

/** What the manifests of the backups in repositories say, by their numbers; where one backup is named, only that is looked at. */
export function backupManifests(
  options: BackupInfoOptions,
  { repositories, label }: { repositories: readonly number[]; label?: string },
): Observation<BackupManifests> {
  // pgBackRest reads a manifest only where it is asked for one backup, and then ends with 0 whatever it finds.
  const labels = label === undefined ? sh`$(${printLabels(options)})` : sh`${label}`;
  return {
    ...BACKUP_MANIFESTS,
    when: 'start',
    probe: () =>
      repositories.length === 0
        ? NOTHING
        : sh`for repository in ${repositories}; do
for label in ${labels}; do
told=$(${askRepository(options, sh`"--set=$label" info`)}) || break
case "$told" in
*' tablespaces:'*) echo "tablespaces $label" ;;
*" backup: $label"*) ;;
*) echo "unreadable $label" ;;
esac
done
done`,
    parse: (answer) => {
      const lines = answerLines(answer).map((line) => line.split(' '));
      const labelled = (word: string): string[] =>
        lines.flatMap(([first, second]) => (first === word && second !== undefined ? [second] : []));
      return { tablespaces: labelled('tablespaces'), unreadable: labelled('unreadable') };
    },
  };
}

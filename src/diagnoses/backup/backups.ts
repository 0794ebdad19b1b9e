import {
  BACKUP_INFO,
  defineDiagnosis,
  pgprov,
  type BackupInfo,
  type BackupRun,
  type Examination,
  type Finding,
  type Host,
  type View,
} from '../../index.js';
import { repositoriesOf, writtenBy } from '../../../roles/shared/backup/repositories.js';
import { backupUnit } from '../../../roles/shared/backup/schedule.js';
import { backupSettings } from '../../../roles/shared/backup/stanza.js';
import { failedRuns, trouble } from '../../../roles/shared/backup/told.js';
import { backupAdvice, briefly } from '../../../roles/shared/backup/trouble.js';

const HOUR = 3600;

/** A repository that cannot be read, a run that failed, no backup that could be restored, or none that is recent. */
export default defineDiagnosis({
  name: 'backups',
  looksAt: 'backups and their age',
  role: 'backup',
  find: (examination) => {
    const { view } = examination;
    // Members that reach a repository by themselves all see the same.
    const seen = new Set<string>();
    return view.inventory.hosts.flatMap((host) => {
      const info = view.read(host.name, BACKUP_INFO);
      if (info === undefined) return [];
      const written = writtenBy(view.inventory, host).filter(({ name }) => !seen.has(name));
      for (const { name } of written) seen.add(name);
      const failures = trouble(info) === undefined ? failedRuns(view, host).map((run) => failureOf(examination, host, run)) : [];
      return failures.length > 0 || written.length === 0 ? failures : findingsOf(examination, host, info);
    });
  },
});

/** A run of a unit that no later backup has made good; it says more than the age of the last one. */
function failureOf({ view }: Examination, { name: host }: Host, { unit, began, result = '', error }: BackupRun): Finding {
  const words = error ?? `it ended with ${result}`;
  const at = began === undefined ? {} : { at: began * 1000 };
  return {
    level: 'danger',
    host,
    what: `the last run of ${unit} failed: ${briefly(words)}`,
    ...(began === undefined ? {} : { since: began * 1000 }),
    evidence: words.split('\n').map((line) => ({ host, source: `journal of ${unit}`, line, ...at })),
    follows: 'the backups get older, and a restore has more WAL to replay',
    // Only a full backup makes good for one; any other is no worse than what `pgprov backup` takes by itself.
    mend: `${adviceOf(view, host, words)}, then ${unit === backupUnit('full') ? pgprov`backup ${view.inventory} --type full` : pgprov`backup ${view.inventory}`}`,
  };
}

/** A run of apply gives back the directory of a repository, and not what is below it. */
function adviceOf(view: View, name: string, words: string): string {
  const { inventory } = view;
  const layout = view.platform(name)?.pgbackrest;
  const own = repositoriesOf(inventory).find(({ host }) => host?.name === name);
  if (layout === undefined || own === undefined || !words.includes('Permission denied')) return backupAdvice(words, inventory);
  const directory = own.settings.directory ?? layout.repositoryDirectory;
  return `give its files back to the user that pgBackRest runs as: \`chown -R ${layout.user}: ${directory}\`, as root on ${name}`;
}

function findingsOf({ view }: Examination, { name: host }: Host, info: BackupInfo): Finding[] {
  const { inventory } = view;
  const failed = trouble(info);
  const evidence = (...lines: string[]): Finding['evidence'] => lines.map((line) => ({ host, source: 'pgbackrest info', line }));
  const take = pgprov`backup ${inventory}`;
  if (failed !== undefined) {
    return [
      {
        level: 'broken',
        host,
        what: `pgBackRest cannot read its repository: ${briefly(failed)}`,
        evidence: evidence(...failed.split('\n')),
        follows: 'no backup is taken, none can be restored, and PostgreSQL keeps its WAL until the disk is full',
        mend: adviceOf(view, host, failed),
      },
    ];
  }
  const last = info.backups.findLast(({ error }) => !error);
  if (last === undefined) {
    if (info.running !== undefined) return [];
    return [
      {
        level: 'notice',
        host,
        what: 'there is no backup yet',
        evidence: evidence('no valid backups'),
        follows: 'after the loss of all members nothing could be restored',
        mend: `${take} takes one`,
      },
    ];
  }
  const age = info.now - last.stop;
  if (age <= backupSettings(inventory).max_age * HOUR) return [];
  return [
    {
      level: 'danger',
      host,
      what: `the last good backup is ${Math.floor(age / HOUR)} hours old`,
      since: 1000 * last.stop,
      evidence: evidence(`${last.label} ended then`),
      follows: 'a restore replays all WAL since, and takes longer every day',
      mend: `${take} takes one; \`systemctl list-timers "pgprov-backup@*"\`, as root on ${host}, shows when the next one is due`,
    },
  ];
}

import { BACKUP_INFO, BACKUP_RUNS, defineDiagnosis, pgprov, type BackupInfo, type Finding, type Inventory } from '../../index.js';
import { backupSettings } from '../../../roles/shared/backup/stanza.js';
import { writtenBy } from '../../../roles/shared/backup/repositories.js';
import { backupAdvice, briefly } from '../../../roles/shared/backup/trouble.js';

const HOUR = 3_600_000;

/** A repository that cannot be read, a backup that failed, and no backup that is young enough. */
export default defineDiagnosis({
  name: 'backups',
  looksAt: 'backups',
  role: 'backup',
  find: ({ view }): Finding[] => {
    const { inventory } = view;
    // Members that reach a repository by themselves all see the same.
    const told = new Set<string>();
    return inventory.hosts.flatMap((each): Finding[] => {
      const { name: host } = each;
      const info = view.read(host, BACKUP_INFO);
      const written = info === undefined ? [] : writtenBy(inventory, each).filter(({ name }) => !told.has(name));
      for (const { name } of written) told.add(name);
      if (info === undefined || written.length === 0) return [];
      const unreadable = unreadableFindings(host, info, inventory);
      if (unreadable.length > 0) return unreadable;
      const last = info.backups.findLast(({ error }) => !error)?.stop;
      const failed = (view.read(host, BACKUP_RUNS) ?? []).filter(({ state, began = 0 }) => state === 'failed' && began >= (last ?? 0));
      const failures = failed.map(({ unit, began, error = 'pgBackRest said nothing' }): Finding => {
        const since = began === undefined ? {} : { since: began * 1000 };
        return {
          level: 'danger',
          host,
          what: `the last run of ${unit} failed: ${briefly(error)}`,
          ...since,
          evidence: [{ host, source: `journal of ${unit}`, line: error, ...(began === undefined ? {} : { at: began * 1000 }) }],
          follows: 'the backups get older, and a restore has more WAL to replay, if it can be done at all',
          mend: `${backupAdvice(error, inventory)}, then ${pgprov`backup ${inventory}`}`,
        };
      });
      return failures.length > 0 ? failures : oldFindings(host, last, inventory, info);
    });
  },
});

function unreadableFindings(host: string, { problem, repositories }: BackupInfo, inventory: Inventory): Finding[] {
  const failed = repositories
    .filter(({ status }) => status === 'failed')
    .map(({ repository, message }) => ({ name: `repo${repository}`, message }));
  const all = problem === undefined ? failed : [{ name: 'its repositories', message: problem }];
  return all.map(({ name, message }) => ({
    level: 'danger',
    host,
    what: `pgBackRest cannot read ${name}: ${briefly(message)}`,
    evidence: message.split('\n').map((line) => ({ host, source: 'pgbackrest info', line })),
    follows: 'nothing can be restored from there, and no backup taken',
    mend: backupAdvice(message, inventory),
  }));
}

/** Where a host of members reports for all, its repositories are the same; the age counts once, on a host that has backups of its own. */
function oldFindings(host: string, last: number | undefined, inventory: Inventory, { now, running, repositories }: BackupInfo): Finding[] {
  const limit = backupSettings(inventory).max_age;
  const take = pgprov`backup ${inventory}`;
  if (running !== undefined || repositories.every(({ status }) => status === 'noStanza')) return [];
  if (last === undefined) {
    return [
      {
        level: 'danger',
        host,
        what: 'there is no good backup yet',
        evidence: [{ host, source: 'pgbackrest info', line: repositories.map(({ message }) => message).join(', ') }],
        follows: 'what is lost now is lost for good',
        mend: `take one: ${take}`,
      },
    ];
  }
  const age = (now - last) * 1000;
  if (age <= limit * HOUR) return [];
  const hours = Math.floor(age / HOUR);
  return [
    {
      level: 'danger',
      host,
      what: `the last good backup is ${hours} hours old, more than backup.max_age (${limit})`,
      since: last * 1000,
      evidence: [
        { host, source: 'pgbackrest info', line: `stop of the last good backup: ${new Date(last * 1000).toISOString()}`, at: last * 1000 },
      ],
      follows: 'a restore has all WAL since then to replay, and older backups expire by their number, not by their age',
      mend: `see \`systemctl list-timers 'pgprov-backup@*'\` on ${host} for why none was taken, and take one: ${take}`,
    },
  ];
}

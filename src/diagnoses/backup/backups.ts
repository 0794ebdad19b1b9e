import { BACKUP_INFO, defineDiagnosis, type BackupInfo, type Examination, type Finding, type Host } from '../../index.js';
import { writtenBy } from '../../../roles/shared/backup/repositories.js';
import { backupSettings } from '../../../roles/shared/backup/stanza.js';
import { trouble } from '../../../roles/shared/backup/told.js';

const HOUR = 3600;

/** No backup that could be restored, or none that is recent. */
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
      const written = info === undefined ? [] : writtenBy(view.inventory, host).filter(({ name }) => !seen.has(name));
      for (const { name } of written) seen.add(name);
      return info === undefined || written.length === 0 ? [] : findingsOf(examination, host, info);
    });
  },
});

function findingsOf({ view }: Examination, { name: host }: Host, info: BackupInfo): Finding[] {
  const failed = trouble(info);
  const evidence = (line: string): Finding['evidence'] => [{ host, source: 'pgbackrest info', line }];
  const look = '`journalctl -u "pgprov-backup@*"`, as root there, says how the last ones ended';
  if (failed !== undefined) {
    return [
      {
        level: 'broken',
        host,
        what: 'pgBackRest cannot read its repository',
        evidence: evidence(failed.split('\n')[0] ?? ''),
        follows: 'no backup is taken, none can be restored, and PostgreSQL keeps its WAL until the disk is full',
        mend: 'mend what pgBackRest says: the mount, the network, the keys or the passphrase of the repository',
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
        mend: '`systemctl start pgprov-backup@full`, as root there, takes one',
      },
    ];
  }
  const age = info.now - last.stop;
  if (age <= backupSettings(view.inventory).max_age * HOUR) return [];
  return [
    {
      level: 'danger',
      host,
      what: `the last good backup is ${Math.floor(age / HOUR)} hours old`,
      since: 1000 * last.stop,
      evidence: evidence(`${last.label} ended then`),
      follows: 'a restore replays all WAL since, and takes longer every day',
      mend: look,
    },
  ];
}

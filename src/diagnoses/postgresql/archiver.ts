import { defineDiagnosis, type Examination, type Finding } from '../../index.js';
import { stanzaOf } from '../../../roles/shared/backup/stanza.js';
import { backupAdvice } from '../../../roles/shared/backup/trouble.js';
import { archivingSaid } from '../shared/archiving.js';
import { askHealth, primaryOf } from '../shared/health.js';
import { databaseUser } from '../shared/leading.js';
import { asEvidence, sinceFirst } from '../shared/lines.js';

/** WAL cannot be archived. */
export default defineDiagnosis({
  name: 'archiver',
  looksAt: 'archiving of WAL',
  role: 'postgresql',
  asks: askHealth,
  find: (examination): Finding[] => {
    const primary = primaryOf(examination);
    if (primary === undefined) return [];
    const { host, health } = primary;
    const { on, failedAgo, archivedAgo = Infinity, failedWal = '', failures } = health.archiver;
    if (!on || failedAgo === undefined || failedAgo >= archivedAgo) return [];
    const { failures: lines, last: words, cause } = archivingSaid(examination, host, archivedAgo);
    const hasBackups = examination.view.hosts('backup').some(({ name }) => name === host);
    return [
      {
        level: 'danger',
        host,
        what: `WAL cannot be archived: ${failedWal} failed, and nothing has been archived since`,
        ...sinceFirst(lines),
        evidence: [
          {
            host,
            source: 'pg_stat_archiver',
            line: `last_failed_wal ${failedWal}, ${Math.round(failedAgo)} s ago; failed_count ${failures}`,
          },
          ...words.map(asEvidence),
          ...(cause === undefined || words.some(({ text }) => text.includes(cause.text.trim()))
            ? []
            : [asEvidence({ ...cause, text: cause.text.trim() })]),
        ],
        follows: 'the archive ends there, and PostgreSQL keeps every segment that is not archived until the disk is full',
        mend:
          cause !== undefined && hasBackups
            ? (inBackground(examination, host, cause.text) ?? backupAdvice(cause.text, examination.view.inventory))
            : `mend what archive_command says when it is run by hand: \`runuser -u ${databaseUser(examination, host)} -- psql -Atc 'SHOW archive_command'\`, as root on ${host}, shows it`,
      },
    ];
  },
});

/** Where it archives in the background, the command only says that it has waited for a minute; why is in the log of what works there. */
function inBackground({ view }: Examination, host: string, words: string): string | undefined {
  const directory = view.platform(host)?.pgbackrest.logDirectory;
  if (directory === undefined || !words.includes('[082]')) return undefined;
  const log = `${directory}/${stanzaOf(view.inventory)}-archive-push-async.log`;
  return `mend what archiving says in the background: \`tail -n 30 ${log}\`, as root on ${host}, shows it`;
}

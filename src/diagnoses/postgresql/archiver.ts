import { ARCHIVE_CAUSE, ARCHIVE_FAILED, defineDiagnosis, type Examination, type Finding, type LoggedLine } from '../../index.js';
import { stanzaOf } from '../../../roles/shared/backup/stanza.js';
import { backupAdvice } from '../../../roles/shared/backup/trouble.js';
import { askHealth, primaryOf } from '../shared/health.js';
import { databaseUser } from '../shared/leading.js';
import { asEvidence, linesSince, POSTGRESQL_LOGS, sinceFirst, withDetails } from '../shared/lines.js';

const FAILED = new RegExp(ARCHIVE_FAILED, 'u');

/** Milliseconds in which the command says what it has to say, before PostgreSQL says that it failed. */
const ITS_WORDS = 500;

const CAUSE = new RegExp(ARCHIVE_CAUSE, 'u');

const DAY = 86_400;

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
    const lines = linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern: FAILED, within: 1000 * Math.min(archivedAgo, DAY) });
    const words = wordsOf(examination, lines.findLast(({ text }) => text.includes('archive command')) ?? lines.at(-1));
    const hasBackups = examination.view.hosts('backup').some(({ name }) => name === host);
    const said = linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern: CAUSE, within: 1000 * Math.min(archivedAgo, DAY) });
    // What it says of a repository says the most.
    const cause = said.findLast(({ text }) => text.includes('repo')) ?? said.at(-1);
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

/** What the command itself said comes in the log of the unit that it runs in, right before PostgreSQL's word of it. */
function wordsOf(examination: Examination, failed: LoggedLine | undefined): LoggedLine[] {
  if (failed === undefined) return [];
  const own = examination
    .log(failed.host, 'patroni')
    .filter(({ at, text }) => at <= failed.at && at > failed.at - ITS_WORDS && !/^\d{4}-\d\d-\d\d /u.test(text));
  return [...own.slice(-1), ...withDetails(examination, failed)];
}

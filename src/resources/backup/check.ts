import { seconds } from '../../shell/patience.js';
import { sh, type Script } from '../../shell/quote.js';
import { handle } from '../handle.js';
import { asDatabaseUser, type LocalServer } from '../psql.js';
import { answerText, digestOf, type Resource } from '../resource.js';

/** Whether it was proved on a host that backups and WAL arrive in the repositories. */
export interface BackupCheckState {
  /**
   * `proved`: with the present configuration; `reads`: on a standby, which can prove only that it reads the repositories; `waits`: all is
   * well but archive_mode, which takes a restart of PostgreSQL; `due`: none of these, or archive_mode has come into force since.
   */
  proof: 'proved' | 'reads' | 'waits' | 'due';
}

/** The resource's id. */
export const BACKUP_CHECK = handle<BackupCheckState>('backup-check');

/** What is proved. */
export interface BackupCheckOptions {
  stanza: string;
  /** Whom pgBackRest runs as, and its home. */
  server: Pick<LocalServer, 'user' | 'home'>;
  /** Succeeds where archive_mode may have come into force; asked only while the proof waits for that. */
  mayArchive: Script;
  /** What the proof holds for: another configuration takes another one. */
  proves: readonly { digest(): string }[];
}

const PROOFS = ['proved', 'reads', 'waits'] as const;

/** Where a host records what it has proved, as switching to the next WAL segment in every run would fill the archive. */
const RECORD = '/var/lib/pgprov/backup-check';

/** pgBackRest's exit code while archive_mode is off. */
const ARCHIVE_DISABLED = 87;

/** What `pgbackrest check` says on a standby that reaches its repositories by itself: it looks for the primary there. */
const STANDBY = 'primary database not found';

/** The states of a repository in `pgbackrest info`, as a pattern, with which nothing can be done; 0 is well, 2 without a backup yet. */
const UNREADABLE = '"code":(1|3|5|99)[,}]';

/** Seconds that pgBackRest has for all that it looks at; for one segment to arrive it waits for 60. */
const WITHIN = 180;

/**
 * That `pgbackrest check` has found all in order: the databases, the repositories, and that a WAL segment arrives. The host records it, so
 * that it is asked again only after a change.
 */
export function backupCheck({ stanza, server, mayArchive, proves }: BackupCheckOptions): Resource<BackupCheckState> {
  const digest = digestOf(stanza, ...proves.map((each) => each.digest()));
  const pgbackrest = (...words: string[]): Script => asDatabaseUser(server, sh`pgbackrest --stanza=${stanza} ${words}`);
  const check = pgbackrest('--log-level-console=error', '--log-level-stderr=off', 'check');
  return {
    ...BACKUP_CHECK,
    probe: () => sh`{ read -r proof digest <${RECORD}; } 2>/dev/null || { echo due; exit 0; }
if [ "$digest" != ${digest} ]; then echo due; exit 0; fi
if [ "$proof" = waits ] && ( ${mayArchive} ) >/dev/null 2>&1; then proof=due; fi
echo "$proof"`,
    parse: (answer) => {
      const proof = answerText(answer).trim();
      return { proof: PROOFS.find((known) => known === proof) ?? 'due' };
    },
    diff: ({ proof }) => (proof === 'due' ? [{ action: 'run', summary: `prove with pgbackrest check that WAL of ${stanza} arrives` }] : []),
    apply: () => sh`proof=proved
code=0
said=$(timeout -k 2 ${seconds(WITHIN)} ${check} 2>&1) || code=$?
case "$code" in
0) ;;
${ARCHIVE_DISABLED}) proof=waits; note 'archive_mode takes a restart of PostgreSQL, so no WAL arrives yet' ;;
*)
case "$said" in
*${STANDBY}*)
if told=$(timeout -k 2 ${seconds(WITHIN)} ${pgbackrest('--output=json', 'info')} 2>/dev/null) && ! printf '%s\n' "$told" | grep -qE ${UNREADABLE}; then
proof=reads
else
timeout -k 2 ${seconds(WITHIN)} ${pgbackrest('info')} 2>&1
exit 1
fi ;;
*) printf '%s\n' "$said"; exit 1 ;;
esac ;;
esac
mkdir -p /var/lib/pgprov
printf '%s %s\n' "$proof" ${digest} >${`${RECORD}.new`}
mv -f ${`${RECORD}.new`} ${RECORD}`,
    digest: () => digestOf('backup-check', digest),
  };
}

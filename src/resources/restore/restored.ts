import { command } from '../command.js';
import { defineIdentity } from '../data-copy.js';
import { setOwnershipScript, type Ownership } from '../files/path.js';
import { writeFileScript } from '../files/writing.js';
import { gate } from '../gate.js';
import { memberProgress } from '../member-progress.js';
import { asDatabaseUser, type LocalServer } from '../psql.js';
import { answerText, digestOf, type Gate, type Resource } from '../resource.js';
import { RESTORE_NOTES, RESTORING_UNIT } from './place.js';
import { walFetched } from './wal-fetched.js';
import { joinScripts, sh, type Script } from '../../shell/quote.js';

/** What is restored, and where to. */
export interface BackupRestoredOptions {
  /** Tells this restore from others. */
  id: string;
  path: string;
  ownership: Ownership;
  server: LocalServer;
  stanza: string;
  /** pgBackRest's options: which backup. */
  words: readonly string[];
  /** Where its recovery ends; undefined: it has none of its own, because the data becomes a standby's. */
  recovery?: readonly string[];
  /** By which options pgBackRest reaches the repositories, where these are another cluster's. */
  through?: readonly string[];
  /** `DataCopy.identity` of what must not be written over. */
  keep: string;
  /** Patroni's unit, which must be down. */
  unit: string;
}

/** Where the script lies that the unit runs; systemd would read variables in a command's words. */
const SCRIPT = `/run/${RESTORING_UNIT}.sh`;

/** What a host notes of a restore before pgBackRest begins it. */
export function begunNote(id: string): string {
  return `${id}.begun`;
}

/** Succeeds where the data directory was restored whole by this restore. */
export function isRestored({ id, path }: Pick<BackupRestoredOptions, 'id' | 'path'>): Script {
  return sh`${defineIdentity}
own=$(identity ${path}) && [ -n "$own" ] && [ -e ${`${RESTORE_NOTES}/${id}`}."$own" ]`;
}

/**
 * pgBackRest restores a backup into a member's empty data directory, or is at it: in a unit of its own, so that it goes on when pgprov is cut off.
 * What a restore that was broken off has left there is used.
 */
export function backupRestored(options: BackupRestoredOptions): Resource<{ done: boolean }> {
  const { id, path, ownership, server, stanza, words, recovery, through = [], keep, unit } = options;
  const end = recovery === undefined ? ['--type=none'] : [...recovery, walFetched(options)];
  const resource = `backup-restored:${path}`;
  const restore = sh`pgbackrest --stanza=${stanza} --pg1-path=${path} --log-level-console=info --delta ${[...through, ...words, ...end]} restore`;
  return {
    id: resource,
    probe: () => sh`if ${isRestored(options)}; then echo done
elif systemctl -q is-active ${RESTORING_UNIT}; then echo done
fi`,
    parse: (answer) => ({ done: answerText(answer).trim() === 'done' }),
    diff: ({ done }) => (done ? [] : [{ action: 'create', summary: `restore a backup into ${path}` }]),
    apply: () =>
      joinScripts([
        sh`${defineIdentity}
if [ "$(identity ${path})" = ${keep} ] && [ -n ${keep} ]; then
echo ${`${path} still holds the data that is to be kept`}
exit 1
fi
if systemctl -q is-active ${unit}; then
echo ${`${unit} runs on this host`}
exit 1
fi
mkdir -p ${RESTORE_NOTES} ${path}
: >${`${RESTORE_NOTES}/${begunNote(id)}`}`,
        setOwnershipScript(path, ownership),
        sh`( ${writeFileScript(
          SCRIPT,
          sh`set -e
cd /
${asDatabaseUser(server, restore)}
${defineIdentity}
own=$(identity ${path})
rm -f ${RESTORE_NOTES}/*."$own"
: >${`${RESTORE_NOTES}/${id}`}."$own"
sync
`.text,
          { owner: 'root', group: 'root', mode: '0600' },
        )} ) || exit 1
systemctl reset-failed ${RESTORING_UNIT} 2>/dev/null || :
systemd-run -q --unit=${RESTORING_UNIT} --description=${`restore of a backup into ${path}`} /bin/sh ${SCRIPT}`,
      ]),
    digest: () => digestOf(resource, id),
  };
}

/** Seconds in which a restore that does not grow is waited for. */
const STANDS_STILL = 900;

/**
 * Open when all of the backup is in the data directory.
 * @param size of the whole, in bytes
 */
export function restoredGate(options: BackupRestoredOptions, size: number): Gate {
  return gate({
    name: 'backup-restored',
    title: 'the backup is restored',
    unit: RESTORING_UNIT,
    fatalLogPatterns: [],
    timeout: STANDS_STILL,
    progress: memberProgress(options.path, size),
    check: isRestored(options),
  });
}

/** A host notes something of a restore, by a file without a text. */
export function restoreNoted(note: string): Resource<{ done: boolean }> {
  const path = `${RESTORE_NOTES}/${note}`;
  return command({
    name: `note:${note}`,
    summary: `note in ${path} that clients are let in`,
    unless: sh`[ -e ${path} ]`,
    run: sh`mkdir -p ${RESTORE_NOTES}
: >${path}
sync ${path} ${RESTORE_NOTES}`,
  });
}

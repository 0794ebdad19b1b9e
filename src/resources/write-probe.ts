import { INPUT } from '../shell/frame.js';
import { type Script, sh } from '../shell/quote.js';
import { psql, type LocalServer } from './psql.js';

/** What the probe says after each commit, as a note. */
export const COMMITTED = 'committed';

/** Seconds between two commits. */
const PACE = 0.1;

/** Seconds after which a server that could not be reached is tried again. */
const BETWEEN_TRIES = 0.2;

/** Seconds after which it ends whatever happens, as where a connection was lost without a word. */
const MOST_SECONDS = 900;

/**
 * Commits something that leaves no trace, about ten times a second, until the script's input (`INPUT`) ends, and says so after each commit.
 * A transactional logical message needs a WAL record, a commit that is flushed, and the synchronous standbys where the cluster has them, whatever
 * `wal_level` is. On a standby the same session waits until it is promoted. It keeps its statements out of the server's log.
 * Runs after the answers of a script.
 */
export function writeProbe(server: LocalServer): Script {
  return sh`pgprov_probe=
trap 'kill $pgprov_probe 2>/dev/null; exit 0' TERM
{ cat >/dev/null; kill "$$"; } <&${INPUT} >/dev/null 2>&1 7>&- &
exec ${INPUT}<&-
pgprov_until=$(($(date +%s) + ${MOST_SECONDS}))
while [ "$(date +%s)" -lt "$pgprov_until" ]; do
printf '%s\n' "SET application_name = 'pgprov write probe';
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_duration = off;
SET statement_timeout = 0;
SELECT CASE WHEN pg_is_in_recovery() THEN ''
WHEN pg_logical_emit_message(true, 'pgprov', '') IS NULL THEN ''
ELSE chr(10) || '$pgprov_nonce note ${COMMITTED}' END
\watch ${PACE}" | timeout -k 1 ${MOST_SECONDS} ${psql(server, ['-f', '-'])} 2>/dev/null &
pgprov_probe=$!
wait "$pgprov_probe"
sleep ${BETWEEN_TRIES}
done`;
}

import { psqlInput, type LocalServer } from './psql.js';
import { NOTHING_DONE } from './resource.js';
import { seconds } from '../shell/patience.js';
import { sh, type Script } from '../shell/quote.js';

/** Seconds in which standbys that restart, or whose connection was lost, stream again, and those that stream confirm a commit. */
const STREAM_WITHIN = 30;

/** What stands before what commits wait for. */
const WAITS = '@waits ';

/**
 * Prints what commits wait for, where fewer standbys stream than have to: such a commit never ends, and a statement_timeout does not end it either.
 * `FIRST` has as many standbys `sync` as are asked for, `ANY` all that are named `quorum`. (syncrep.c, PostgreSQL 13 to 17)
 */
export const UNENDING_COMMITS = `SELECT '${WAITS}' || names FROM (SELECT current_setting('synchronous_standby_names') AS names) AS given
WHERE NOT pg_is_in_recovery() AND trim(names) <> '' AND current_setting('synchronous_commit') NOT IN ('off', 'local')
AND (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum'))
  < coalesce((regexp_match(names, '^\\s*(?:first|any)?\\s*(\\d+)\\s*\\(', 'i'))[1]::int, 1);`;

/** Ends the waits for standbys of statements that this script has begun, and says how many: what waits there is committed on this server already. */
const WAITS_ENDED = `SELECT count(*) FROM (SELECT pg_cancel_backend(pid) AS ended FROM pg_stat_activity
WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid() AND wait_event = 'SyncRep') AS waits WHERE ended;`;

/**
 * Carries out statements that commit. Where commits wait for standbys that do not stream, it gives these some seconds, and then ends the script before
 * anything was begun. Where standbys stop confirming at that very moment, the wait is ended, and the script fails: what was to be changed is
 * committed on this server alone.
 * @param words run psql, each with its statements on its standard input
 * @param limit seconds, default 30
 */
export function committed(server: LocalServer, words: Script, limit = STREAM_WITHIN): Script {
  const within = seconds(limit);
  return sh`waited=0
while :; do
waits=$(${psqlInput(server, UNENDING_COMMITS)} 2>/dev/null) || break
case "$waits" in
${WAITS}*) ;;
*) break ;;
esac
waited=$((waited + 1))
if [ "$waited" -ge ${within} ]; then
echo "no commit would end here: it waits for standbys, of which too few stream (synchronous_standby_names: $(printf '%s\n' "$waits" | cut -d ' ' -f 2-)); bring them back first"
exit ${NOTHING_DONE}
fi
sleep 1
done
export PGAPPNAME="pgprov-$$"
( ${words} ) &
writer=$!
waited=0
unconfirmed=
while kill -0 "$writer" 2>/dev/null; do
sleep 0.1
waited=$((waited + 1))
[ "$waited" -ge $((${within} * 10)) ] && [ $((waited % 20)) = 0 ] || continue
case "$(${psqlInput(server, WAITS_ENDED)} 2>/dev/null)" in '' | 0) ;; *) unconfirmed=yes ;; esac
done
unset PGAPPNAME
wait "$writer" || exit $?
if [ -n "$unconfirmed" ]; then
echo 'standbys that commits wait for (synchronous_standby_names) do not confirm them; what was to be changed is committed on this server alone; bring them back, then run the same command again'
exit 1
fi`;
}

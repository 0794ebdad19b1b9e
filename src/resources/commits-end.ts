import { psqlInput, type LocalServer } from './psql.js';
import { NOTHING_DONE } from './resource.js';
import { seconds } from '../shell/patience.js';
import { sh, type Script } from '../shell/quote.js';

/** Seconds in which standbys that restart, or whose connection was lost, stream again. */
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

/**
 * Stands before statements that commit. Where commits wait for standbys that do not stream, it gives these some seconds, and then ends the script
 * before anything was begun.
 */
export function commitsEnd(server: LocalServer): Script {
  return sh`waited=0
while :; do
waits=$(${psqlInput(server, UNENDING_COMMITS)} 2>/dev/null) || break
case "$waits" in
${WAITS}*) ;;
*) break ;;
esac
waited=$((waited + 1))
if [ "$waited" -ge ${seconds(STREAM_WITHIN)} ]; then
echo "no commit would end here: it waits for standbys, of which too few stream (synchronous_standby_names: $(printf '%s\n' "$waits" | cut -d ' ' -f 2-)); bring them back first"
exit ${NOTHING_DONE}
fi
sleep 1
done`;
}

import { sh, type Script } from '../shell/quote.js';
import { psql, type LocalServer } from './psql.js';

/** A server that is about to be started anew, and where it says why it does not start. */
export interface FailingStart {
  server: LocalServer;
  /** The data directory. */
  data: string;
  /** The unit whose journal has what PostgreSQL says until its collector writes log files. */
  unit: string;
  /** What the server writes to where it has no collector; undefined: to the journal. */
  logFile?: string;
}

/** What PostgreSQL says of a start that failed, and what it says of every stop. */
const SENTENCES = '(FATAL|PANIC|HINT|DETAIL): ';
const EVERY_STOP =
  'the database system is (starting up|shutting down|in recovery mode|not (yet )?accepting connections)|due to administrator command|Last completed transaction';

/** Of lines on the input, PostgreSQL's last sentences of what has gone wrong; nothing where there are none. */
export const lastSentences = (most: number): Script => sh`grep -E ${SENTENCES} | grep -vE ${EVERY_STOP} | tail -n ${most} || :`;

/** Of lines on the input, what PostgreSQL could not go on from, without when and by whom it was said; nothing where there is none. */
export const fatalWords = (): Script => sh`grep -E '(FATAL|PANIC): ' | grep -vE ${EVERY_STOP} | sed -E 's/^.*(FATAL|PANIC): */\1: /' || :`;

/** Where PostgreSQL's log files are unless `log_directory` says otherwise. */
const LOG_DIRECTORY = 'log';

/** Notes in `$began`, `$logs` and `$ends` how far the journal and the log files of a running server go, for `startFailure`. */
export function noteLogEnds({ server, data, logFile = '' }: FailingStart): Script {
  return sh`began=$(date +%s)
logs=$(${psql(server, ['-c', 'SHOW log_directory'])} 2>/dev/null) || :
case "$logs" in
'') logs=${`${data}/${LOG_DIRECTORY}`} ;;
/*) ;;
*) logs=${data}/"$logs" ;;
esac
ends=$(stat -c '%s %n' ${logFile} "$logs"/* 2>/dev/null) || :`;
}

/**
 * Prints PostgreSQL's own last sentences since `noteLogEnds`, from the journal and from all log files that have grown. What stood there
 * before is left out: a start may fail before the collector has written a line, and the end of a log file then tells of an earlier one.
 */
export function startFailure({ server, unit, logFile = '' }: FailingStart): Script {
  return sh`{ journalctl -u ${unit} --since "@$began" -o cat --no-pager 2>/dev/null
stat -c '%s %n' ${logFile} "$logs"/* 2>/dev/null | grep -vxF -e "$ends" | while read -r bytes log; do
from=0
while read -r end known; do
[ "$known" != "$log" ] || [ "$end" -gt "$bytes" ] || from=$end
done <<ENDS
$ends
ENDS
tail -c "+$((from + 1))" "$log" 2>/dev/null
done
} | grep -E ${SENTENCES} | grep -vE ${EVERY_STOP} | sort -u | tail -n 4 || :
[ -x ${`${server.binDirectory}/postgres`} ] || echo ${`${server.binDirectory}/postgres is not there`}`;
}

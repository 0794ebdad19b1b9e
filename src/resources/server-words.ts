import { sh, type Script } from '../shell/quote.js';
import { presentFile, type LogPlace } from './host-logs.js';
import { lastSentences } from './start-failure.js';

/** What the server says first of a start. */
const STARTS = 'LOG:  starting PostgreSQL ';

/** Of the end of the log so many lines are read. */
const LINES = 500;

/**
 * Defines `see_log`, which sets `$new` to what PostgreSQL has written into its own log since it was called last: at the first time to nothing, and all
 * of a file that is new.
 */
export function defineSeeLog(place: LogPlace): Script {
  return sh`log=
logged=
see_log() {
${presentFile(place)}
size=$(stat -c %s "$base" 2>/dev/null) || size=0
if [ -z "$logged" ]; then logged=$size
elif [ "$base" != "$log" ] || [ "$size" -lt "$logged" ]; then logged=0; fi
new=$(tail -c "+$((logged + 1))" "$base" 2>/dev/null | tail -n ${LINES}) || :
log=$base
logged=$size
}`;
}

/** Prints what PostgreSQL's own log says last of what has gone wrong since the server was started last; after `see_log`. */
export function wordsOfServer(most: number): Script {
  return sh`[ -z "$log" ] || tail -n ${LINES} "$log" 2>/dev/null | awk -v starts=${STARTS} 'index($0, starts) { n = 0 } { kept[n++] = $0 } END { for (i = 0; i < n; i++) print kept[i] }' | ${lastSentences(most)}`;
}

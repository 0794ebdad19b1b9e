import { INPUT } from './frame.js';
import { seconds } from './patience.js';
import { sh, type Script } from './quote.js';

/** Section id under which a refused lock reports its holder. */
export const LOCK_REFUSED = 'lock-refused';

/** Section id under which a host says that it cannot lock at all. */
export const LOCK_UNAVAILABLE = 'lock-unavailable';

/** Section id under which a step that could not start reports why. */
export const STEP_BUSY = 'step-busy';

/** Where a host keeps both locks; /run is emptied by a reboot, and so are they. */
export const LOCK_DIRECTORY = '/run';

/** Scratch space of a step; made anew when the next step takes its lock, so an interrupted one leaves nothing for long. */
export const WORK_DIRECTORY = '/run/pgprov-work';

/** A run that is over here does not wait until every host has let go of its lock, so the next one waits for that. */
const SECONDS_FOR_THE_LAST_RUN = 3;

const SECONDS_BETWEEN_BEATS = 5;

/**
 * Takes the host's run lock and writes the holder's name into it; when another run has it, answers with that run's name and ends the
 * script. From then on a process of its own has the lock, which does nothing but read the script's input (`INPUT`): when that ends, for
 * the run was killed or its connection cut, it ends the script and lets go, whatever the script was waiting for and whatever it started.
 */
export function takeRunLock(holder: string, directory: string = LOCK_DIRECTORY): Script {
  const lock = `${directory}/pgprov.lock`;
  return sh`if ! ( : >>${lock} ) 2>/dev/null || ! command -v flock >/dev/null 2>&1; then
pgprov_mark begin ${LOCK_UNAVAILABLE}
pgprov_mark done ${LOCK_UNAVAILABLE} 1
pgprov_mark end
exit 0
fi
exec 9>>${lock}
if ! flock -w ${SECONDS_FOR_THE_LAST_RUN} 9; then
pgprov_mark begin ${LOCK_REFUSED}
cat ${lock}
pgprov_mark done ${LOCK_REFUSED} 0
pgprov_mark end
exit 0
fi
printf '%s' ${holder} >${lock}
pgprov_beat=
pgprov_waiting=
trap 'kill $pgprov_beat $pgprov_waiting 2>/dev/null; exit 0' TERM
{ cat >/dev/null; kill "$$"; } <&${INPUT} >/dev/null 2>&1 7>&- &
pgprov_watcher=$!
exec ${INPUT}<&- 9>&-`;
}

/**
 * Waits for a step that an interrupted run left working on the host: its children hold file descriptor 8,
 * so a second dpkg or initdb is never started beside the first. Gives up after `limit` seconds.
 */
export function takeStepLock(limit: number, directory: string = LOCK_DIRECTORY): Script {
  return sh`exec 8>>${`${directory}/pgprov-step.lock`}
if ! flock -n 8; then
note 'waiting for a step that an interrupted run left working here'
${beat(SECONDS_BETWEEN_BEATS)}
flock -w ${seconds(limit)} 8 >/dev/null 2>&1 7>&- &
pgprov_waiting=$!
wait "$pgprov_waiting"
pgprov_locked=$?
pgprov_waiting=
kill "$pgprov_beat" 2>/dev/null
if [ "$pgprov_locked" != 0 ]; then
pgprov_mark begin ${STEP_BUSY}
pgprov_mark done ${STEP_BUSY} 1
pgprov_mark end
exit 0
fi
fi`;
}

/** Empties the scratch space; only the holder of the step lock may. */
export const CLEAR_WORK_DIRECTORY: Script = sh`rm -rf ${WORK_DIRECTORY}
mkdir -m 0755 ${WORK_DIRECTORY}`;

/** Lets go of the step lock, for a script that only had to know that no step is under way. */
export const RELEASE_STEP_LOCK: Script = sh`exec 8>&-`;

/** Waits until the input is closed, of a script that took the run lock. */
export function holdUntilInputCloses(pace: number): Script {
  return sh`${beat(pace)}
[ -z "$pgprov_watcher" ] || wait "$pgprov_watcher"
kill "$pgprov_beat" 2>/dev/null`;
}

/** The same at the pace of a run. */
export const HOLD_UNTIL_INPUT_CLOSES: Script = holdUntilInputCloses(SECONDS_BETWEEN_BEATS);

/**
 * Sends a line feed now and then while the script waits. A connection that was lost without a word (a cable pulled, a laptop put to
 * sleep) would be held for hours, since a side that only listens never learns of it; a line feed the other side's kernel refuses, or
 * nobody acknowledges. What sends it keeps neither the locks nor, between two of them, the output open, so nothing is held up by it at the
 * end. It looks for the script each time, since a script that is ended before it knows of its sender leaves it behind.
 */
function beat(pace: number): Script {
  return sh`( while sleep ${pace} >/dev/null 2>&1 7>&- 8>&- 9>&- && kill -0 "$$"; do printf '\n' || exit; done ) 2>/dev/null 8>&- 9>&- &
pgprov_beat=$!`;
}

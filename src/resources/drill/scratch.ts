import { command } from '../command.js';
import type { Resource } from '../resource.js';
import { sh, type Script } from '../../shell/quote.js';

/** The transient unit that carries a drill out on a host. */
export const DRILL_UNIT = 'pgprov-drill';

/** Where a host notes how its last drill went, and where the scratch directory of one that is not over is. */
export const DRILL_NOTES = '/var/lib/pgprov/drill';

/** What the last drill told, a `key=value` each line. */
export const DRILL_LAST = `${DRILL_NOTES}/last`;

/** Written by whoever watches a drill, all the time. */
export const WATCHED = `/run/${DRILL_UNIT}.watched`;

/** Where the scripts lie that its unit runs; systemd would read variables in a command's words. */
export const DRILL_PROGRAM = `/run/${DRILL_UNIT}.sh`;
export const DRILL_END = `/run/${DRILL_UNIT}-end.sh`;

/** The path of the scratch directory. */
export const DRILL_AT = `${DRILL_NOTES}/scratch`;

/** Names of scratch directories begin so. */
export const SCRATCH = 'pgprov-drill-';

/** The file by which a scratch directory tells that a drill made it. */
export const DRILL_MARKER = '.pgprov-drill';

/**
 * Defines `is_scratch DIRECTORY`, which succeeds where a drill made it, `is_used DIRECTORY`, where a process works in it, and `remove_scratch
 * DIRECTORY`, which takes its marker last, so that what was broken off is known.
 */
export const DEFINE_SCRATCH: Script = sh`is_scratch() {
case "$1" in */${SCRATCH}*) ;; *) return 1 ;; esac
[ -d "$1" ] && [ ! -L "$1" ] || return 1
[ -f "$1"/${DRILL_MARKER} ] || [ -z "$(ls -A "$1")" ]
}
is_used() {
readlink /proc/[0-9]*/cwd 2>/dev/null | BELOW=$(readlink -f "$1") awk '
$0 == ENVIRON["BELOW"] || index($0, ENVIRON["BELOW"] "/") == 1 { found = 1 }
END { exit !found }'
}
remove_scratch() {
is_scratch "$1" || return 0
if is_used "$1"; then
echo "a process still works in $1, so it is left there"
return 1
fi
find "$1" -mindepth 1 -maxdepth 1 ! -name ${DRILL_MARKER} -exec rm -rf --one-file-system {} + || return 1
rm -f "$1"/${DRILL_MARKER}
rmdir "$1"
}`;

/** Prints the scratch directories that drills have left, beside `parent` and where the last one noted its own. */
export function leftScratches(parent: string): Script {
  return sh`for left in ${`${parent}/${SCRATCH}`}* "$(cat ${DRILL_AT} 2>/dev/null)"; do
! is_scratch "$left" || printf '%s\n' "$left"
done | sort -u`;
}

/** Nothing of an earlier drill runs or lies on the host. */
export function drillCleared(parent: string): Resource<{ done: boolean }> {
  return command({
    name: 'drill-cleared',
    summary: 'end the last drill, and remove what it has left',
    unless: sh`${DEFINE_SCRATCH}
! systemctl -q is-active ${DRILL_UNIT} && [ -z "$(${leftScratches(parent)})" ]`,
    run: sh`${DEFINE_SCRATCH}
systemctl stop ${DRILL_UNIT} 2>/dev/null || :
${leftScratches(parent)} | while IFS= read -r left; do remove_scratch "$left" || exit 1; done || exit 1
rm -f ${DRILL_AT}`,
  });
}

import { sh, type Script } from '../shell/quote.js';

/** Seconds between two looks at how far a package manager is. */
const BETWEEN_LOOKS = 5;

/**
 * Defines `with_progress`: runs a command, and says meanwhile what the function named first prints, whenever that is something new.
 * What looks keeps neither locks nor the output open, and ends with the script. It is killed, because bash that is asked to end right after
 * its fork runs the script's own trap, which removes the log.
 */
export const WITH_PROGRESS: Script = sh`with_progress() {
progress=$1
shift
(
told=
while sleep ${BETWEEN_LOOKS} >/dev/null 2>&1 7>&- && kill -0 "$$"; do
now=$("$progress" 7>&-) || now=
[ -n "$now" ] && [ "$now" != "$told" ] || continue
told=$now
note "$now"
done
) </dev/null >/dev/null 2>&1 8>&- 9>&- &
watcher=$!
run_status=0
"$@" || run_status=$?
{ kill -9 "$watcher"; wait "$watcher"; } 2>/dev/null || :
return "$run_status"
}`;

/**
 * Defines `apt_progress`: how far the apt-get is whose output is in `$apt_log`. It says what it begins, so of the package that is being
 * downloaded the disk tells how much is there.
 */
export const APT_PROGRESS: Script = sh`apt_progress() {
partial=$(du -sk /var/cache/apt/archives/partial 2>/dev/null) || partial=0
awk -v partial="$partial" '
function mb(number, unit) {
gsub(",", "", number)
return unit ~ /^GB/ ? number * 1000 : unit ~ /^MB/ ? number : unit ~ /^kB/ ? number / 1000 : number / 1000000
}
function shown(number) { return sprintf(need < 10 ? "%.1f" : "%.0f", number) }
/^[0-9]+ upgraded, [0-9]+ newly installed/ { all = $1 + $3 }
/^Need to get / { need = mb($4, $5) }
/^Get:/ { got++; done += last; size = $(NF - 1); sub(/^\[/, "", size); last = mb(size, $NF) }
/^Fetched / { got = 0 }
/^Unpacking / { unpacked++ }
/^Setting up / { ready++ }
END {
if (all == 0) exit
if (unpacked > 0 && unpacked < all) { print "unpacking package " unpacked " of " all; exit }
if (ready > 0) { print "setting up package " ready " of " all; exit }
if (got == 0) exit
there = done + partial / 1000
print "downloading package " got " of " all ", " shown(there < need ? there : need) " of " shown(need) " MB"
}' "$apt_log"
}`;

/** Defines `dnf_progress`: how far the dnf is whose output is in `$dnf_log`. */
export const DNF_PROGRESS: Script = sh`dnf_progress() {
awk '
function mb(number, unit) { return unit ~ /^G/ ? number * 1000 : unit ~ /^M/ ? number : unit ~ /^k/ ? number / 1000 : number / 1000000 }
function shown(number) { return sprintf(need < 10 ? "%.1f" : "%.0f", number) }
/^(Install|Upgrade) +[0-9]+ +Package/ { all += $2 }
/^Total download size: / { need = mb($4, $5) }
/^\([0-9]+\/[0-9]+\): / { split($0, part, "|"); split(part[2], size, " "); done += mb(size[1], size[2]); got++ }
/^  (Installing|Upgrading) +: / { split($NF, step, "/"); line = "installing package " step[1] " of " step[2] }
END {
if (line != "") print line
else if (got > 0 && all > 0) print "downloaded package " got " of " all ", " shown(done < need ? done : need) " of " shown(need) " MB"
}' "$dnf_log"
}`;

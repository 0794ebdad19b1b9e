import { sh, type Script } from '../../shell/quote.js';
import { askInfo, type BackupInfoOptions } from './info.js';

/** Bytes as `formatBytes` writes them, and what a time is in its largest unit; for awk. */
const WORDS = `function bytes(n, unit, name) {
split("B KiB MiB GiB TiB", name, " ")
for (unit = 1; n >= 1023.95 && unit < 5; unit++) n /= 1024
n = sprintf("%.1f", n)
sub(/\\.0$/, "", n)
return n " " name[unit]
}
function time(s) {
s = int(s + 0.5)
if (s < 60) return s " s"
if (s < 3600) return int(s / 60) " min"
return int(s / 3600) " h " int(s % 3600 / 60) " min"
}`;

/** What is said: pgBackRest counts a file when all of it is there, so what its processes have written is told as well. */
const SAYS = `${WORDS}
BEGIN {
if (size == "") { print "pgBackRest prepares it"; exit }
if (copied >= size) { print bytes(size) " copied, and waits for the WAL"; exit }
passed = up - began / 1000000
printf "%s of %s copied", bytes(copied + 0), bytes(size + 0)
if (copied >= size / 10 && passed >= 1) printf ", %s left", time((size - copied) * passed / copied)
if (written > 0) printf ", %s written", bytes(written + 0)
if (before != "" && written > before && span > 0) printf ", %s/s", bytes((written - before) / span)
print ""
}`;

/**
 * How far a backup is that a unit takes, for the `progress` of a gate: what its processes have written, what pgBackRest counts as copied, and
 * their processor's time. The second line has it in words: `1.2 GiB of 3.4 GiB copied, 2 min left, 410 MiB written, 9.5 MiB/s`.
 * @param unit without `.service`
 */
export function backupProgress(unit: string, info: BackupInfoOptions): Script {
  return sh`shown=$(systemctl show -p CPUUsageNSec -p ControlGroup -p ExecMainStartTimestampMonotonic ${`${unit}.service`})
value() { printf '%s\n' "$shown" | sed -n "s/^$1=//p"; }
group=$(value ControlGroup)
written=$(for process in $(cat "/sys/fs/cgroup$group/cgroup.procs" "/sys/fs/cgroup/systemd$group/cgroup.procs" 2>/dev/null); do
sed -n 's/^wchar: //p' "/proc/$process/io" 2>/dev/null
done | awk '{ all += $1 } END { printf "%.0f", all }')
read -r up idle </proc/uptime
said=$(${askInfo(info)})
number() { printf '%s\n' "$said" | sed -n "s/.*\"held\":true[^}]*\"$1\":\([0-9]*\).*/\1/p" | head -n 1; }
size=$(number size)
copied=$(number size-cplt)
echo "$written $copied $(value CPUUsageNSec)"
set -- $before
case "$said" in
*'"held":true'*)
awk -v size="$size" -v copied="$copied" -v written="$written" -v before="$1" -v span=$((waited - looked)) -v up="$up" \
-v began="$(value ExecMainStartTimestampMonotonic)" ${SAYS} ;;
esac`;
}

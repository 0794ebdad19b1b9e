import { sh, type Script } from '../shell/quote.js';
import { askInfo, type BackupInfoOptions } from './backup-info.js';

/** Bytes as `formatBytes` writes them, and seconds as a clock would; for awk. */
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

/**
 * How far a backup is that a unit takes, for the `progress` of a gate: the bytes that are copied, and the processor's time of the unit, which
 * goes on while one large file is copied. The second line has it in words: `1.2 GiB of 3.4 GiB copied, 45 MiB/s, 50 s left`.
 * @param unit without `.service`
 */
export function backupProgress(unit: string, info: BackupInfoOptions): Script {
  return sh`shown=$(systemctl show -p CPUUsageNSec -p ExecMainStartTimestampMonotonic ${`${unit}.service`})
value() { printf '%s\n' "$shown" | sed -n "s/^$1=//p"; }
read -r up idle </proc/uptime
said=$(${askInfo(info)})
number() { printf '%s\n' "$said" | sed -n "s/.*\"held\":true[^}]*\"$1\":\([0-9]*\).*/\1/p" | head -n 1; }
size=$(number size)
copied=$(number size-cplt)
echo "$copied $(value CPUUsageNSec)"
case "$said" in
*'"held":true'*) awk -v size="$size" -v copied="$copied" -v up="$up" -v began="$(value ExecMainStartTimestampMonotonic)" ${SAYS} ;;
esac`;
}

const SAYS = `${WORDS}
BEGIN {
if (size == "") { print "pgBackRest prepares it"; exit }
if (copied >= size) { print bytes(size) " copied, and waits for the WAL"; exit }
passed = up - began / 1000000
printf "%s of %s copied", bytes(copied + 0), bytes(size + 0)
if (copied >= size / 10 && passed >= 1) printf ", %s/s, %s left", bytes(copied / passed), time((size - copied) * passed / copied)
print ""
}`;

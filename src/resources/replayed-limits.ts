import { seconds } from '../shell/patience.js';
import { sh } from '../shell/quote.js';
import { command } from './command.js';
import type { Resource } from './resource.js';
import { STANDBY_LIMITS, type Limits, type StandbyLimit } from './server-limits.js';

/** A standby that is to start with smaller limits. */
export interface ReplayedLimitsOptions {
  member: string;
  binDirectory: string;
  /** The data directory. */
  data: string;
  /** What the primary has. */
  limits: Limits;
}

/** Seconds after which a standby that has not replayed them is given up; a record of a few bytes. */
const WITHIN = 120;

/** The control file of a standby, in which its primary's limits stand once they are replayed: it does not start with less. */
export function replayedLimits({ member, binDirectory, data, limits }: ReplayedLimitsOptions): Resource {
  const all = Object.entries(limits) as [StandbyLimit, number][];
  const pairs = all.flatMap(([name, value]) => [`${STANDBY_LIMITS[name]} setting`, value]);
  const words = all.map(([name, value]) => `${name} ${value}`).join(', ');
  const behind = sh`behind() {
control=$(LC_ALL=C ${`${binDirectory}/pg_controldata`} ${data} 2>/dev/null)
set -- ${pairs}
while [ $# -gt 0 ]; do
is=$(printf '%s\n' "$control" | sed -n "s/^$1: *//p")
[ -n "$is" ] && [ "$is" -le "$2" ] || { echo "$1: $is"; return 0; }
shift 2
done
return 1
}`;
  return command({
    name: `replayed-limits:${member}`,
    summary: `wait until ${member} has replayed ${words}`,
    unless: sh`${behind}
! behind >/dev/null`,
    run: sh`${behind}
began=$(date +%s)
while seen=$(behind); do
if [ $(($(date +%s) - began)) -ge ${seconds(WITHIN)} ]; then
echo ${`${member} has not replayed ${words}, so it would start with more again; pg_controldata says`}" $seen"
exit 1
fi
note ${`waiting until ${member} has replayed ${words}`}" ($seen)"
sleep 0.5
done`,
  });
}

import { sh, type Script } from '../shell/quote.js';
import { defineBytes } from './data-copy.js';
import { expand, FIND_SERVER, TELL_REPLAYED } from './server-process.js';

/** Programs that make or mend a data directory. */
const AT_WORK = 'pg_basebackup|pg_rewind|pgbackrest';

/**
 * How far a member is on its way up, for the `progress` of a gate: bytes of a base backup, the processor's time of the program that makes
 * it (which goes on when all bytes are there and are flushed, or go to tablespaces), the WAL file that the server replays. The second line
 * has it in words: `812 MiB copied, 45 MiB/s`.
 * @param whole bytes that the copy will have in the end, where that is known
 */
export function memberProgress(path: string, whole?: number): Script {
  const of = whole === undefined ? '' : ` of about ${Math.ceil(whole / 1_048_576)}`;
  return sh`${defineBytes}
data=${path}
now=0
work=
words=
for comm in $(grep -lsxE ${AT_WORK} /proc/[0-9]*/comm); do
process=${expand('comm%/comm')}
grep -qsaF "$data" "$process/cmdline" || continue
work=$(cut -d ' ' -f 14,15 "$process/stat" | tr ' ' .)
words="$(cat "$comm") is at work"
done
at=
if [ ! -e "$data/global/pg_control" ]; then
now=$(bytes "$data")
[ "$now" = 0 ] || words="$((now / 1048576))"${`${of} MiB copied`}
then=${expand('before%% *')}
case "$then" in '' | 0) ;; *) words="$words, $(((now - then) / 1048576 / (waited - looked))) MiB/s" ;; esac
else
${FIND_SERVER}
at=$(
${TELL_REPLAYED}
)
[ -z "$at" ] || words="replaying WAL file ${expand('at#replays=')}"
fi
echo "$now $work $at"
[ -z "$words" ] || echo "$words"`;
}

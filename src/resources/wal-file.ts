import { type Script, sh } from '../shell/quote.js';
import { expand } from './server-process.js';

/**
 * Defines `wal_file TIMELINE LOCATION SEGMENT`, which prints the name of the WAL file that the location is in. pg_waldump is told it: otherwise it
 * takes the size of a segment from whichever file of the directory comes first, and fails where that one was made ahead and is all zeros.
 */
export const WAL_FILE: Script = sh`wal_file() {
printf '%08X%08X%08X' "$1" "$((0x${expand('2%/*')}))" "$((0x${expand('2#*/')} / $3))"
}`;

/**
 * Seconds that reading the WAL of a server that is down may take: it is that since the last checkpoint. It is read to the end of the last file
 * that is there, because pg_waldump waits five seconds for one that is not. Where the first file has no header yet, nothing was written to it. Printing
 * every record takes twenty times as long as reading it, so where WAL ends with a whole file only the records in that one are printed.
 */
const READING = 20;

/**
 * Prints `last=` and where the last valid record of timeline `$newer` starts, where it can be read: from `$start` to the end of `$final`, the last WAL file of
 * the data directory `$data`. `$segment` is the size of these files.
 */
export const TELL_LAST_RECORD: Script = sh`${WAL_FILE}
segment_at() {
log=${expand('1#????????')}
at=$(((0x${expand('log%????????')} * (4294967296 / segment) + 0x${expand('log#????????')} + $2) * segment))
printf '%X/%X' $((at >> 32)) $((at & 4294967295))
}
dump() {
from=$1
shift
timeout ${READING} "$bin/pg_waldump" "$@" -p "$data/pg_wal" -s "$from" -e "$(segment_at "$final" 1)" \
"$(wal_file "$newer" "$from" "$segment")" "$final" 2>&1
}
if [ -n "$start" ] && [ -n "$final" ] && [ -n "$segment" ]; then
first=$(wal_file "$newer" "$start" "$segment")
whole=
said=$(dump "$start" -q) && whole=$final
case "$whole$said" in
*'error in WAL record at '*)
said=${expand('said##*error in WAL record at ')}
echo "last=${expand('said%%:*')}"
;;
*'could not find a valid record'* | *'WAL segment size'*) echo "last=$start" ;;
*'could not find file "'* | *'could not open file "'*)
said=${expand('said#*not ???? file ?')}
said=${expand('said%%[!0-9A-F]*')}
[ "$said" = "$first" ] || whole=$(wal_file "$newer" "$(segment_at "$said" -1)" "$segment")
;;
esac
if [ -n "$whole" ]; then
[ "$whole" = "$first" ] || start=$(segment_at "$whole" 0)
{ dump "$start" || [ $? != 124 ] || echo late; } |
sed -n -e 's/.* lsn: \([0-9A-F]*\/[0-9A-F]*\), prev .*/last=\1/p' -e 's/^late$/&/p' | tail -n 1 | grep '^last=' || :
fi
fi`;

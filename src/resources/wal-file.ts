import { type Script, sh } from '../shell/quote.js';
import { expand } from './server-process.js';

/**
 * Defines `wal_file TIMELINE LOCATION SEGMENT`, which prints the name of the WAL file that the location is in. pg_waldump is told it: otherwise it
 * takes the size of a segment from whichever file of the directory comes first, and fails where that one was made ahead and is all zeros.
 */
export const WAL_FILE: Script = sh`wal_file() {
printf '%08X%08X%08X' "$1" "$((0x${expand('2%/*')}))" "$((0x${expand('2#*/')} / $3))"
}`;

import { Script, sh } from '../shell/quote.js';

/** The shell's expansion of a variable with a pattern taken off: `rest##* `. */
export const expand = (expression: string): Script => Script.build(`\${${expression}}`);

/**
 * Finds the server of the data directory `$data`: `$running` is `yes`, `alone` for one in single-user mode, or nothing, and `$server` its
 * process.
 */
export const FIND_SERVER: Script = sh`running=
pid=
[ ! -r "$data/postmaster.pid" ] || read -r pid <"$data/postmaster.pid" || :
case "$pid" in
-*) server=${expand('pid#-')}; how=alone ;;
*) server=$pid; how=yes ;;
esac
if [ -n "$pid" ] && [ "$(readlink "/proc/$server/cwd")" = "$(readlink -f "$data")" ]; then running=$how; fi`;

/** Prints `replays=` and the WAL file that the server which `FIND_SERVER` found replays, where it does. */
export const TELL_REPLAYED: Script = sh`if [ "$running" = alone ]; then
ls -l "/proc/$server/fd" 2>/dev/null | sed -n 's/.*\/pg_wal\/\([0-9A-F]\{24\}\)$/replays=\1/p' | tail -n 1
elif [ -n "$running" ]; then
children=
read -r children <"/proc/$server/task/$server/children" 2>/dev/null || :
for child in $children; do
title=
read -r title <"/proc/$child/cmdline" 2>/dev/null || :
case "$title" in *' startup recovering '*) title=${expand('title##* startup recovering ')}; echo "replays=${expand('title%%[!0-9A-F]*')}" ;; esac
done
fi`;

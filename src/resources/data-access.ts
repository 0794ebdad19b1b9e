import { handle } from './handle.js';
import { sh } from '../shell/quote.js';
import { answerLines, type Observation } from './resource.js';

/** Who may use a data directory, and who does that should not. */
export interface DataAccess {
  /** The directory's permissions, as in chmod, and its owner; absent where there is none. */
  mode?: string;
  owner?: string;
  /** Directories on the way to it, or itself, that PostgreSQL's user may not enter. */
  closed: readonly string[];
  /** Files of PostgreSQL's own that do not belong to its user. */
  misowned: readonly string[];
  /** There is a database and no file with the options of its last start. */
  withoutOptions?: true;
  /** Processes of Patroni that run as root: their numbers and command lines. */
  asRoot: readonly { pid: number; command: string }[];
}

/** The observation's id. */
export const DATA_ACCESS = handle<DataAccess>('data-access');

/** Run as PostgreSQL's user; a directory above that is closed hides those below. */
const WAY = `path=$1
while :; do
[ ! -d "$path" ] || [ -x "$path" ] || echo "closed=$path"
[ "$path" != / ] || break
path=\${path%/*}
path=\${path:-/}
done`;

/** Files that servers, and Patroni, write at the top of a data directory; those that people put there may be anybody's. */
const OWN_FILES = [
  'PG_VERSION',
  'postmaster.pid',
  'postmaster.opts',
  'postgresql.auto.conf',
  'standby.signal',
  'recovery.signal',
  'backup_label',
  'patroni.dynamic.json',
];

/** Looks at a data directory's permissions as PostgreSQL's user sees them, and for a Patroni that root started. */
export function dataAccess({ path, user }: { path: string; user: string }): Observation<DataAccess> {
  return {
    ...DATA_ACCESS,
    when: 'start',
    probe: () => sh`data=${path}
if [ -d "$data" ]; then
stat -L -c 'mode=%a
owner=%U' "$data" 2>/dev/null || :
runuser -u ${user} -- sh -c ${WAY} sh "$data" 2>/dev/null || :
if [ -f "$data/PG_VERSION" ]; then
[ -e "$data/postmaster.opts" ] || echo options=missing
for file in ${OWN_FILES}; do
[ ! -e "$data/$file" ] || find "$data/$file" ! -user ${user} 2>/dev/null
done | sed 's/^/misowned=/'
find -H "$data"/base "$data"/global "$data"/pg_*/ -maxdepth 1 ! -type l ! -user ${user} 2>/dev/null | head -n 5 | sed 's/^/misowned=/'
fi
fi
namespace=$(readlink /proc/self/ns/pid)
for at in /proc/[0-9]*; do
read -r comm 2>/dev/null <"$at/comm" || continue
[ "$comm" = patroni ] || continue
[ "$(stat -c %u "$at" 2>/dev/null)" = 0 ] && [ "$(readlink "$at/ns/pid")" = "$namespace" ] || continue
echo "root=$(basename "$at") $(tr '\0' ' ' <"$at/cmdline" 2>/dev/null)"
done`,
    parse: (answer) => {
      const lines = answerLines(answer);
      const all = (key: string): string[] =>
        lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1).trim());
      const [mode] = all('mode');
      const [owner] = all('owner');
      return {
        ...(mode === undefined ? {} : { mode }),
        ...(owner === undefined ? {} : { owner }),
        closed: all('closed'),
        misowned: all('misowned'),
        ...(all('options').length > 0 ? { withoutOptions: true as const } : {}),
        asRoot: all('root').map((line) => {
          const [pid = '', ...command] = line.split(' ');
          return { pid: Number(pid), command: command.join(' ') };
        }),
      };
    },
  };
}

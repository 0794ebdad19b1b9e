import { sh } from '../../shell/quote.js';
import { seconds } from '../../shell/patience.js';
import { asPgbackrest, type BackupInfoOptions } from './info.js';
import { handle } from '../handle.js';
import { answerLines, type Observation } from '../resource.js';

/** The WAL that is in a repository, file by file. */
export interface ArchivedWal {
  repository: number;
  /** Successive files of one log, in order; one that is missing ends a run. */
  runs: readonly WalRun[];
  /** Timelines whose history is there, without which PostgreSQL follows none but that of the backup. */
  histories?: readonly WalHistory[];
  /** When the last file arrived, in seconds since 1970 by the clock of whoever keeps it; undefined: there is none. */
  last?: number;
}

/** Successive WAL files, the parts of whose names before the last eight digits are the same. */
export interface WalRun {
  /** pgBackRest's id of the database: `17-1`. */
  database: string;
  timeline: number;
  log: number;
  first: number;
  final: number;
}

/** The history of a timeline. */
export interface WalHistory {
  /** pgBackRest's id of the database: `17-1`. */
  database: string;
  timeline: number;
}

/** The observation's id; repositories whose archive could not be listed are left out. */
export const BACKUP_ARCHIVE = handle<readonly ArchivedWal[]>('backup-archive');

/** Seconds for the list of one repository: a store of objects gives a thousand names at a time. */
const WITHIN = 300;

/** How often a repository is listed where a file is only begun and a later one is there: several are copied at once, which ends in a moment. */
const LOOKS = 3;

/** What pgBackRest calls a file until all of it is there; where the disk is full it stays. */
const BEGUN = '.pgbackrest.tmp';

/** Turns pgBackRest's list of names, which is sorted, into runs, and tells whether a file is only begun before one that is there. */
const RUNS = `function hex(text, value, i) {
value = 0
for (i = 1; i <= length(text); i++) value = value * 16 + index("0123456789ABCDEF", substr(text, i, 1)) - 1
return value
}
function tell() { if (place != "") print "run=" place, first, final }
{
name = $NF
if (NF == 2 && name ~ /^[0-9A-F]+[.]history$/) print "history=" $1, hex(substr(name, 1, 8))
if (NF != 3 || substr(name, 25, 1) != "-" || substr(name, 1, 24) ~ /[^0-9A-F]/) next
here = $1 " " hex(substr(name, 1, 8)) " " hex(substr(name, 9, 8))
number = hex(substr(name, 17, 8))
if (name ~ /${BEGUN.replaceAll('.', '[.]')}$/) {
if (here != place || number != final) begun = 1
next
}
if (begun) early = 1
if (here == place && number == final) next
if (here != place || number != final + 1) { tell(); place = here; first = number }
final = number
last = $1 "/" $2
}
END { tell(); if (last != "") print "last=" last; if (early) print "early" }`;

/** Which WAL files are in the repositories that a host reaches, by their numbers. */
export function backupArchive(options: BackupInfoOptions, repositories: readonly number[]): Observation<readonly ArchivedWal[]> {
  const archive = `archive/${options.stanza}`;
  return {
    ...BACKUP_ARCHIVE,
    when: 'start',
    probe: () => sh`for repository in ${repositories}; do
look=0
while :; do
look=$((look + 1))
listed=$(timeout -k 2 ${seconds(WITHIN)} ${asPgbackrest(options, sh`"--repo=$repository" --recurse repo-ls ${archive}`)} 2>/dev/null) || continue 2
told=$(printf '%s\n' "$listed" | awk -F / ${RUNS})
case "$told" in *early) [ "$look" -ge ${LOOKS} ] || { sleep 2; continue; } ;; esac
break
done
echo "repository=$repository"
printf '%s\n' "$told" | grep -E '^(run|history)=' || :
directory=$(printf '%s\n' "$told" | sed -n 's/^last=//p')
[ -z "$directory" ] || ${asPgbackrest(options, sh`"--repo=$repository" --output=json repo-ls ${archive}/"$directory"`)} 2>/dev/null |
sed ${`s/"[^"]*${BEGUN.replaceAll('.', '[.]')}":{[^}]*}//g`} | tr '{' '\n' | sed -n 's/.*"time":\([0-9]*\).*/\1/p' | sort -n | tail -n 1 | sed 's/^/time=/'
done`,
    parse: (answer) => {
      const found: { repository: number; runs: WalRun[]; histories: WalHistory[]; last?: number }[] = [];
      for (const line of answerLines(answer)) {
        const [key = '', value = ''] = line.split('=');
        const current = found.at(-1);
        if (key === 'repository') found.push({ repository: Number(value), runs: [], histories: [] });
        else if (key === 'time' && current !== undefined) current.last = Number(value);
        else if (key === 'history') {
          const [database = '', timeline] = value.split(' ');
          current?.histories.push({ database, timeline: Number(timeline) });
        } else if (key === 'run') {
          const [database = '', timeline, log, first, final] = value.split(' ');
          current?.runs.push({ database, timeline: Number(timeline), log: Number(log), first: Number(first), final: Number(final) });
        }
      }
      return found;
    },
  };
}

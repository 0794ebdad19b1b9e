import { handle } from './handle.js';
import { type Script, sh } from '../shell/quote.js';
import { answerLines, UnknownAnswer, type Answer, type Observation } from './resource.js';
import { expand, FIND_SERVER, TELL_REPLAYED } from './server-process.js';
import { type SharedQuestion, printAnswer } from './shared-question.js';
import { TELL_LAST_RECORD } from './wal-file.js';

/** What is in global/pg_control: PostgreSQL writes all of its 8192 bytes at once, and initdb writes it early. */
export type ControlFile = 'valid' | 'missing' | 'zero' | 'truncated' | 'damaged';

/** How far the WAL of a data directory goes; locations are written as PostgreSQL writes them, `0/5005420`. */
export interface WalPosition {
  /**
   * The newest timeline that it has data of: the last checkpoint's, the minimum recovery ending location's, or that of its newest WAL file whose
   * history is there: pg_rewind leaves WAL of a timeline that it took back, without that.
   */
  timeline: number;
  /** The last checkpoint, of a standby the last restartpoint. */
  checkpoint: string;
  /** A server wrote that checkpoint while nothing else was written: as it stopped, or at the end of its recovery. */
  atRest?: true;
  /** The next OID as the last checkpoint has it: below 16384 it is initdb's own, because a server that others connect to starts there. */
  nextOid: number;
  /**
   * Where the last valid WAL record starts. The checkpoint itself after a clean shutdown as a primary, otherwise read with
   * pg_waldump; undefined while PostgreSQL runs, and where the WAL could not be read.
   */
  lastRecord: string | undefined;
}

/** The newest timeline history file in pg_wal: which timelines went before, and where each was left (`1 0/5005498`). */
export interface TimelineHistory {
  timeline: number;
  forks: readonly string[];
}

/** What is where PostgreSQL's data is, or is to be; `mounted` where that is a mount point, which no directory can be renamed to. */
export type DataDirectoryState =
  | { kind: 'absent' }
  | { kind: 'empty'; mounted?: true }
  | { kind: 'foreign'; entries: string[]; mounted?: true }
  | ClusterData;

/** A data directory that initdb or a copy has at least begun. */
export interface ClusterData {
  kind: 'cluster';
  /** Major version from PG_VERSION, e.g. `17`. */
  version: string;
  /** Decimal system identifier from pg_control, undefined when it holds none (an interrupted initdb). */
  systemIdentifier: string | undefined;
  /** Data checksum version, 0 for none; undefined without pg_controldata. */
  checksums: number | undefined;
  /** e.g. `in production`, `shut down`; undefined without pg_controldata. */
  clusterState: string | undefined;
  /** Bytes of a WAL file; absent without pg_controldata. */
  segment?: number;
  /** An incomplete copy: a base backup writes its label first and pg_control last. */
  copy: 'none' | 'under way' | 'interrupted';
  /** A base backup with pg_control, of a server that was writing, on which no server has started yet. */
  unstarted?: true;
  /** pgprov initialised it on this host (see `markOwn`). */
  ours: boolean;
  control: ControlFile;
  /** A postmaster has it open. */
  running: boolean;
  /** A server without a postmaster has it open (`postgres --single`), as Patroni runs one to recover from a crash. */
  alone?: true;
  /** The WAL file that a server which is no primary has just been reading for its replay, where that shows. */
  replays?: string;
  /** Undefined without pg_controldata. */
  position: WalPosition | undefined;
  history: TimelineHistory | undefined;
  /** A path of PostgreSQL's own below it that does not belong to PostgreSQL's user, where one was found; not looked for while it runs. */
  misowned: string | undefined;
}

/** Whose data directory it is, and with which programs it is read. */
export interface DataDirectoryOptions {
  path: string;
  binDirectory: string;
  /** PostgreSQL's user. */
  user: string;
}

/** What Patroni remembers of the dynamic configuration beside the data; a bootstrap that failed leaves it behind, alone. */
export const PATRONI_CACHE = 'patroni.dynamic.json';

/** Processes that fill a data directory with a copy of another. */
const COPYING = '^(pg_basebackup|wal-g|barman.*|rsync)$';

/** pgBackRest also serves, archives and makes backups, so it counts only with this in its command line. */
const RESTORING = 'restore';

/** In a label that came with a copy; the label of an exclusive backup, which up to PostgreSQL 14 lies in the data of the primary itself, says otherwise. */
const STREAMED = 'BACKUP METHOD: streamed';

/** Where a host notes the system identifiers of the clusters that pgprov initialised there. */
export const OWN_CLUSTERS = '/var/lib/pgprov/clusters';

/** Notes the system identifier of the data directory in the shell variable `$data` as one of ours. */
export const markOwn: Script = sh`mkdir -p ${OWN_CLUSTERS}
: >${OWN_CLUSTERS}/"$(od -An -tu8 -N8 "$data/global/pg_control" | tr -d ' ')"`;

/** The observation's id, for guards that look it up. */
export const DATA_DIRECTORY = handle<DataDirectoryState>('data-directory');

/**
 * Reads a data directory without a server: pg_control starts with the system identifier as a native 64-bit integer. With
 * pg_controldata and pg_waldump it also tells checksums, state, and how far the WAL goes.
 */
export function dataDirectory(
  options: DataDirectoryOptions,
): Observation<DataDirectoryState> & { readonly sharedQuestions: readonly SharedQuestion[] } {
  const question = dataQuestion(options);
  return {
    ...DATA_DIRECTORY,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => readDataDirectory(answer),
  };
}

/** Reads the answer to `dataQuestion`, which may come with other lines. */
export function readDataDirectory(answer: Answer): DataDirectoryState {
  const lines = answerLines(answer).map((line): [string, string] => {
    const at = line.indexOf('=');
    return [line.slice(0, at), line.slice(at + 1)];
  });
  const values = new Map(lines);
  const all = (wanted: string): string[] => lines.filter(([key]) => key === wanted).map(([, value]) => value);
  const kind = values.get('kind');
  if (kind === 'absent') return { kind };
  const mounted = values.get('mounted') === 'yes' ? { mounted: true as const } : {};
  if (kind === 'empty') return { kind, ...mounted };
  if (kind === 'foreign') return { kind, entries: all('entry'), ...mounted };
  if (kind !== 'cluster') throw new UnknownAnswer(DATA_DIRECTORY.id, answer);
  const [checksums, segment] = [values.get('checksums'), values.get('segment')];
  const [history, replays] = [values.get('history'), values.get('replays')];
  return {
    kind,
    version: values.get('version') ?? '',
    systemIdentifier: values.get('identifier'),
    checksums: checksums === undefined ? undefined : Number(checksums),
    clusterState: values.get('state'),
    ...(segment === undefined ? {} : { segment: Number(segment) }),
    copy: (values.get('copy') ?? 'none') as ClusterData['copy'],
    ...(values.get('unstarted') === 'yes' ? { unstarted: true as const } : {}),
    ours: values.get('ours') === 'yes',
    // What the file itself shows comes before what pg_controldata makes of it.
    control: (all('control')[0] ?? 'valid') as ControlFile,
    running: values.get('running') === 'yes',
    ...(values.get('running') === 'alone' ? { alone: true as const } : {}),
    ...(replays === undefined ? {} : { replays }),
    position: readPosition(values),
    history: history === undefined ? undefined : { timeline: Number.parseInt(history, 16), forks: all('fork') },
    misowned: values.get('misowned'),
  };
}

function readPosition(values: ReadonlyMap<string, string>): WalPosition | undefined {
  const checkpoint = values.get('checkpoint');
  if (checkpoint === undefined) return undefined;
  const written = values.get('segments');
  const timelines = [values.get('timeline'), values.get('recovery-timeline')].map((text) => Number(text ?? 0));
  return {
    timeline: Math.max(...timelines, written === undefined ? 0 : Number.parseInt(written, 16)),
    checkpoint,
    ...(values.get('redo') === checkpoint ? { atRest: true as const } : {}),
    nextOid: Number(values.get('next-oid')),
    lastRecord: values.get('state') === 'shut down' ? checkpoint : values.get('last'),
  };
}

/** Succeeds where the answer to `dataQuestion` is a database with a control file that PostgreSQL can read, as far as that shows. */
export const HOLDS_CLUSTER: Script = sh`case "$pgprov_nl$pgprov_data$pgprov_nl" in
*"$pgprov_nl"control=*) false ;;
*"$pgprov_nl"kind=cluster"$pgprov_nl"*) : ;;
*) false ;;
esac`;

/** Asks all that `dataDirectory` tells of the one data directory of a host. */
export function dataQuestion({ path, binDirectory, user }: DataDirectoryOptions): SharedQuestion {
  return {
    variable: 'pgprov_data',
    subjects: [path],
    ask: () => sh`data=${path}
bin=${binDirectory}
if [ ! -e "$data" ]; then echo kind=absent
elif [ ! -d "$data" ]; then echo kind=foreign; echo "entry=(not a directory)"
elif [ -f "$data/PG_VERSION" ]; then
echo kind=cluster
copying() {
! cat /proc/[0-9]*/comm 2>/dev/null | grep -qE ${COPYING} || return 0
for comm in $(grep -lsx pgbackrest /proc/[0-9]*/comm); do
! grep -qsa ${RESTORING} "${expand('comm%comm')}cmdline" || return 0
done
return 1
}
read -r version <"$data/PG_VERSION"
echo "version=$version"
${FIND_SERVER}
[ -z "$running" ] || echo "running=$running"
if [ -s "$data/global/pg_control" ]; then
set -- $(od -An -tu8 -N8 "$data/global/pg_control")
if [ "$(wc -c <"$data/global/pg_control")" -lt 8192 ]; then echo control=truncated
elif [ "$1" = 0 ]; then echo control=zero
fi
if [ "$1" != 0 ]; then echo "identifier=$1"; fi
if [ -e ${OWN_CLUSTERS}/"$1" ]; then echo ours=yes; fi
else
echo control=missing
if [ -e "$data/backup_label" ]; then
if copying; then echo 'copy=under way'; else echo copy=interrupted; fi
fi
fi
newest=
for file in "$data"/pg_wal/????????.history; do [ ! -e "$file" ] || newest=$file; done
fork=
if [ -n "$newest" ]; then
newest=${expand('newest##*/')}
newest=${expand('newest%.history')}
echo "history=$newest"
while read -r left at why; do
case "$left" in [1-9]*) fork=$at; echo "fork=$left $at" ;; esac
done <"$data/pg_wal/$newest.history"
fi
if [ -x "$bin/pg_controldata" ]; then
state=
timeline=0
recovery=0
segments=
segment=
checkpoint=
while read -r one two three rest; do
case "$one $two $three $rest" in
'Database cluster state: '*) state=$rest; echo "state=$rest" ;;
'Data page checksum '*) echo "checksums=${expand('rest##* ')}" ;;
'Bytes per WAL segment: '*) segment=${expand('rest##* ')}; echo "segment=$segment" ;;
'Latest checkpoint location: '*) checkpoint=$rest; echo "checkpoint=$rest" ;;
"Latest checkpoint's REDO location: "*) echo "redo=${expand('rest##* ')}" ;;
"Latest checkpoint's TimeLineID: "*) timeline=$rest; echo "timeline=$rest" ;;
"Latest checkpoint's NextOID: "*) echo "next-oid=$rest" ;;
"Min recovery ending loc's "*) recovery=${expand('rest##* ')}; echo "recovery-timeline=$recovery" ;;
*'alculated CRC checksum does'*)
case "$("$bin/pg_controldata" --version)" in *") $version"[!0-9]*) echo control=damaged ;; esac
;;
esac
done <<CONTROL
$("$bin/pg_controldata" "$data" 2>&1)
CONTROL
if [ -z "$running" ] && [ "$state" = 'in production' ] && grep -qx ${STREAMED} "$data/backup_label" 2>/dev/null && ! copying; then
echo unstarted=yes
fi
if [ "$running" = alone ] || [ "$state" != 'in production' ]; then
${TELL_REPLAYED}
fi
if [ -z "$running" ] && [ -n "$checkpoint" ]; then
for file in "$data"/pg_wal/????????????????????????; do
[ -f "$file" ] || continue
file=${expand('file##*/')}
number=${expand('file%????????????????')}
case $number in *[!0-9A-F]*) continue ;; esac
if [ "$((0x$number))" -le "$timeline" ] || [ "$((0x$number))" -le "$recovery" ] || [ -e "$data/pg_wal/$number.history" ]; then segments=$file; fi
done
final=$segments
if [ -n "$segments" ]; then
segments=${expand('segments%????????????????')}
echo "segments=$segments"
fi
newer=$timeline
[ "$recovery" -le "$newer" ] || newer=$recovery
[ "$((0x0$segments))" -le "$newer" ] || newer=$((0x0$segments))
start=$checkpoint
if [ "$newer" != "$timeline" ]; then
start=
[ "$((0x0$newest))" != "$newer" ] || start=$fork
fi
if [ "$state" != 'shut down' ]; then
${TELL_LAST_RECORD}
fi
fi
fi
if [ -z "$running" ]; then
find -H "$data"/base "$data"/global "$data"/pg_*/ ! -type l ! -user ${user} -print -quit 2>/dev/null | sed 's/^/misowned=/'
fi
else
if [ -z "$(ls -A "$data" | grep -vxF ${PATRONI_CACHE})" ]; then echo kind=empty
else
echo kind=foreign
ls -A "$data" | head -n 5 | sed 's/^/entry=/'
fi
! mountpoint -q "$data" 2>/dev/null || echo mounted=yes
fi`,
  };
}

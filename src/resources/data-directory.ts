import { sh, type Script } from '../shell/quote.js';
import { answerLines, UnknownAnswer, type Observation } from './resource.js';
import { type SharedQuestion, tellShared } from './shared-question.js';

/** What is where PostgreSQL's data is, or is to be. */
export type DataDirectoryState =
  | { kind: 'absent' | 'empty' }
  | { kind: 'foreign'; entries: string[] }
  | {
      kind: 'cluster';
      /** Major version from PG_VERSION, e.g. `17`. */
      version: string;
      /** Decimal system identifier from pg_control, undefined when the file is not there (an interrupted initdb). */
      systemIdentifier: string | undefined;
      /** Data checksum version, 0 for none; undefined without pg_controldata. */
      checksums: number | undefined;
      /** e.g. `in production`, `shut down`; undefined without pg_controldata. */
      clusterState: string | undefined;
      /** An incomplete copy: a base backup writes its label first and pg_control last. */
      copy: 'none' | 'under way' | 'interrupted';
      /** pgprov initialised it on this host (see `markOwn`). */
      ours: boolean;
    };

/** Processes that fill a data directory with a copy of another. */
const COPYING = '^(pg_basebackup|pgbackrest|wal-g|barman.*|rsync)$';

/** Where a host notes the system identifiers of the clusters that pgprov initialised there. */
export const OWN_CLUSTERS = '/var/lib/pgprov/clusters';

/** Notes the system identifier of the data directory in the shell variable `$data` as one of ours. */
export const markOwn: Script = sh`mkdir -p ${OWN_CLUSTERS}
: >${OWN_CLUSTERS}/"$(od -An -tu8 -N8 "$data/global/pg_control" | tr -d ' ')"`;

/** The observation's id, for guards that look it up. */
export const DATA_DIRECTORY = 'data-directory';

/**
 * Reads a data directory without PostgreSQL: pg_control starts with the system identifier as a native
 * 64-bit integer. With pg_controldata it also tells checksums and state.
 */
export function dataDirectory(path: string, binDirectory: string): Observation<DataDirectoryState> & { readonly shares: readonly SharedQuestion[] } {
  const question = dataQuestion(path, binDirectory);
  return {
    id: DATA_DIRECTORY,
    shares: [question],
    probe: () => tellShared(question),
    parse: (answer) => {
      const lines = answerLines(answer).map((line): [string, string] => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      });
      const values = new Map(lines);
      const kind = values.get('kind');
      if (kind === 'absent' || kind === 'empty') return { kind };
      if (kind === 'foreign') return { kind, entries: lines.filter(([key]) => key === 'entry').map(([, value]) => value) };
      if (kind !== 'cluster') throw new UnknownAnswer(DATA_DIRECTORY, answer);
      const checksums = values.get('checksums');
      return {
        kind,
        version: values.get('version') ?? '',
        systemIdentifier: values.get('identifier'),
        checksums: checksums === undefined ? undefined : Number(checksums),
        clusterState: values.get('state'),
        copy: (values.get('copy') ?? 'none') as 'none' | 'under way' | 'interrupted',
        ours: values.get('ours') === 'yes',
      };
    },
  };
}

/** Asks all that `dataDirectory` tells of the one data directory of a host. */
function dataQuestion(path: string, binDirectory: string): SharedQuestion {
  return {
    variable: 'pgprov_data',
    subjects: [path],
    ask: () => sh`data=${path}
if [ ! -e "$data" ]; then echo kind=absent
elif [ ! -d "$data" ]; then echo kind=foreign; echo "entry=(not a directory)"
elif [ -f "$data/PG_VERSION" ]; then
echo kind=cluster
read -r version <"$data/PG_VERSION"
echo "version=$version"
if [ -s "$data/global/pg_control" ]; then
set -- $(od -An -tu8 -N8 "$data/global/pg_control")
echo "identifier=$1"
if [ -e ${OWN_CLUSTERS}/"$1" ]; then echo ours=yes; fi
elif [ -e "$data/backup_label" ]; then
if cat /proc/[0-9]*/comm 2>/dev/null | grep -qE ${COPYING}; then echo 'copy=under way'; else echo copy=interrupted; fi
fi
if [ -x ${`${binDirectory}/pg_controldata`} ]; then
${`${binDirectory}/pg_controldata`} "$data" 2>/dev/null | while read -r one two three rest; do
case "$one $two $three" in
'Database cluster state:') echo "state=$rest" ;;
'Data page checksum') set -- $rest; echo "checksums=$2" ;;
esac
done
fi
elif [ -z "$(ls -A "$data")" ]; then echo kind=empty
else
echo kind=foreign
ls -A "$data" | head -n 5 | sed 's/^/entry=/'
fi`,
  };
}

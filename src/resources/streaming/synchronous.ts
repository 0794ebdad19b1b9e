import type { Ownership } from '../files/path.js';
import { writeFileScript } from '../files/writing.js';
import { findRows, psql, psqlInput, sqlLiteral, sqlQuestion, type LocalServer } from '../psql.js';
import { answerText, digestOf, NOTHING_DONE, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { STANDBY_LINE, tellStandby } from '../standby-signal.js';
import { seconds } from '../../shell/patience.js';
import { joinScripts, sh, type Script } from '../../shell/quote.js';

/** For which standbys the commits of a server wait while it is the primary. */
export interface SynchronousOptions {
  server: LocalServer;
  /** Its data directory. */
  data: string;
  /** The file of its own that says so; it is there on a primary alone. */
  path: string;
  ownership: Ownership;
  /** Value of synchronous_standby_names; '' for none. */
  wanted: string;
  /** The standbys that it names, by their application_name. */
  names: readonly string[];
}

/** What is there of it. */
export interface SynchronousState {
  server: 'down' | 'primary' | 'standby';
  /** What the file says; '' where there is none. */
  value: string;
}

const VALUE = '@value ';
const QUERY = 'SELECT pg_is_in_recovery() AS synchronous';

/** What a copy of a primary must not bring along, below its data directory. */
export const SYNCHRONOUS_FILE = 'conf.d/pgprov-synchronous.conf';

/**
 * Commits wait for nobody whom the inventory does not name any more, and on a standby nothing says that they ever would: it comes before anything
 * is committed in a run.
 */
export function synchronousEnded(options: SynchronousOptions): Resource<SynchronousState> {
  const { server, path, wanted } = options;
  return {
    ...lookAt('synchronous-ended', options),
    diff: ({ server: is, value }) =>
      value === '' || (is !== 'standby' && value === wanted)
        ? []
        : [{ action: 'run', summary: `take ${path} away: commits wait no longer for ${value}` }],
    apply: (_changes, { server: is }) => joinScripts([sh`rm -f ${path}`, ...(is === 'down' ? [] : [inForce(server, '')])]),
  };
}

/** Commits of the primary wait for standbys, from when all of these stream: so none ever waits for one that is not there yet. */
export function synchronousBegun(options: SynchronousOptions): Resource<SynchronousState> {
  const { server, path, ownership, wanted, names } = options;
  return {
    ...lookAt('synchronous-begun', options),
    diff: ({ server: is, value }) =>
      wanted === '' || is === 'standby' || value === wanted ? [] : [{ action: 'run', summary: `have commits wait for ${wanted}` }],
    apply: () => sh`waited=0
while :; do
missing=$(${psqlInput(server, missingOf(names))}) || exit ${NOTHING_DONE}
[ -n "$missing" ] || break
waited=$((waited + 1))
if [ "$waited" -ge ${seconds(STREAMING_WITHIN)} ]; then
echo "commits are not made to wait, because not all of the standbys stream: $missing"
exit ${NOTHING_DONE}
fi
sleep 1
done
( ${writeFileScript(path, `# Managed by pgprov\nsynchronous_standby_names = '${wanted}'\n`, ownership)} ) || exit 1
${inForce(server, wanted)}`,
  };
}

/** Seconds in which the standbys are to stream, the last of which was just started. */
const STREAMING_WITHIN = 30;

function missingOf(names: readonly string[]): string {
  const list = `ARRAY[${names.map(sqlLiteral).join(', ')}]::text[]`;
  return `SELECT string_agg(name, ', ') FROM unnest(${list}) AS name WHERE NOT EXISTS (SELECT FROM pg_stat_replication WHERE application_name = name AND state = 'streaming');`;
}

function lookAt(
  id: string,
  { server, data, path, wanted }: SynchronousOptions,
): Pick<Resource<SynchronousState>, 'id' | 'sharedQuestions' | 'probe' | 'parse' | 'digest'> {
  const rows = sqlQuestion(server, QUERY);
  return {
    id,
    sharedQuestions: [rows],
    probe: () =>
      joinScripts([
        sh`${tellStandby(data)}
sed -n ${`s/^synchronous_standby_names = '\\(.*\\)'$/${VALUE}\\1/p`} ${path} 2>/dev/null || :`,
        printAnswer(rows),
      ]),
    parse: (answer) => {
      const text = answerText(answer);
      const lines = text.split('\n');
      const [recovers] = findRows(text, QUERY) ?? [];
      const down = lines.includes(STANDBY_LINE) ? 'standby' : 'down';
      return {
        server: recovers === undefined ? down : recovers === 't' ? 'standby' : 'primary',
        value: lines.find((line) => line.startsWith(VALUE))?.slice(VALUE.length) ?? '',
      };
    },
    digest: () => digestOf(id, path, wanted),
  };
}

/** Has the server read its files, and waits until it goes by this value. */
function inForce(server: LocalServer, value: string): Script {
  return sh`${psql(server, ['-c', 'SELECT pg_reload_conf()'])} >/dev/null || exit 1
for turn in 1 2 3 4 5 6 7 8 9 10; do
now=$(${psql(server, ['-c', 'SHOW synchronous_standby_names'])}) || exit 1
[ "$now" != ${value} ] || exit 0
sleep 1
done
echo ${`synchronous_standby_names is not`} ${value === '' ? 'empty' : value} "yet, but $now"
exit 1`;
}

import { ARCHIVE_CAUSE, ARCHIVE_FAILED } from '../postgres/archiver-words.js';
import { handle } from './handle.js';
import { logFilesOf, type LogPlace } from './host-logs.js';
import { findRows, sqlQuestion, type LocalServer } from './psql.js';
import { sh, type Script } from '../shell/quote.js';
import { answerText, type Observation } from './resource.js';
import { printAnswer } from './shared-question.js';

/** How a server’s archiving of WAL goes. Times are seconds before it answered. */
export interface Archiving {
  /** It replays what another server wrote, and archives nothing. */
  standby: boolean;
  /** archive_mode is in force. */
  on: boolean;
  archivedAgo?: number;
  failedAgo?: number;
  failedWal?: string;
  /** Segments that wait to be archived, the bytes of one, and how long the oldest has waited; absent: none waits. */
  waiting: number;
  segment: number;
  waitingFor?: number;
  /** Bytes that are free where WAL is; undefined: unknown. */
  free?: number;
  /** What the log says last of WAL that cannot be archived: PostgreSQL's own line, and pgBackRest's; only while it cannot. */
  said?: { server?: string; cause?: string };
}

/** The observation's id; undefined while the server is down. */
export const ARCHIVING = handle<Archiving | undefined>('archiving');

const QUERY = `SELECT json_build_object('standby', pg_is_in_recovery(), 'on', current_setting('archive_mode') <> 'off', 'wal', last_failed_wal,
  'archived', extract(epoch FROM clock_timestamp() - last_archived_time), 'failed', extract(epoch FROM clock_timestamp() - last_failed_time),
  'failing', coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false), 'waiting', ready.files,
  'waitingFor', extract(epoch FROM clock_timestamp() - ready.oldest),
  'segment', (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'))::text FROM pg_stat_archiver,
  (SELECT count(*) AS files, min(modification) AS oldest FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready') ready`;

/** What PostgreSQL's words for `failing` look like in the answer. */
const FAILING = '"failing" : true';

/** Of each log so many lines are looked through: the command is tried again each minute. */
const LINES = 4000;

/** Asks a server how its archiving goes, the host how much room there is for WAL, and the logs for why it fails where it does. */
export function archiving(server: LocalServer, place: LogPlace & { unit: string }): Observation<Archiving | undefined> {
  const rows = sqlQuestion(server, QUERY);
  const logs = sh`{
journalctl --quiet --no-pager --output=cat --since=-1h --lines=${LINES} --unit=${place.unit} 2>/dev/null
${logFilesOf(place, { since: 0, lines: LINES, follow: false })}
}`;
  return {
    ...ARCHIVING,
    when: 'startAndEnd',
    sharedQuestions: [rows],
    probe: () => sh`df -B1 --output=avail ${`${place.data}/pg_wal`} 2>/dev/null | sed -n 2p
echo @
answered=$(
${printAnswer(rows)}
)
case "$answered" in
*${FAILING}*) archived=$(printf '%s\n' "$answered" | sed -n 's/.*"archived" : \([0-9]*\).*/\1/p')
${logs} | ${sinceArchived()} | LC_ALL=C grep -aE ${`${ARCHIVE_FAILED}|${ARCHIVE_CAUSE}`} | tail -n 20 ;;
esac
echo @
printf '%s\n' "$answered"`,
    parse: (answer) => {
      const [free = '', logged = '', answers = ''] = parts(answerText(answer));
      const [row] = findRows(`\n${answers}`, QUERY) ?? [];
      if (row === undefined) return undefined;
      const told = JSON.parse(row) as Readonly<Record<string, unknown>>;
      return {
        standby: told['standby'] === true,
        on: told['on'] === true,
        ...number('archivedAgo', told['archived']),
        ...number('failedAgo', told['failed']),
        ...(typeof told['wal'] === 'string' ? { failedWal: told['wal'] } : {}),
        waiting: Number(told['waiting']),
        segment: Number(told['segment']),
        ...number('waitingFor', told['waitingFor']),
        ...(free.trim() === '' ? {} : { free: Number(free) }),
        ...readSaid(logged.split('\n')),
      };
    },
  };
}

/**
 * Leaves out what pgBackRest said before WAL was archived last, and the indented lines after it: that was another failure. What PostgreSQL says needs
 * no look at its time, which may be in another zone: its newest line is of this failure.
 */
function sinceArchived(): Script {
  return sh`LC_ALL=C awk -v since="$([ -z "$archived" ] || date -d "-$archived seconds" '+%Y-%m-%d %H:%M:%S')" '
/^[0-9-]+ [0-9:.]+ P[0-9]+ +[A-Z]+: / { old = substr($0, 1, 19) < since; if (old) next }
old && /^ / { next }
{ print }'`;
}

/** The answer's parts, which lines with `@` alone divide; the last one may have such lines itself. */
function parts(text: string): string[] {
  const [free = '', logged = '', ...rest] = text.split(/^@\n/mu);
  return [free, logged, rest.join('@\n')];
}

/** Without what the line begins with in the log: the time, a number and a level. */
function readSaid(lines: readonly string[]): Pick<Archiving, 'said'> {
  const server = lines
    .findLast((line) => new RegExp(ARCHIVE_FAILED, 'u').test(line))
    ?.replace(/^.*?(?=archive command|archiving write-ahead)/u, '');
  const causes = lines.filter((line) => new RegExp(ARCHIVE_CAUSE, 'u').test(line));
  // What it says of a repository says the most.
  const cause = (causes.findLast((line) => /^ *repo/u.test(line)) ?? causes.at(-1))?.replace(/^.*?(?=ERROR: \[)|^ +/u, '');
  if (server === undefined && cause === undefined) return {};
  return { said: { ...(server === undefined ? {} : { server }), ...(cause === undefined ? {} : { cause }) } };
}

function number<Name extends string>(name: Name, value: unknown): { [Key in Name]?: number } {
  return typeof value === 'number' ? ({ [name]: value } as { [Key in Name]?: number }) : {};
}

import { handle } from './handle.js';
import { findRows, sqlQuestion, type LocalServer } from './psql.js';
import { sh } from '../shell/quote.js';
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
  /** Segments that wait to be archived, and the bytes of one. */
  waiting: number;
  segment: number;
  /** Bytes that are free where WAL is; undefined: unknown. */
  free?: number;
}

/** The observation's id; undefined while the server is down. */
export const ARCHIVING = handle<Archiving | undefined>('archiving');

const QUERY = `SELECT json_build_object('standby', pg_is_in_recovery(), 'on', current_setting('archive_mode') <> 'off', 'wal', last_failed_wal,
  'archived', extract(epoch FROM clock_timestamp() - last_archived_time), 'failed', extract(epoch FROM clock_timestamp() - last_failed_time),
  'waiting', (SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'),
  'segment', (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size'))::text FROM pg_stat_archiver`;

/** Asks a server how its archiving goes, and the host how much room there is for WAL. */
export function archiving(server: LocalServer, dataDirectory: string): Observation<Archiving | undefined> {
  const rows = sqlQuestion(server, QUERY);
  return {
    ...ARCHIVING,
    when: 'startAndEnd',
    sharedQuestions: [rows],
    probe: () => sh`df -B1 --output=avail ${`${dataDirectory}/pg_wal`} 2>/dev/null | sed -n 2p
echo @
${printAnswer(rows)}`,
    parse: (answer) => {
      const [free = '', answers = ''] = answerText(answer).split('@\n');
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
        ...(free.trim() === '' ? {} : { free: Number(free) }),
      };
    },
  };
}

function number<Name extends string>(name: Name, value: unknown): { [Key in Name]?: number } {
  return typeof value === 'number' ? ({ [name]: value } as { [Key in Name]?: number }) : {};
}

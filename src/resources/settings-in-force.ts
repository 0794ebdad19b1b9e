import { handle } from './handle.js';
import { findRows, sqlLiteral, sqlQuestion, type LocalServer } from './psql.js';
import { answerText, type Observation } from './resource.js';
import { printAnswer } from './shared-question.js';

/** Parameters by name, as an inventory gives them. */
export type WantedSettings = Readonly<Record<string, string | number | boolean>>;

/** One parameter that is wanted, as the server has it. */
export interface SettingInForce {
  name: string;
  wanted: string;
  /** With its unit, as SHOW prints it; '' where there is no such parameter. */
  value: string;
  /** The server has in force what is wanted, however that is spelled. */
  taken: boolean;
  /** A change takes a restart: the parameter is such a one, or was given on the server's command line. */
  restart: boolean;
  /** A file of the server's, other than that of ALTER SYSTEM, gives it in just these words. */
  told: boolean;
}

/** What the server says of its files and of what it has in force; `answers: false` while it is down. */
export type ServerSettings =
  | { answers: false }
  | {
      answers: true;
      settings: SettingInForce[];
      /** What ALTER SYSTEM has set; it goes over every other file. */
      altered: { name: string; value: string }[];
      /** Lines of configuration files that the server cannot take. */
      fileErrors: { file: string; line: number; name: string; message: string }[];
      /** Lines of pg_hba.conf that it cannot take; with any of them a reload keeps the old ones in force. */
      accessErrors: { line: number; message: string }[];
      /** Lines that it takes and that no connection can match, as `hostssl` without ssl; PostgreSQL lists them among its errors. */
      idleLines: { line: number; message: string }[];
    };

/** The observation's id. */
export const SERVER_SETTINGS = handle<ServerSettings>('server-settings');

/** Asks the server what is in force of what is wanted, what ALTER SYSTEM has set, and what is wrong in its files. */
export function serverSettings(server: LocalServer, wanted: WantedSettings): Observation<ServerSettings> {
  const query = settingsQuery(wanted);
  const rows = sqlQuestion(server, query);
  return {
    ...SERVER_SETTINGS,
    when: 'startAndEnd',
    sharedQuestions: [rows],
    probe: () => printAnswer(rows),
    parse: (answer) => readSettings(findRows(answerText(answer), query)),
  };
}

type Row =
  | ({ kind: 'setting' } & SettingInForce)
  | { kind: 'altered'; name: string; value: string }
  | { kind: 'file'; file: string; line: number; name: string | null; message: string }
  | { kind: 'access'; line: number; message: string }
  | { kind: 'idle'; line: number; message: string };

function readSettings(rows: readonly string[] | undefined): ServerSettings {
  // The first row says that the query was answered at all.
  if (rows?.[0] !== ANSWERED) return { answers: false };
  const read = rows.slice(1).map((row) => JSON.parse(row) as Row);
  const of = <Kind extends Row['kind']>(kind: Kind): Omit<Extract<Row, { kind: Kind }>, 'kind'>[] =>
    read.filter((row): row is Extract<Row, { kind: Kind }> => row.kind === kind).map(({ kind: _kind, ...row }) => row);
  return {
    answers: true,
    settings: of('setting'),
    altered: of('altered'),
    fileErrors: of('file').map((row) => ({ ...row, name: row.name ?? '' })),
    accessErrors: of('access'),
    idleLines: of('idle'),
  };
}

const ANSWERED = 'answered';

/** Names of wanted parameters that the server has not in force and may still take up, without a restart; the text of a query. */
export function awaitedQuery(wanted: WantedSettings): string {
  return `${comparison(wanted)}
SELECT name FROM compared WHERE NOT taken AND NOT restart AND NOT altered AND NOT broken ORDER BY name`;
}

/** Number of wanted parameters that the server has not in force, whatever the reason; the text of a query. */
export function unknownCountQuery(wanted: WantedSettings): string {
  return `${comparison(wanted)}
SELECT count(*) FROM compared WHERE broken OR NOT taken`;
}

function settingsQuery(wanted: WantedSettings): string {
  return `${comparison(wanted)}
SELECT '${ANSWERED}'
UNION ALL SELECT json_build_object('kind', 'setting', 'name', name, 'wanted', wanted, 'value', value, 'taken', taken, 'restart', restart, 'told', told)::text FROM compared
UNION ALL SELECT json_build_object('kind', 'altered', 'name', name, 'value', setting)::text FROM said WHERE auto AND last AND error IS NULL
UNION ALL SELECT json_build_object('kind', 'file', 'file', regexp_replace(sourcefile, '.*/', ''), 'line', sourceline, 'name', name, 'message', error)::text FROM said WHERE bad
UNION ALL SELECT json_build_object('kind', CASE WHEN error LIKE '%record cannot match because%' THEN 'idle' ELSE 'access' END, 'line', line_number, 'message', error)::text
FROM pg_hba_file_rules WHERE error IS NOT NULL`;
}

/**
 * Relations for a query: `said`, what the files say, and `compared`, what is wanted beside what is in force. Sizes and times are
 * compared as numbers of the parameter's unit, rounded as the server does; other spellings (`iso` for `ISO, MDY`) are known by
 * the file that gives just these words and was taken up. A word that an enumeration does not list is another name of one that it
 * lists, or else the file has an error. A row of pg_file_settings without a file tells of a parameter that a file gave at the start and
 * gives no more: it waits for a restart, and nothing is wrong in the files.
 */
function comparison(wanted: WantedSettings): string {
  const values = Object.entries(wanted).map(([name, value]) => `(${sqlLiteral(name)}, ${sqlLiteral(String(value))})`);
  return `WITH wanted(name, value) AS (${values.length === 0 ? 'SELECT NULL::text, NULL::text WHERE false' : `VALUES ${values.join(', ')}`}),
measures(unit, factor) AS (VALUES ('B', 1::numeric), ('kB', 1024), ('MB', 1048576), ('GB', 1073741824), ('TB', 1099511627776),
  ('us', 1), ('ms', 1000), ('s', 1000000), ('min', 60000000), ('h', 3600000000), ('d', 86400000000)),
said AS (SELECT f.*, f.sourcefile LIKE '%/postgresql.auto.conf' AS auto, f.seqno = max(f.seqno) OVER (PARTITION BY lower(f.name)) AS last,
  f.error IS NOT NULL AND f.sourcefile IS NOT NULL AND NOT (s.context IS NOT DISTINCT FROM 'postmaster' AND f.error = 'setting could not be applied') AS bad
  FROM pg_file_settings f LEFT JOIN pg_settings s ON lower(s.name) = lower(f.name)),
compared AS (SELECT w.name, w.value AS wanted, coalesce(current_setting(w.name, true), '') AS value,
  s.context IS NOT DISTINCT FROM 'postmaster' OR s.source IS NOT DISTINCT FROM 'command line' AS restart,
  EXISTS (SELECT FROM said WHERE lower(said.name) = lower(w.name) AND auto) AS altered,
  EXISTS (SELECT FROM said WHERE lower(said.name) = lower(w.name) AND bad) AS broken,
  EXISTS (SELECT FROM said WHERE lower(said.name) = lower(w.name) AND NOT auto AND said.setting = w.value) AS told,
  coalesce(s.source IN ('database', 'user', 'database user', 'client', 'session'), false)
  OR coalesce(CASE
    WHEN s.vartype = 'bool' THEN (lower(w.value) ~ '^(on|t|tr|tru|true|y|ye|yes|1)$') = (s.setting = 'on')
    WHEN s.vartype IN ('integer', 'real') AND n.parts IS NOT NULL AND s.setting ~ '^-?[0-9.]+$' THEN
      abs(n.parts[1]::numeric * coalesce(given.factor, own.factor * coalesce(nullif(b.parts[1], '')::numeric, 1), 1)
        / coalesce(own.factor * coalesce(nullif(b.parts[1], '')::numeric, 1), 1) - s.setting::numeric) <= CASE WHEN s.vartype = 'integer' THEN 0.5 ELSE 1e-6 END
    ELSE lower(replace(coalesce(s.setting, current_setting(w.name, true)), ' ', '')) = lower(replace(w.value, ' ', '')) END, false)
  OR coalesce(coalesce(s.setting, current_setting(w.name, true)) = w.value, false)
  OR coalesce(s.vartype = 'enum' AND lower(w.value) <> ALL (s.enumvals) AND (s.setting = 'off') = (lower(w.value) ~ '^(of|off|f|fa|fal|fals|false|n|no|0)$'), false)
  OR EXISTS (SELECT FROM said WHERE lower(said.name) = lower(w.name) AND last AND applied AND said.setting = w.value AND s.vartype NOT IN ('integer', 'real', 'bool')) AS taken
  FROM wanted w LEFT JOIN pg_settings s ON lower(s.name) = lower(w.name)
  LEFT JOIN LATERAL regexp_match(w.value, '^\\s*([-+]?[0-9]*[.]?[0-9]+(?:[eE][-+]?[0-9]+)?)\\s*([A-Za-z]*)\\s*$') AS n(parts) ON true
  LEFT JOIN LATERAL regexp_match(s.unit, '^([0-9]*)([A-Za-z]+)$') AS b(parts) ON true
  LEFT JOIN measures own ON own.unit = b.parts[2]
  LEFT JOIN measures given ON given.unit = n.parts[2])`;
}

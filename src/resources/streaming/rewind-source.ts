import { findRows, psqlInput, sqlIdentifier, sqlLiteral, sqlQuestion, type LocalServer } from '../psql.js';
import { answerText, digestOf, type Change, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { sh } from '../../shell/quote.js';

/** What a role must be able to call that pg_rewind logs in as. Source: its documentation, and libpq_source.c. */
const FUNCTIONS = [
  'pg_catalog.pg_ls_dir(text, boolean, boolean)',
  'pg_catalog.pg_stat_file(text, boolean)',
  'pg_catalog.pg_read_binary_file(text)',
  'pg_catalog.pg_read_binary_file(text, bigint, bigint, boolean)',
];

/** Whether a primary can be rewound to. */
export interface RewindSourceState {
  /** The role may call what pg_rewind calls. */
  allowed: boolean;
  /** The control file says on which timeline the server is: a server that was promoted writes a checkpoint some time later. */
  settled: boolean;
}

/** A primary to which pg_rewind may bring the data of another server. */
export function rewindSource(server: LocalServer, role: string): Resource<RewindSourceState> {
  const query = `SELECT (SELECT bool_and(has_function_privilege(${sqlLiteral(role)}, f, 'EXECUTE')) FROM unnest(ARRAY[${FUNCTIONS.map(sqlLiteral).join(', ')}]) AS f),
  timeline_id = CASE WHEN pg_is_in_recovery() THEN NULL ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END
  FROM pg_control_checkpoint()`;
  const rows = sqlQuestion(server, query);
  return {
    id: 'rewind-source',
    sharedQuestions: [rows],
    probe: () => printAnswer(rows),
    parse: (answer) => {
      const [allowed, settled] = (findRows(answerText(answer), query)?.[0] ?? '').split('|');
      return { allowed: allowed === 't', settled: settled === 't' };
    },
    diff: ({ allowed, settled }): Change[] => [
      ...(allowed ? [] : [{ action: 'update' as const, summary: `let ${role} call the functions that pg_rewind calls` }]),
      ...(settled ? [] : [{ action: 'run' as const, summary: 'write a checkpoint, after which the control file has the timeline' }]),
    ],
    apply: () => {
      const grants = FUNCTIONS.map((name) => `GRANT EXECUTE ON FUNCTION ${name} TO ${sqlIdentifier(role)};`);
      // The standby that commits wait for may be the one to be rewound.
      const local = 'SET synchronous_commit = local;';
      return sh`${psqlInput(server, [local, ...grants, 'CHECKPOINT;'].join('\n'))} >/dev/null`;
    },
    digest: () => digestOf('rewind-source', role),
  };
}

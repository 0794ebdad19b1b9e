import {
  answerText,
  findRows,
  handle,
  printAnswer,
  sqlQuestion,
  type CheckResult,
  type LocalServer,
  type Observation,
} from '../../../index.js';
import { PGBACKREST_COMMANDS } from '../../../../roles/shared/backup/pgbackrest.js';
import { backedUpHosts, stanzaOf } from '../../../../roles/shared/backup/stanza.js';
import { writerOf } from '../servers.js';
import type { CloneRun } from './seen.js';

/** Where a server archives its WAL; undefined while it does not answer. */
const ARCHIVES = handle<{ mode: string; command: string } | undefined>('clone-archives');

const QUERY = `SELECT json_build_object('mode', current_setting('archive_mode'), 'command', current_setting('archive_command'))::text`;

/** Where a server archives its WAL. */
export function archives(server: LocalServer): Observation<{ mode: string; command: string } | undefined> {
  const rows = sqlQuestion(server, QUERY);
  return {
    ...ARCHIVES,
    when: 'startAndEnd',
    sharedQuestions: [rows],
    probe: () => printAnswer(rows),
    parse: (answer) => {
      const [row] = findRows(answerText(answer), QUERY) ?? [];
      return row === undefined ? undefined : (JSON.parse(row) as { mode: string; command: string });
    },
  };
}

/** Whether the clone archives into its own stanza, or nowhere. */
export function archivesOwn(run: CloneRun): CheckResult[] {
  const { view, inventory } = run;
  const leader = writerOf(view);
  const found = leader === undefined ? undefined : view.read(leader, ARCHIVES);
  if (leader === undefined || found === undefined) return [];
  const own = backedUpHosts(inventory).length > 0 ? PGBACKREST_COMMANDS.archive(stanzaOf(inventory)) : undefined;
  return [
    {
      host: leader,
      title: own === undefined ? 'it archives nothing' : 'it archives into its own stanza',
      ok: own === undefined ? found.mode === 'off' : found.command === own,
      detail: found.mode === 'off' ? 'archive_mode is off' : found.command,
    },
  ];
}

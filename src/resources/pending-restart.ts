import { sh } from '../shell/quote.js';
import { psqlInput, type LocalServer } from './psql.js';
import { answerLines, type Observation } from './resource.js';

/** The observation's id. */
export const PENDING_RESTART = 'pending-restart';

/** Parameters that PostgreSQL itself says will change only with a restart; none while it is down. */
export function pendingRestart(server: LocalServer): Observation<string[]> {
  return {
    id: PENDING_RESTART,
    probe: () => sh`[ -x ${`${server.binDirectory}/psql`} ] || exit 0
${psqlInput(server, 'SELECT name FROM pg_settings WHERE pending_restart ORDER BY name')} 2>/dev/null || :`,
    parse: (answer) => answerLines(answer),
  };
}

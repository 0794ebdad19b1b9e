import { gate } from '../gate.js';
import { memberProgress } from '../member-progress.js';
import { findRows, psql, sqlQuestion, type LocalServer } from '../psql.js';
import { answerText, type Gate } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { RECEIVER_STATE } from '../../postgres/wal-receiver.js';
import { sh } from '../../shell/quote.js';

/** Seconds in which a standby that gets no further is waited for. */
const STANDS_STILL = 120;

/** A primary waits for nobody. */
const STATE = `SELECT CASE WHEN pg_is_in_recovery() THEN (${RECEIVER_STATE}) ELSE 'streaming' END`;

/** Open when a new standby gets WAL from the primary. */
export function awaitedStreaming({ server, data, unit, host }: { server: LocalServer; data: string; unit: string; host: string }): Gate {
  const rows = sqlQuestion(server, STATE);
  return gate({
    name: 'standby-streams',
    title: `${host} streams from the primary`,
    unit,
    fatalLogPatterns: [],
    waitOnlyOnce: true,
    timeout: STANDS_STILL,
    progress: memberProgress(data),
    check: sh`state=$(${psql(server, ['-c', STATE])}) || exit 1
echo "$state"
[ "$state" = streaming ]`,
    look: {
      sharedQuestions: [rows],
      probe: () => printAnswer(rows),
      parse: (answer) => {
        const [seen = ''] = findRows(answerText(answer), STATE) ?? [];
        return { open: seen === 'streaming', seen };
      },
    },
  });
}

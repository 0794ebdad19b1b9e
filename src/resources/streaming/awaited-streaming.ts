import { gate } from '../gate.js';
import type { LogPlace } from '../host-logs.js';
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

/** A new standby. */
export interface AwaitedStandby {
  server: LocalServer;
  /** The data directory. */
  data: string;
  unit: string;
  /** Where its server writes besides the journal of that unit. */
  log: LogPlace;
  /** The host's name, for messages. */
  host: string;
}

/** Open when a new standby gets WAL from the primary. */
export function awaitedStreaming({ server, data, unit, log, host }: AwaitedStandby): Gate {
  const rows = sqlQuestion(server, STATE);
  return gate({
    name: 'standby-streams',
    title: `${host} streams from the primary`,
    unit,
    log,
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

import { defineDiagnosis, formatBytes, formatLsn, pgprov, type Finding } from '../../index.js';
import { leaderOf } from '../shared/leading.js';
import { asEvidence, linesSince, POSTGRESQL_LOGS, sinceFirst } from '../shared/lines.js';
import { memberOf, membersOf } from '../shared/members.js';

/** A standby receives and replays nothing. */
export default defineDiagnosis({
  name: 'replay-paused',
  looksAt: 'standbys that replay nothing',
  role: 'patroni',
  find: (examination) =>
    membersOf(examination).flatMap((host): Finding[] => {
      const wal = memberOf(examination, host)?.wal;
      if (wal?.paused !== true || host === leaderOf(examination)) return [];
      const lines = linesSince(examination, host, {
        units: POSTGRESQL_LOGS,
        pattern: /recovery has paused|pausing at the end of recovery/u,
      });
      // Where it can, Patroni has replay go on by itself in its next loop.
      if ((lines.at(-1)?.at ?? 0) > examination.now - SOON) return [];
      const { received = 0, replayed = 0 } = wal;
      const waits = formatBytes(Math.max(0, received - replayed));
      return [
        {
          level: 'danger',
          host,
          what: 'its replay is paused',
          ...sinceFirst(lines.slice(-1)),
          evidence: [
            {
              host,
              source: 'Patroni’s REST API',
              line: `paused; received ${formatLsn(received)}, replayed ${formatLsn(replayed)}, so ${waits} wait`,
            },
            ...lines.slice(-1).map(asEvidence),
          ],
          follows: 'it shows older and older data and keeps all WAL since; a failover to it waits until that is replayed',
          mend: `${pgprov`psql ${examination.view.inventory} --host ${host} -- -c ${'SELECT pg_wal_replay_resume()'}`} has it go on`,
          explains: ['lag'],
        },
      ];
    }),
});

/** Milliseconds. */
const SOON = 30_000;

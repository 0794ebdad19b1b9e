import { defineDiagnosis, formatBytes, pgprov, SERVER_REPLICATION, type Finding } from '../../index.js';
import { leaderOf, streams } from '../shared/leading.js';
import { spanWords } from '../shared/lines.js';
import { membersOf, storeOf } from '../shared/members.js';

/** So many bytes a standby of a busy cluster may be behind for a moment, and so many seconds. */
const MUCH = 128 * 1024 * 1024;
const LONG = 300;

/** What shows whom a replay waits for. */
const QUERIES = 'SELECT pid, usename, state, xact_start, query FROM pg_stat_activity ORDER BY xact_start';

/** A standby streams and is far behind. */
export default defineDiagnosis({
  name: 'lag',
  looksAt: 'how far standbys are behind',
  role: 'patroni',
  find: (examination) => {
    const { view } = examination;
    const leader = leaderOf(examination);
    const sends = leader === undefined ? [] : (view.read(leader, SERVER_REPLICATION)?.sends ?? []);
    const given = storeOf(examination)?.config?.['maximum_lag_on_failover'];
    const most = Math.max(MUCH, typeof given === 'number' ? given : 0);
    return membersOf(examination).flatMap((host): Finding[] => {
      const connection = sends.find(({ name }) => name === host);
      if (leader === undefined || connection === undefined || !streams(examination, host)) return [];
      const { sentLagBytes: unsent = 0, replayLagBytes: unreplayed = 0 } = connection;
      const behind = view.read(host, SERVER_REPLICATION)?.behindSeconds ?? 0;
      const bytes = Math.max(unsent, unreplayed);
      if (bytes <= most && behind <= LONG) return [];
      return [
        {
          level: 'danger',
          host,
          what: `it is ${formatBytes(bytes)} of WAL${behind > LONG ? `, or ${spanWords(behind)},` : ''} behind ${leader}`,
          evidence: [
            {
              host: leader,
              source: 'pg_stat_replication',
              line: `${host}: ${formatBytes(unsent)} not sent, ${formatBytes(unreplayed)} not replayed`,
            },
          ],
          follows: 'reads there are old, and a failover to it loses or waits for what it lacks',
          mend:
            unsent > unreplayed / 2
              ? `look at the network between ${leader} and ${host}; ${pgprov`status ${view.inventory}`} shows both ends`
              : `look for what its replay waits for: ${pgprov`psql ${view.inventory} --host ${host} -- -c ${QUERIES}`} shows long queries there`,
        },
      ];
    });
  },
});

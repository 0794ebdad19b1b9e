import { gate } from './gate.js';
import { psql, type LocalServer } from './psql.js';
import type { Gate } from './resource.js';
import { WORK_DIRECTORY } from '../shell/lock.js';
import { sh } from '../shell/quote.js';

/** Seconds in which a WAL file is to be archived. */
const ARCHIVED_WITHIN = 120;

/** Where the gate keeps the name of the WAL file that it waits for. */
const WANTED = `${WORK_DIRECTORY}/to-be-archived`;

/** The end of a file without any WAL in it is that of the file before, which was archived. */
const SWITCH = 'SELECT pg_walfile_name(pg_switch_wal() - 1)';

const ARCHIVED = "SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver";

const TROUBLE = `SELECT ': archiving ' || last_failed_wal || ' fails, and PostgreSQL’s log says why' FROM pg_stat_archiver
WHERE last_failed_time > coalesce(last_archived_time, '-infinity')`;

/** Open when all WAL that the server had written when the gate began to wait is archived, by the archiver's own word. */
export function walArchived({ server, unit, host }: { server: LocalServer; unit: string; host: string }): Gate {
  return gate({
    name: 'wal-archived',
    title: `all that ${host} has written is archived`,
    unit,
    fatalLogPatterns: [],
    timeout: ARCHIVED_WITHIN,
    includeJournal: false,
    check: sh`[ -s ${WANTED} ] || ${psql(server, ['-c', SWITCH])} >${WANTED} || exit 1
read -r wanted <${WANTED}
archived=$(${psql(server, ['-c', ARCHIVED])})
[ -z "$archived" ] || [ "$archived" \< "$wanted" ] || exit 0
echo "$wanted is not$(${psql(server, ['-c', TROUBLE])})"
exit 1`,
  });
}

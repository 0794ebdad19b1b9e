import { originFile, type DataOrigin } from './data-origin.js';
import { asDatabaseUser, psql, psqlInput, READ_WRITE, socketOptions, sqlIdentifier, type LocalServer } from '../psql.js';
import { digestOf, type Resource } from '../resource.js';
import { RESTORE_NOTES } from './place.js';
import { timelinesFree } from './timelines-taken.js';
import { sh, type Script } from '../../shell/quote.js';

/** Data of another cluster, which is made a cluster's own. */
export interface ClonedDataOptions {
  path: string;
  /** The private server, with `readWrite`. */
  server: LocalServer;
  /** The roles that members and pgprov work as; they are there. */
  accounts: readonly string[];
  /** The one that pg_rewind works as; undefined: it is let do so when it has to. */
  rewind: string | undefined;
  origin: DataOrigin;
  /** What the host notes when it is done. */
  note: string;
}

/** Parameters that say where WAL goes and comes from, and whom to follow: those of the other cluster must never count here. */
const OTHERS = [
  'archive_mode',
  'archive_command',
  'archive_library',
  'archive_cleanup_command',
  'restore_command',
  'recovery_end_command',
  'recovery_target[a-z_]*',
  'primary_conninfo',
  'primary_slot_name',
  'synchronous_standby_names',
].join('|');

/** Functions that pg_rewind calls; Patroni lets its role use them when it makes a cluster. */
const REWIND = [
  'pg_ls_dir(text, boolean, boolean)',
  'pg_stat_file(text, boolean)',
  'pg_read_binary_file(text)',
  'pg_read_binary_file(text, bigint, bigint, boolean)',
].map((name) => `pg_catalog.${name}`);

/** In one database: what works for itself is told and disabled. A subscription that has no slot's name cannot drop that of the other cluster. */
const QUIET = `SELECT format('subscription %I', subname) FROM pg_subscription JOIN pg_database d ON d.oid = subdbid
WHERE d.datname = current_database() AND (subenabled OR subslotname IS NOT NULL);
SELECT format('ALTER SUBSCRIPTION %I DISABLE', subname), format('ALTER SUBSCRIPTION %I SET (slot_name = NONE)', subname)
FROM pg_subscription JOIN pg_database d ON d.oid = subdbid
WHERE d.datname = current_database() AND (subenabled OR subslotname IS NOT NULL) \\gexec
SELECT 'SELECT format(''job %s of pg_cron'', jobid) FROM cron.job WHERE active' WHERE to_regclass('cron.job') IS NOT NULL \\gexec
SELECT 'UPDATE cron.job SET active = false WHERE active' WHERE to_regclass('cron.job') IS NOT NULL \\gexec`;

/**
 * Data of another cluster is a cluster's own: its roles may log in, nothing in it works for the other cluster or archives where that does, and a
 * file says where it is from. It is done on the private server, before any client is let in, and read back there.
 */
export function clonedData({ path, server, accounts, rewind, origin, note }: ClonedDataOptions): Resource<{ done: boolean }> {
  const id = `cloned-data:${path}`;
  const noted = `${RESTORE_NOTES}/${note}`;
  const line = JSON.stringify(origin);
  const file = originFile(path);
  const roles = accounts.map((name) => `ALTER ROLE ${sqlIdentifier(name)} VALID UNTIL 'infinity' CONNECTION LIMIT -1;`);
  const grants = rewind === undefined ? [] : [`GRANT EXECUTE ON FUNCTION ${REWIND.join(', ')} TO ${sqlIdentifier(rewind)};`];
  return {
    id,
    probe: () => sh`[ -e ${noted} ]`,
    parse: ({ status }) => ({ done: status === 0 }),
    diff: ({ done }) =>
      done ? [] : [{ action: 'update', summary: 'let the roles of this cluster log in, and disable what works for the other one' }],
    apply: () => sh`${psqlInput(server, [...roles, ...grants].join('\n'))} || exit 1
databases=$(${psql(server, ['-c', 'SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1'])}) || exit 1
while IFS= read -r database; do
found=$(${inEach(server, QUIET)}) || exit 1
[ -z "$found" ] || printf '%s\n' "$found" | while IFS= read -r each; do note "disabled $each in the database $database"; done
done <<END_OF_DATABASES
$databases
END_OF_DATABASES
left=$(${psql(server, ['-c', `SELECT count(*) FROM pg_subscription JOIN pg_database d ON d.oid = subdbid WHERE datallowconn AND (subenabled OR subslotname IS NOT NULL)`])}) || exit 1
if [ "$left" != 0 ]; then
echo "$left subscriptions could not be disabled"
exit 1
fi
for parameters in ${[`${path}/postgresql.auto.conf`, `${path}/postgresql.base.conf`]}; do
[ ! -f "$parameters" ] || ${asDatabaseUser(server, sh`sed -i -E ${`s/^[[:space:]]*(${OTHERS})[[:space:]=]/#&/I`} "$parameters"`)} || exit 1
done
rm -f ${`${path}/patroni.dynamic.json`}
${timelinesFree(path)}
grep -qxF ${line} ${file} 2>/dev/null || printf '%s\n' ${line} | ${asDatabaseUser(server, sh`tee -a ${file}`)} >/dev/null || exit 1
: >${noted}
sync`,
    digest: () => digestOf(id, note),
  };
}

/** SQL in the database that `$database` names. */
function inEach({ binDirectory, readWrite: _, ...server }: LocalServer, sql: string): Script {
  const words = ['-XAtqw', '-v', 'ON_ERROR_STOP=1', ...socketOptions({ binDirectory, ...server })];
  const connection = sh`"dbname='$(printf %s "$database" | sed "s/[\\\\']/\\\\&/g")' "${`options=${READ_WRITE}`}`;
  return sh`printf '%s\n' ${sql} | ${asDatabaseUser(server, sh`${`${binDirectory}/psql`} ${words} -d ${connection} -f -`)}`;
}

import { UNENDING_COMMITS } from '../commits-end.js';
import { command } from '../command.js';
import { sqlIdentifier, sqlLiteral, type LocalServer } from '../psql.js';
import type { Resource } from '../resource.js';
import { scratchDirectory } from '../scratch.js';
import { seconds } from '../../shell/patience.js';
import { joinScripts, sh, type Script } from '../../shell/quote.js';
import type { Migrating } from './copy.js';
import { MARK, SEQUENCES, SEQUENCES_SET, SHAPE, SUPERUSERS, UNFOLLOWED } from './queries.js';
import { defineServers } from './servers.js';

/** A database that clients are moved over to. */
export interface MovedDatabase {
  datname: string;
  /** The slot that its changes come through. */
  slot: string;
  /** Its limit of connections in the other cluster before it was closed; -1: none. */
  limit: number;
  /** The first words of what is noted here. */
  mark: string;
  /** Name of the other cluster. */
  cluster: string;
}

/** Seconds in which the last changes have to arrive, and sessions have to end. */
const ARRIVES_WITHIN = 60;

const list = (databases: readonly { datname: string }[]): string => databases.map(({ datname }) => sqlLiteral(datname)).join(', ');

/** The mark of a database that was closed there has its limit of connections from before. */
function closing(databases: readonly MovedDatabase[], id: string): string {
  return `BEGIN;
${databases.map(({ datname, limit }) => `ALTER DATABASE ${sqlIdentifier(datname)} SET ${MARK} = ${sqlLiteral(`${id} closed ${limit}`)};\nALTER DATABASE ${sqlIdentifier(datname)} CONNECTION LIMIT 0;`).join('\n')}
COMMIT;`;
}

/** Takes a database as it was before `closing`. */
function reopening(databases: readonly Pick<MovedDatabase, 'datname' | 'limit'>[]): string {
  return `BEGIN;
${databases.map(({ datname, limit }) => `ALTER DATABASE ${sqlIdentifier(datname)} CONNECTION LIMIT ${limit};\nALTER DATABASE ${sqlIdentifier(datname)} RESET ${MARK};`).join('\n')}
COMMIT;`;
}

const sessions = (databases: readonly { datname: string }[], which: string): string =>
  `FROM pg_stat_activity WHERE datname IN (${list(databases)}) AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND ${which}`;

/**
 * Ends sessions until none is left, and looks once more. One that is just coming in is not listed yet, and holds the lock of its database, under which
 * it has read whether that is closed, until it is (postinit.c).
 */
function sessionsEnded(where: 'here' | 'there', databases: readonly { datname: string }[], which: string): Script {
  const [server, ended, left] = [
    where === 'here' ? sh`here` : sh`there`,
    `SELECT pg_terminate_backend(pid) ${sessions(databases, which)}`,
    `SELECT (SELECT count(*) ${sessions(databases, which)}) + (SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.objid WHERE l.locktype = 'object' AND l.classid = 'pg_database'::regclass AND l.mode = 'RowExclusiveLock' AND l.granted AND l.pid <> pg_backend_pid() AND d.datname IN (${list(databases)}) AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = l.pid AND a.usesysid IS NOT NULL))`,
  ];
  return sh`tries=0
none=0
while :; do
${server} postgres -c ${ended} >/dev/null || exit 1
count=$(${server} postgres -c ${left}) || exit 1
none=$((count == 0 ? none + 1 : 0))
[ "$none" -lt 2 ] || break
tries=$((tries + 1))
[ "$tries" -lt 100 ] || { echo 'sessions did not end' >&2; exit 1; }
sleep 0.1
done`;
}

/**
 * Clients are moved over, in one script, because nothing is served meanwhile: the databases there are closed and their sessions ended, the last changes
 * arrive, sequences are set and compared, and the databases here are opened. What fails before opens the databases there again. Cut off in between, it
 * begins anew where it was.
 */
export function movedOver({ server, source }: Migrating, id: string, databases: readonly MovedDatabase[]): Resource {
  const notSuper = `usesysid NOT IN (SELECT oid FROM pg_roles WHERE rolsuper)`;
  const slots = databases.map(({ slot }) => sqlLiteral(slot)).join(', ');
  const opened = `BEGIN;
${databases.map(({ datname, limit, mark, cluster }) => `ALTER DATABASE ${sqlIdentifier(datname)} SET ${MARK} = '${mark.replaceAll("'", "''")} moved :took ${cluster}';\nALTER DATABASE ${sqlIdentifier(datname)} CONNECTION LIMIT ${limit};`).join('\n')}
COMMIT;`;
  const stillClosed = `SELECT count(*) FROM pg_database d JOIN pg_replication_slots s ON s.datoid = d.oid WHERE d.datconnlimit = 0 AND s.slot_name IN (${slots})`;
  // What still commits here is ended first.
  const settled = `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = current_setting('application_name') AND datname = 'postgres' AND pid <> pg_backend_pid() \\g /dev/null
SELECT CASE WHEN pg_is_in_recovery() THEN 't:' ELSE 'f:' END || (${movedCount(databases)});`;
  return command({
    name: 'migration-moved',
    summary: 'close the databases there, wait for the last changes, set the sequences, and open the databases here',
    unless: sh`${defineServers(server, source)}
[ "$(here postgres -c ${movedCount(databases)} 2>/dev/null)" = ${databases.length} ]`,
    run: sh`${scratchDirectory('migrate')}
${defineServers(server, source)}
open_there() {
rm -rf "$scratch"
${putThere(reopening(databases))} || echo ${'the databases there are still closed: the same command goes on, or takes it back with --undo'} >&2
}
left_closed() {
rm -rf "$scratch"
echo 'it is not known whether clients were let in here, so the databases there stay closed: the same command goes on, or takes it back with --undo' >&2
}
for server in here there; do
waits=$("$server" postgres -c ${UNENDING_COMMITS}) || exit 1
[ -z "$waits" ] || { echo "nothing was closed, because no commit would end $server: it waits for standbys, of which too few stream (synchronous_standby_names: $(printf '%s\n' "$waits" | cut -d ' ' -f 2-)); bring them back first" >&2; exit 1; }
done
trap open_there EXIT
note 'closing the databases there'
began=$(date +%s.%N)
${putThere(closing(databases, id))} || exit 1
${sessionsEnded('there', databases, notSuper)}
strangers=$(there postgres -c ${`SELECT a.usename || ' in ' || a.datname || ' (' || a.application_name || ', process ' || a.pid || ')' ${SUPERUSERS} AND a.datname IN (${list(databases)})`}) || exit 1
[ -z "$strangers" ] || { echo "superusers are connected there, and may write: $strangers" >&2; exit 1; }
prepared=$(there postgres -c ${`SELECT gid || ' in ' || database FROM pg_prepared_xacts WHERE database IN (${list(databases)})`}) || exit 1
[ -z "$prepared" ] || { echo "transactions are prepared there, and not ended: $prepared" >&2; exit 1; }
there postgres -c ${"SELECT pg_logical_emit_message(true, 'pgprov', 'switch')"} >/dev/null || exit 1
end=$(there postgres -c 'SELECT pg_current_wal_lsn()') || exit 1
now=$(date +%s)
while :; do
late=$(there postgres -c ${`SELECT count(*) FROM pg_replication_slots WHERE slot_name IN (${slots}) AND confirmed_flush_lsn >= `}"'$end'") || exit 1
[ "$late" != ${databases.length} ] || break
[ "$(($(date +%s) - now))" -lt ${seconds(ARRIVES_WITHIN)} ] || { echo 'the last changes did not arrive' >&2; exit 1; }
sleep 0.05
done
note 'the last changes have arrived'
${joinScripts(databases.map(({ datname }) => proved(datname)))}
took=$(awk -v a="$began" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }')
[ "$(there postgres -c ${stillClosed})" = ${databases.length} ] || { echo 'the databases there were opened, or their slots lost, meanwhile' >&2; exit 1; }
trap left_closed EXIT
printf '%s\n' ${opened} | sed "s/ moved :took / moved $took /" | here postgres -f - || :
# A commit whose answer was lost may be in force, and clients must not write to both.
opened=$(printf '%s\n' ${settled} | here postgres -f -) || exit 1
[ "$opened" = f:${databases.length} ] || {
[ "$opened" != f:0 ] || trap open_there EXIT
exit 1
}
trap 'rm -rf "$scratch"' EXIT
note "clients could not write for $took s"`,
  }) as Resource;
}

/** How many of the databases are noted as moved. */
function movedCount(databases: readonly { datname: string }[]): string {
  return `SELECT count(*) FROM pg_database d JOIN pg_db_role_setting s ON s.setdatabase = d.oid AND s.setrole = 0, unnest(s.setconfig) c WHERE c LIKE '${MARK}=% moved %' AND d.datname IN (${list(databases)})`;
}

function putThere(statements: string): Script {
  return sh`printf '%s\n' ${statements} | there postgres -f -`;
}

/** Sequences are as they are there, and so are tables and all other definitions; a write succeeds. */
function proved(database: string): Script {
  const ask = (where: 'here' | 'there', query: string, to: string): Script =>
    sh`printf '%s\n' ${query} | ${where === 'here' ? sh`here` : sh`there`} ${database} -f - >"$scratch"/${to} || exit 1`;
  return sh`${ask('there', SEQUENCES_SET, 'set')}
here ${database} -o /dev/null -f - <"$scratch"/set || exit 1
${ask('there', SEQUENCES, 'there')}
${ask('here', SEQUENCES, 'here')}
cmp -s "$scratch"/there "$scratch"/here || { echo ${`sequences of ${database} differ`} >&2; diff "$scratch"/there "$scratch"/here | grep '^[<>]' | head -n 5 >&2; exit 1; }
${ask('there', `${SHAPE};`, 'there')}
${ask('here', `${SHAPE};`, 'here')}
LC_ALL=C sort -o "$scratch"/there "$scratch"/there
LC_ALL=C sort -o "$scratch"/here "$scratch"/here
cmp -s "$scratch"/there "$scratch"/here || { echo ${`definitions of ${database} differ`} >&2; diff "$scratch"/there "$scratch"/here | grep '^[<>]' | head -n 5 >&2; exit 1; }
[ "$(here ${database} -c ${"SELECT count(*) FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid WHERE s.subname LIKE 'pgprov\\_migrate\\_%' AND r.srsubstate <> 'r'"})" = 0 ] || { echo ${`tables of ${database} are not copied`} >&2; exit 1; }
strays=$(here ${database} -c ${UNFOLLOWED}) || exit 1
[ -z "$strays" ] || { echo ${`tables of ${database} are not followed`}": $strays" >&2; exit 1; }
here ${database} -c 'SELECT txid_current()' >/dev/null || exit 1`;
}

/** Materialized views have what they had, in the order in which they were made: one may read another. */
export function viewsFilled({ server, source }: Migrating, databases: readonly string[]): Resource {
  const own = `c.relkind = 'm' AND NOT c.relispopulated`;
  return command({
    name: 'migration-views',
    summary: 'fill the materialized views',
    unless: sh`${defineServers(server, source)}
for database in ${databases}; do
[ "$(here "$database" -c ${`SELECT count(*) FROM pg_class c WHERE ${own}`} 2>/dev/null)" = 0 ] || exit 1
done`,
    run: sh`${defineServers(server, source)}
for database in ${databases}; do
printf '%s\n' ${`SELECT format('REFRESH MATERIALIZED VIEW %s', c.oid::regclass) FROM pg_class c WHERE ${own} ORDER BY c.oid \\gexec`} | here "$database" -f - || exit 1
done`,
  }) as Resource;
}

/** No subscription of the migration is left here, nor a slot or a publication of it there. */
export function unsubscribed({ server, source, name }: Migrating, databases: readonly { datname: string; slot: string }[]): Resource {
  const drops = databases.map(({ datname, slot }): Script => {
    const subscription = `SELECT 'DROP SUBSCRIPTION ${name}' FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE s.subname = ${sqlLiteral(name)} AND d.datname = current_database() \\gexec`;
    // A slot that is gone already would keep the subscription; so the two are parted first.
    const parted = `SELECT unnest(ARRAY['ALTER SUBSCRIPTION ${name} DISABLE', 'ALTER SUBSCRIPTION ${name} SET (slot_name = NONE)']) FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE s.subname = ${sqlLiteral(name)} AND d.datname = current_database() \\gexec`;
    const free = `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = ${sqlLiteral(slot)} AND active;
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = ${sqlLiteral(slot)} AND NOT active;
SELECT 1 / (count(*) = 0)::int FROM pg_replication_slots WHERE slot_name = ${sqlLiteral(slot)};`;
    return sh`[ -z "$(here postgres -c ${`SELECT datname FROM pg_database WHERE datname = ${sqlLiteral(datname)}`})" ] || { printf '%s\n' ${parted} ${subscription} | here ${datname} -f - || exit 1; }
tries=0
until printf '%s\n' ${free} | there postgres -f - >/dev/null 2>&1; do
tries=$((tries + 1))
[ "$tries" -lt 100 ] || { echo ${`the slot ${slot} there is still in use`} >&2; exit 1; }
sleep 0.1
done
there ${datname} -c ${`DROP PUBLICATION IF EXISTS ${name}`} 2>/dev/null || exit 1`;
  });
  const slots = databases.map(({ slot }) => sqlLiteral(slot)).join(', ');
  return command({
    name: 'migration-unsubscribed',
    summary: 'drop the subscriptions here, and the slots and publications there',
    unless: sh`${defineServers(server, source)}
[ "$(here postgres -c ${`SELECT count(*) FROM pg_subscription WHERE subname = ${sqlLiteral(name)}`} 2>/dev/null)" = 0 ] || exit 1
[ "$(there postgres -c ${`SELECT count(*) FROM pg_replication_slots WHERE slot_name IN (${slots})`} 2>/dev/null)" = 0 ] || exit 1
for database in ${databases.map(({ datname }) => datname)}; do
[ "$(there "$database" -c ${`SELECT count(*) FROM pg_publication WHERE pubname = ${sqlLiteral(name)}`} 2>/dev/null)" = 0 ] || exit 1
done`,
    run: joinScripts([defineServers(server, source), ...drops, ...source.servers.map((each) => slotsLeft(each, slots))]),
  }) as Resource;
}

/** A server that led before, and follows now, has its slots still, which would hold WAL there without end. */
function slotsLeft({ address, port }: Migrating['source']['servers'][number], slots: string): Script {
  const drop = `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name IN (${slots}) AND NOT active`;
  return sh`at ${address} ${port} postgres -c ${drop} >/dev/null 2>&1 || note ${`${address} was not asked whether it has slots of the migration; when it is back, put this to it: ${drop}`}`;
}

/** The databases are kept here under other names, and nobody but superusers gets in. */
export function putAside({ server, source }: Migrating, databases: readonly { datname: string; aside: string }[]): Resource {
  const closed = `BEGIN;
${databases.map(({ datname }) => `ALTER DATABASE ${sqlIdentifier(datname)} CONNECTION LIMIT 0;`).join('\n')}
COMMIT;`;
  const renamed = `BEGIN;
${databases.map(({ datname, aside }) => `ALTER DATABASE ${sqlIdentifier(datname)} RESET ${MARK};\nALTER DATABASE ${sqlIdentifier(datname)} RENAME TO ${sqlIdentifier(aside)};`).join('\n')}
COMMIT;`;
  return command({
    name: 'migration-aside',
    summary: 'rename the databases that were brought, and let nobody in',
    unless: sh`${defineServers(server, source)}
[ "$(here postgres -c ${`SELECT count(*) FROM pg_database WHERE datname IN (${list(databases)})`} 2>/dev/null)" = 0 ]`,
    run: sh`${defineServers(server, source)}
printf '%s\n' ${closed} | here postgres -f - || exit 1
${sessionsEnded('here', databases, 'true')}
printf '%s\n' ${renamed} | here postgres -f -`,
  }) as Resource;
}

/** Databases that were not whole yet are gone: nobody has ever been let in. */
export function draftsDropped({ server, source }: Migrating, drafts: readonly string[]): Resource {
  return command({
    name: 'migration-drafts',
    summary: 'drop the databases that were being made',
    unless: sh`${defineServers(server, source)}
[ "$(here postgres -c ${`SELECT count(*) FROM pg_database WHERE datname IN (${drafts.map(sqlLiteral).join(', ')})`} 2>/dev/null)" = 0 ]`,
    run: sh`${defineServers(server, source)}
printf '%s\n' ${drafts.map((draft) => `DROP DATABASE IF EXISTS ${sqlIdentifier(draft)} WITH (FORCE);`).join('\n')} | here postgres -f -`,
  }) as Resource;
}

/** The databases there let in whom they let in before. */
export function openedThere(
  { server, source }: { server: LocalServer; source: Migrating['source'] },
  databases: readonly Pick<MovedDatabase, 'datname' | 'limit'>[],
): Resource {
  return command({
    name: 'migration-opened',
    summary: 'open the databases there again',
    unless: sh`${defineServers(server, source)}
[ "$(there postgres -c ${`SELECT count(*) FROM pg_database d JOIN pg_db_role_setting s ON s.setdatabase = d.oid AND s.setrole = 0, unnest(s.setconfig) c WHERE c LIKE '${MARK}=%' AND d.datname IN (${list(databases)})`} 2>/dev/null)" = 0 ]`,
    run: sh`${defineServers(server, source)}
${putThere(reopening(databases))}`,
  }) as Resource;
}

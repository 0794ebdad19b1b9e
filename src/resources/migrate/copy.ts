import { gate } from '../gate.js';
import { command } from '../command.js';
import { sqlIdentifier, sqlLiteral, type LocalServer } from '../psql.js';
import type { Gate, Resource } from '../resource.js';
import { scratchDirectory } from '../scratch.js';
import { joinScripts, sh, type Script } from '../../shell/quote.js';
import { DRAFT, MARK, SETTING } from './queries.js';
import { databaseQuery, roleNames, rolesQuery } from './roles.js';
import type { MigratedDatabase } from './seen.js';
import { defineServers, subscriptionString, type MigrationSource } from './servers.js';

/** With what the databases of another cluster are brought here. */
export interface Migrating {
  server: LocalServer;
  source: MigrationSource;
  /** The name of its publications and subscriptions; with an OID behind it, of a slot. */
  name: string;
}

/** Puts a statement to a database of one of both servers. */
function put(where: 'here' | 'there', database: string, statement: string): Script {
  return sh`printf '%s\n' ${statement} | ${where === 'here' ? sh`here` : sh`there`} ${database} -f -`;
}

/** The name of the slot of a database. */
export function slotOf(name: string, { oid }: Pick<MigratedDatabase, 'oid'>): string {
  return `${name}_${oid}`;
}

/** The roles of the other cluster are here, those that were here before as they were. */
export function rolesBrought({ server, source }: Migrating): Resource {
  return command({
    name: 'migration-roles',
    summary: 'make the roles that are not there, with their passwords as they are kept',
    unless: sh`${scratchDirectory('migrate')}
${defineServers(server, source)}
there postgres -c ${roleNames(source.own)} 2>/dev/null >"$scratch"/there || exit 1
here postgres -c 'SELECT rolname FROM pg_roles' 2>/dev/null >"$scratch"/here || exit 1
! grep -vxF -f "$scratch"/here "$scratch"/there | grep -q .`,
    run: sh`${scratchDirectory('migrate')}
umask 077
${defineServers(server, source)}
${put('there', 'postgres', rolesQuery(source.own))} >"$scratch"/roles || exit 1
here postgres -1 -f - <"$scratch"/roles`,
  }) as Resource;
}

function localeWords(
  { encodingName, datcollate, datctype, datlocprovider = 'c', daticulocale, datlocale }: MigratedDatabase,
  version: number,
): string {
  const locale = datlocale ?? daticulocale ?? '';
  const provider =
    datlocprovider === 'i'
      ? ` LOCALE_PROVIDER icu ICU_LOCALE ${sqlLiteral(locale)}`
      : datlocprovider === 'b'
        ? ` LOCALE_PROVIDER builtin BUILTIN_LOCALE ${sqlLiteral(locale)}`
        : version >= 15
          ? ' LOCALE_PROVIDER libc'
          : '';
  return `ENCODING ${sqlLiteral(encodingName)} LC_COLLATE ${sqlLiteral(datcollate)} LC_CTYPE ${sqlLiteral(datctype)}${provider}`;
}

/** A database as it is to be made. */
export interface DatabaseToBring {
  database: MigratedDatabase;
  /** The major version here. */
  version: number;
  /** What is noted of it: words of `MARK`. */
  mark: string;
}

/**
 * A database of the other cluster is here with all definitions and without rows. It is made under a name of its own and gets its name when it is whole,
 * so one that has the name is not half made. Nobody but superusers gets in.
 */
export function databaseBrought({ server, source }: Migrating, { database, version, mark }: DatabaseToBring): Resource {
  const { datname: name, oid } = database;
  const draft = `${DRAFT}${oid}`;
  const create = `CREATE DATABASE ${sqlIdentifier(draft)} TEMPLATE template0 ${localeWords(database, version)} CONNECTION LIMIT 0;`;
  // Rows of extensions come with those of the other cluster.
  const empty = String.raw`SELECT format('TRUNCATE %s CASCADE', c.oid::regclass) FROM pg_class c JOIN pg_depend e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e' WHERE c.relkind = 'r' AND c.relnamespace <> 'pg_catalog'::regnamespace \gexec`;
  const whole = `ALTER DATABASE ${sqlIdentifier(draft)} SET ${MARK} = ${sqlLiteral(mark)};
ALTER DATABASE ${sqlIdentifier(draft)} RENAME TO ${sqlIdentifier(name)};`;
  return command({
    name: `migration-database:${name}`,
    summary: `make the database ${name} with its definitions, and without rows`,
    unless: sh`${defineServers(server, source)}
[ "$(here postgres -c ${`SELECT count(*) FROM pg_database WHERE datname = ${sqlLiteral(name)}`} 2>/dev/null)" = 1 ]`,
    run: sh`${scratchDirectory('migrate')}
umask 077
${defineServers(server, source)}
${put('here', 'postgres', `DROP DATABASE IF EXISTS ${sqlIdentifier(draft)} WITH (FORCE);`)} || exit 1
${put('here', 'postgres', create)} || exit 1
note ${`reading the definitions of ${name}`}
dumps ${name} pg_dump --schema-only --quote-all-identifiers --no-publications --no-subscriptions --no-tablespaces >"$scratch"/schema || exit 1
note ${`making the definitions of ${name}`}
here ${draft} -1 -o /dev/null -f - <"$scratch"/schema || exit 1
${put('here', draft, empty)} || exit 1
${put('there', 'postgres', databaseQuery(name, draft, source.own))} >"$scratch"/own || exit 1
here postgres -1 -f - <"$scratch"/own || exit 1
${put('here', 'postgres', whole)}`,
  }) as Resource;
}

/** The other cluster publishes a database, and the one here subscribes to it. */
export function databaseSubscribed({ server, source, name }: Migrating, database: MigratedDatabase): Resource {
  const { datname } = database;
  const slot = slotOf(name, database);
  const published = `SELECT 'CREATE PUBLICATION ${name} FOR ALL TABLES' WHERE NOT EXISTS (SELECT FROM pg_publication WHERE pubname = ${sqlLiteral(name)}) \\gexec`;
  // It is that of a subscription that was not made.
  const left = `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = ${sqlLiteral(slot)} AND NOT active;`;
  const subscription = `CREATE SUBSCRIPTION ${name} CONNECTION ${sqlLiteral(subscriptionString(source, datname))} PUBLICATION ${name} WITH (slot_name = ${sqlLiteral(slot)}, synchronous_commit = `;
  // Where commits wait for standbys nothing is confirmed to the other cluster that a standby does not have, and a failover here loses nothing of it.
  const subscribed = `SELECT ${sqlLiteral(subscription)} || CASE current_setting('synchronous_standby_names') WHEN '' THEN 'off' ELSE 'on' END || ')' \\gexec`;
  return command({
    name: `migration-subscription:${datname}`,
    summary: `publish the tables of ${datname} there, and subscribe to them here`,
    unless: isSubscribed({ server, source, name }, datname),
    run: sh`${defineServers(server, source)}
${put('there', datname, published)} || exit 1
${put('there', datname, left)} >/dev/null || exit 1
${put('here', datname, subscribed)}`,
  }) as Resource;
}

function isSubscribed({ server, source, name }: Migrating, database: string): Script {
  return sh`${defineServers(server, source)}
[ "$(here postgres -c ${`SELECT count(*) FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE s.subname = ${sqlLiteral(name)} AND d.datname = ${sqlLiteral(database)}`} 2>/dev/null)" = 1 ]`;
}

/** Bytes of WAL that the copy may be behind when it is up to date. */
export const CLOSE = 16_777_216;

/** Seconds in which a copy that gets no further is waited for. */
const STANDS_STILL = 900;

/** Open when every table is copied and what has been written since has arrived, but for the last of it. */
export function migrationCopiedGate({ server, source, name }: Migrating, databases: readonly string[], unit: string): Gate {
  const tables = `SELECT count(*) || ' ' || count(*) FILTER (WHERE srsubstate <> 'r') FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid WHERE s.subname = ${sqlLiteral(name)}`;
  const size = `SELECT coalesce(sum(pg_database_size(oid)), 0) FROM pg_database WHERE datname IN (${databases.map(sqlLiteral).join(', ')})`;
  const slotsOf = `pg_replication_slots WHERE slot_name LIKE ${sqlLiteral(String.raw`${name.replaceAll('_', String.raw`\_`)}\_%`)}`;
  const lag = `SELECT coalesce(max(pg_current_wal_lsn() - confirmed_flush_lsn), 0)::bigint FROM ${slotsOf}`;
  return gate({
    name: 'migration-copied',
    title: 'all tables are copied, and the copy is up to date',
    unit,
    fatalLogPatterns: [],
    includeJournal: false,
    timeout: STANDS_STILL,
    progress: sh`${defineServers(server, source)}
bytes=$(here postgres -c ${size})
echo "$bytes"
echo "$((bytes / 1048576)) MiB"`,
    check: sh`${defineServers(server, source)}
all=0
left=0
${joinScripts(
  databases.map(
    (database) => sh`set -- $(here ${database} -c ${tables})
all=$((all + $1))
left=$((left + $2))`,
  ),
)}
behind=$(there postgres -c ${lag})
slots=$(there postgres -c ${`SELECT count(*) FROM ${slotsOf}`})
# What is lost does not come by waiting: the look that follows says so.
[ -z "$slots" ] || [ "$slots" -ge ${databases.length} ] || { echo ${'the slots that it comes through are gone'}; exit 0; }
echo "$((all - left)) of $all tables are copied, and $((behind / 1024)) KiB of WAL are left"
[ "$left" = 0 ] && [ "$behind" -lt ${CLOSE} ]`,
  });
}

/** The planner knows the tables before clients come. */
export function databasesAnalyzed({ server, source }: Migrating, databases: readonly string[]): Resource {
  const left = `SELECT count(*) FROM pg_class c WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND c.reltuples < 0 AND c.relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema')`;
  return command({
    name: 'migration-analyzed',
    summary: 'gather the statistics of the planner',
    unless: sh`${defineServers(server, source)}
for database in ${databases}; do
[ "$(here "$database" -c ${left} 2>/dev/null)" = 0 ] || exit 1
done`,
    run: sh`${defineServers(server, source)}
for database in ${databases}; do
note "gathering statistics of $database"
# Statistics need no standby, and one that is away would have it wait for ever.
here "$database" -c 'SET synchronous_commit TO local' -c ANALYZE || exit 1
done`,
  }) as Resource;
}

/** What is noted of databases here says from which timelines on nothing of them is missing. */
export function timelineNoted({ server, source }: Migrating, databases: readonly { datname: string; mark: string }[]): Resource {
  const marks = databases.map(({ datname, mark }) => `(${sqlLiteral(datname)}, ${sqlLiteral(mark)})`).join(', ');
  return command({
    name: 'migration-timeline',
    summary: 'note who takes writes here now',
    unless: sh`${defineServers(server, source)}
[ "$(here postgres -c ${`SELECT count(*) FROM pg_database d JOIN (VALUES ${marks}) AS wanted (name, mark) ON wanted.name = d.datname WHERE ${SETTING} = wanted.mark`} 2>/dev/null)" = ${databases.length} ]`,
    run: sh`${defineServers(server, source)}
${put('here', 'postgres', databases.map(({ datname, mark }) => `ALTER DATABASE ${sqlIdentifier(datname)} SET ${MARK} = ${sqlLiteral(mark)};`).join('\n'))}`,
  }) as Resource;
}

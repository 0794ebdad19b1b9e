import { sqlLiteral } from '../psql.js';

/** Where a database says that it was brought, or is closed for that: a setting of the database alone, which a rename keeps. */
export const MARK = 'pgprov.migration';

/** Names of the publication, the subscription and, with the database's OID behind it, the slot. */
export const PREFIX = 'pgprov_migrate_';

/** A database while it is being made here, with the OID of the one that it is made from. */
export const DRAFT = 'pgprov_draft_';

/** What is noted of the database `d`. */
export const SETTING = `(SELECT substr(c, length('${MARK}=') + 1) FROM pg_db_role_setting s, unnest(s.setconfig) c WHERE s.setdatabase = d.oid AND s.setrole = 0 AND c LIKE '${MARK}=%')`;

/** A subscription `s` is one of a migration. */
export const SUBSCRIBED = `s.subname LIKE '${PREFIX.replaceAll('_', String.raw`\_`)}%'`;

/** Fields that count the tables of a database's subscription, and those of them that are not copied yet. */
export const TABLES_COPIED = `'tables', (SELECT count(*) FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid WHERE ${SUBSCRIBED}),
'copying', (SELECT count(*) FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid WHERE ${SUBSCRIBED} AND r.srsubstate <> 'r')`;

/** The timeline that a server writes. */
const TIMELINE = `('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int`;

/** Relations of users: not the catalog's, and not an extension's. */
const OWN = `c.relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema') AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')`;

/** The roles that are brought, as `r`: those of users. */
export function brought(own: readonly string[]): string {
  const names = own.map((name) => `, ${sqlLiteral(name)}`).join('');
  return `NOT r.rolsuper AND NOT r.rolreplication AND r.rolname !~ '^pg_' AND r.rolname NOT IN (''${names})`;
}

/** Roles by name, each with a digest of all that it is, its password among that. */
const ROLES = `SELECT coalesce(jsonb_object_agg(rolname, md5(concat_ws('|', rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolbypassrls, rolconnlimit, rolvaliduntil, rolpassword))), '{}') FROM pg_authid r`;

const DATABASES = `coalesce((SELECT jsonb_agg(to_jsonb(d) - 'datacl' || jsonb_build_object('oid', d.oid::text, 'bytes', pg_database_size(d.oid), 'encodingName', pg_encoding_to_char(d.encoding), 'mark', ${SETTING}) ORDER BY d.datname) FROM pg_database d WHERE NOT d.datistemplate AND d.datallowconn AND d.datname !~ E'[\\n\\r]'), '[]')`;

/** Those who are connected as superusers; pgprov, replication and the server's own processes are not among them. */
export const SUPERUSERS = `FROM pg_stat_activity a JOIN pg_roles u ON u.oid = a.usesysid WHERE a.backend_type = 'client backend' AND u.rolsuper AND a.pid <> pg_backend_pid() AND a.application_name NOT LIKE 'pgprov%'`;

/** What the other cluster says, in its database postgres. */
export function sourceQuery(own: readonly string[]): string {
  return `SELECT jsonb_build_object('version', current_setting('server_version_num')::int / 10000,
'superuser', (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
'owner', (SELECT rolname FROM pg_roles WHERE oid = 10),
'identifier', (SELECT system_identifier::text FROM pg_control_system()),
'timeline', ${TIMELINE},
'walLevel', current_setting('wal_level'),
'slotsFree', current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots),
'sendersFree', current_setting('max_wal_senders')::int - (SELECT count(*) FROM pg_stat_replication),
'databases', ${DATABASES},
'slots', coalesce((SELECT jsonb_agg(jsonb_build_object('name', slot_name, 'active', active, 'lost', coalesce(wal_status = 'lost', false), 'lag', pg_current_wal_lsn() - confirmed_flush_lsn)) FROM pg_replication_slots WHERE slot_name LIKE '${PREFIX.replaceAll('_', String.raw`\_`)}%'), '[]'),
'roles', (${ROLES} WHERE ${brought(own)}),
'needed', coalesce((SELECT jsonb_agg(DISTINCT r.rolname) FROM pg_shdepend x JOIN pg_authid r ON r.oid = x.refobjid WHERE x.refclassid = 'pg_authid'::regclass AND (x.classid = 'pg_database'::regclass OR x.dbid NOT IN (SELECT 0 UNION SELECT oid FROM pg_database WHERE datname = 'postgres')) AND NOT (${brought(own)})), '[]'),
'sessions', coalesce((SELECT jsonb_agg(jsonb_build_object('database', a.datname, 'user', a.usename, 'application', a.application_name, 'pid', a.pid)) ${SUPERUSERS}), '[]'),
'prepared', coalesce((SELECT jsonb_agg(jsonb_build_object('database', database, 'name', gid)) FROM pg_prepared_xacts), '[]'))::text;`;
}

/** What the other cluster says of a database, in it. */
export const SOURCE_DATABASE = `SELECT jsonb_build_object('name', current_database(),
'unidentified', coalesce((SELECT jsonb_agg(c.oid::regclass::text ORDER BY 1) FROM pg_class c WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND ${OWN} AND NOT (c.relreplident = 'f' OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND (c.relreplident = 'd' AND i.indisprimary AND i.indimmediate OR c.relreplident = 'i' AND i.indisreplident)))), '[]'),
'firing', coalesce((SELECT jsonb_agg(format('%I of %s', t.tgname, c.oid::regclass) ORDER BY 1) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND t.tgenabled IN ('A', 'R') AND ${OWN}), '[]'),
'unlogged', coalesce((SELECT jsonb_agg(c.oid::regclass::text ORDER BY 1) FROM pg_class c WHERE c.relkind = 'r' AND c.relpersistence = 'u' AND ${OWN}), '[]'),
'foreign', (SELECT count(*) FROM pg_class c WHERE c.relkind = 'f' AND ${OWN}),
'relations', (SELECT count(*) FROM pg_class c WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f', 'S') AND c.relpersistence <> 't' AND ${OWN}),
'largeObjects', (SELECT count(*) FROM pg_largeobject_metadata),
'extensions', (SELECT coalesce(jsonb_agg(extname ORDER BY 1), '[]') FROM pg_extension),
'subscriptions', (SELECT coalesce(jsonb_agg(subname ORDER BY 1), '[]') FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())),
'publications', (SELECT coalesce(jsonb_agg(pubname ORDER BY 1), '[]') FROM pg_publication))::text;`;

/** What the host's own server says, in its database postgres. */
export const TARGET = `SELECT jsonb_build_object('version', current_setting('server_version_num')::int / 10000,
'owner', (SELECT rolname FROM pg_roles WHERE oid = 10),
'identifier', (SELECT system_identifier::text FROM pg_control_system()),
'timeline', ${TIMELINE},
'synchronous', current_setting('synchronous_standby_names') <> '',
'databases', ${DATABASES},
'roles', (${ROLES}),
'extensions', (SELECT coalesce(jsonb_agg(DISTINCT name), '[]') FROM pg_available_extensions),
'logicalWorkers', current_setting('max_logical_replication_workers')::int,
'workers', current_setting('max_worker_processes')::int,
'origins', coalesce(current_setting('max_active_replication_origins', true), current_setting('max_replication_slots'))::int,
'subscriptions', coalesce((SELECT jsonb_agg(jsonb_build_object('name', s.subname, 'database', d.datname, 'enabled', s.subenabled, 'slot', s.subslotname, 'synchronous', s.subsynccommit <> 'off')) FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid), '[]'))::text;`;

/** Tables of a database here that no subscription follows, so that rows of them do not arrive: they were made since. */
export const UNFOLLOWED = `SELECT c.oid::regclass FROM pg_class c WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND ${OWN} AND NOT EXISTS (SELECT FROM pg_subscription_rel r JOIN pg_subscription s ON s.oid = r.srsubid WHERE r.srrelid = c.oid AND ${SUBSCRIBED})`;

/** What the host's own server says of a database that was brought, in it. */
export const TARGET_DATABASE = `SELECT jsonb_build_object('name', current_database(),
${TABLES_COPIED},
'unanalyzed', (SELECT count(*) FROM pg_class c WHERE c.relkind = 'r' AND c.reltuples < 0 AND ${OWN}),
'unfollowed', coalesce((SELECT jsonb_agg(t::text) FROM (${UNFOLLOWED}) AS tables (t)), '[]'),
'unfilled', (SELECT count(*) FROM pg_class c WHERE c.relkind = 'm' AND NOT c.relispopulated AND ${OWN}))::text;`;

/** What a database consists of, a line each, in words that do not depend on the major version. */
export const SHAPE = `SELECT regexp_replace(line, E'\\\\s+', ' ', 'g') FROM (
SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' ELSE CASE c.relpersistence WHEN 'u' THEN 'unlogged table' ELSE 'table' END END || ' ' || c.oid::regclass AS line FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't' AND ${OWN}
UNION ALL SELECT 'column ' || c.oid::regclass || ' ' || quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || coalesce(' default ' || (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = c.oid AND adnum = a.attnum), '') FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped AND c.relpersistence <> 't' AND ${OWN}
UNION ALL SELECT 'index ' || pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE i.indisvalid AND c.relpersistence <> 't' AND ${OWN}
UNION ALL SELECT 'constraint ' || c.oid::regclass || ' ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE k.contype <> 'n' AND ${OWN}
UNION ALL SELECT 'trigger ' || pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND ${OWN}
UNION ALL SELECT 'function ' || p.oid::regprocedure || ' ' || md5(p.prosrc) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
UNION ALL SELECT 'label ' || e.enumtypid::regtype || ' ' || e.enumlabel FROM pg_enum e WHERE NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_type'::regclass AND x.objid = e.enumtypid AND x.deptype = 'e')
) shape`;

/** Where every sequence is, as `public.orders_id_seq 42 t`; put with \\gexec. */
export const SEQUENCES = `SELECT format('SELECT %L || last_value || '' '' || is_called FROM %s', c.oid::regclass || ' ', c.oid::regclass) FROM pg_class c WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND c.relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema') ORDER BY c.oid::regclass::text COLLATE "C" \\gexec`;

/** SQL that sets the sequences of a database as they are in the one that is asked; put with \\gexec. */
export const SEQUENCES_SET = `SELECT format('SELECT format(%L, last_value, is_called) FROM %s', format('SELECT pg_catalog.setval(%L, %%s, %%L);', replace(c.oid::regclass::text, '%', '%%')), c.oid::regclass) FROM pg_class c WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND c.relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema') \\gexec`;

import { sqlLiteral } from '../psql.js';
import { brought } from './queries.js';

/** Settings that are lists of names, which stand quoted as they must in what the server keeps (PostgreSQL's GUC_LIST_QUOTE). */
const LISTS =
  "'local_preload_libraries', 'search_path', 'session_preload_libraries', 'shared_preload_libraries', 'temp_tablespaces', 'unix_socket_directories'";

const value = `CASE WHEN lower(split_part(c, '=', 1)) IN (${LISTS}) THEN CASE WHEN substr(c, strpos(c, '=') + 1) = '' THEN '''''' ELSE substr(c, strpos(c, '=') + 1) END ELSE quote_literal(substr(c, strpos(c, '=') + 1)) END`;
const setting = `quote_ident(split_part(c, '=', 1)) || ' TO ' || ${value}`;

/** Names of the roles that are brought. */
export function roleNames(own: readonly string[]): string {
  return `SELECT r.rolname FROM pg_authid r WHERE ${brought(own)}`;
}

/**
 * Asked in the other cluster it gives SQL, for one transaction here, that makes the roles which are not there: with their passwords as they are kept,
 * their settings and memberships. Roles that are there are left as they are.
 */
export function rolesQuery(own: readonly string[]): string {
  const attributes = `concat_ws(' ', CASE WHEN r.rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END, CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, CASE WHEN r.rolcreatedb THEN 'CREATEDB' END, CASE WHEN r.rolcanlogin THEN 'LOGIN' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END, CASE WHEN r.rolconnlimit <> -1 THEN 'CONNECTION LIMIT ' || r.rolconnlimit END, 'VALID UNTIL ' || quote_literal(r.rolvaliduntil), 'PASSWORD ' || quote_literal(r.rolpassword))`;
  const whenMade = (sql: string, name: string): string => `format('SELECT %L FROM pg_temp.made WHERE name = %L \\gexec', ${sql}, ${name})`;
  return `SELECT 'CREATE TEMP TABLE made (name name);' UNION ALL SELECT 'SET LOCAL log_statement = none;'
UNION ALL SELECT format('INSERT INTO pg_temp.made SELECT %L WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = %L);', r.rolname, r.rolname) FROM pg_authid r WHERE ${brought(own)}
UNION ALL SELECT ${whenMade(`format('CREATE ROLE %I WITH %s', r.rolname, ${attributes})`, 'r.rolname')} FROM pg_authid r WHERE ${brought(own)}
UNION ALL SELECT ${whenMade(`format('COMMENT ON ROLE %I IS %L', r.rolname, shobj_description(r.oid, 'pg_authid'))`, 'r.rolname')} FROM pg_authid r WHERE shobj_description(r.oid, 'pg_authid') IS NOT NULL AND ${brought(own)}
UNION ALL SELECT ${whenMade(`format('ALTER ROLE %I SET %s', r.rolname, ${setting})`, 'r.rolname')} FROM pg_authid r JOIN pg_db_role_setting s ON s.setrole = r.oid AND s.setdatabase = 0, unnest(s.setconfig) c WHERE ${brought(own)}
UNION ALL SELECT ${whenMade(`format('GRANT %I TO %I%s', g.rolname, r.rolname, CASE WHEN m.admin_option THEN ' WITH ADMIN OPTION' ELSE '' END)`, 'r.rolname')} FROM pg_auth_members m JOIN pg_authid r ON r.oid = m.member JOIN pg_authid g ON g.oid = m.roleid WHERE ${brought(own)} AND NOT g.rolsuper AND NOT g.rolreplication;`;
}

/** Asked in the other cluster it gives SQL that gives a database, by its name here, what the database there is given: owner, rights, settings, comment. */
export function databaseQuery(database: string, here: string, own: readonly string[]): string {
  const from = `FROM pg_database d WHERE d.datname = ${sqlLiteral(database)}`;
  const name = sqlLiteral(here);
  const of = `FROM pg_database d JOIN pg_db_role_setting s ON s.setdatabase = d.oid`;
  return `SELECT format('ALTER DATABASE %I OWNER TO %I;', ${name}, pg_get_userbyid(d.datdba)) ${from}
UNION ALL SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC;', ${name}) ${from} AND d.datacl IS NOT NULL
UNION ALL SELECT format('GRANT %s ON DATABASE %I TO %s%s;', x.privilege_type, ${name}, CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END, CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) FROM pg_database d, aclexplode(d.datacl) x WHERE d.datname = ${sqlLiteral(database)} AND d.datacl IS NOT NULL
UNION ALL SELECT format('ALTER DATABASE %I SET %s;', ${name}, ${setting}) ${of}, unnest(s.setconfig) c WHERE s.setrole = 0 AND c NOT LIKE 'pgprov.%' AND d.datname = ${sqlLiteral(database)}
UNION ALL SELECT format('ALTER ROLE %I IN DATABASE %I SET %s;', r.rolname, ${name}, ${setting}) ${of} JOIN pg_authid r ON r.oid = s.setrole, unnest(s.setconfig) c WHERE ${brought(own)} AND d.datname = ${sqlLiteral(database)}
UNION ALL SELECT format('COMMENT ON DATABASE %I IS %L;', ${name}, shobj_description(d.oid, 'pg_database')) ${from} AND shobj_description(d.oid, 'pg_database') IS NOT NULL;`;
}

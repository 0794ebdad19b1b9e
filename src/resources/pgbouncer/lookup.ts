import { committed } from '../commits-end.js';
import { findRows, psqlInput, sqlIdentifier, sqlLiteral, sqlQuestion, type LocalServer } from '../psql.js';
import { answerText, digestOf, type Change, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';

/** The function's schema in the database postgres, which is pgprov's alone. */
const SCHEMA = 'pgprov_pgbouncer';
const NAME = 'find_login';

/** What PgBouncer asks to find a role's password, by the name in $1. */
export const LOOKUP_QUERY = `SELECT username, password FROM ${SCHEMA}.${NAME}($1)`;

/** Roles that log in with a password that has not expired; none that may read all or change everything. */
const BODY = `SELECT r.rolname, r.rolpassword FROM pg_catalog.pg_authid r
WHERE r.rolname = $1 AND r.rolcanlogin AND NOT r.rolsuper AND NOT r.rolreplication AND NOT r.rolbypassrls
AND (r.rolvaliduntil IS NULL OR r.rolvaliduntil > now())`;

const SEARCH_PATH = 'pg_catalog, pg_temp';

/** Whether a server has the function as it should be; `down`: it does not answer. */
export interface LookupState {
  server: 'down' | 'standby' | 'primary';
  right: boolean;
}

/**
 * The function by which PgBouncer asks for the passwords of roles that log in through it. It runs as the superuser that owns it, because nobody
 * else may read them, and only `role` may call it.
 */
export function loginLookup({ server, role }: { server: LocalServer; role: string }): Resource<LookupState> {
  const id = 'pgbouncer-lookup';
  const query = `SELECT pg_is_in_recovery(), EXISTS (
SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_roles f ON f.oid = p.proowner JOIN pg_roles o ON o.oid = n.nspowner JOIN pg_roles r ON r.rolname = ${sqlLiteral(role)}
WHERE n.nspname = ${sqlLiteral(SCHEMA)} AND p.proname = ${sqlLiteral(NAME)} AND p.pronargs = 1 AND p.proargtypes[0] = 'text'::regtype
AND p.prosrc = ${sqlLiteral(BODY)} AND p.prosecdef AND p.proconfig = ARRAY[${sqlLiteral(`search_path=${SEARCH_PATH}`)}]
AND f.rolsuper AND o.rolsuper
AND NOT EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee NOT IN (p.proowner, r.oid))
AND NOT EXISTS (SELECT FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a WHERE a.grantee NOT IN (n.nspowner, r.oid)
OR a.grantee = r.oid AND a.privilege_type <> 'USAGE')
AND has_schema_privilege(r.oid, n.oid, 'USAGE') AND has_function_privilege(r.oid, p.oid, 'EXECUTE'))`;
  const rows = sqlQuestion(server, query);
  return {
    id,
    sharedQuestions: [rows],
    probe: () => printAnswer(rows),
    parse: (answer) => {
      const [recovery, right] = (findRows(answerText(answer), query)?.[0] ?? '').split('|');
      if (recovery !== 't' && recovery !== 'f') return { server: 'down', right: false };
      return { server: recovery === 't' ? 'standby' : 'primary', right: right === 't' };
    },
    diff: ({ server: seen, right }): Change[] =>
      right || seen === 'standby'
        ? []
        : [{ action: 'update', summary: `let ${role} ask for the passwords of roles (function ${SCHEMA}.${NAME})` }],
    apply: () => committed(server, psqlInput(server, definition(role))),
    digest: () => digestOf(id, role, BODY),
  };
}

/** Nothing that stands in the schema is removed; what was granted there to others, by an earlier name of the role or by hand, is taken back. */
function definition(role: string): string {
  const identifier = sqlIdentifier(role);
  const fn = `${SCHEMA}.${NAME}(text)`;
  return `BEGIN;
SET LOCAL client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS ${SCHEMA};
ALTER SCHEMA ${SCHEMA} OWNER TO CURRENT_USER;
CREATE OR REPLACE FUNCTION ${SCHEMA}.${NAME}(login text, OUT username name, OUT password text) RETURNS SETOF record
LANGUAGE sql STABLE STRICT SECURITY DEFINER SET search_path = ${SEARCH_PATH} AS ${sqlLiteral(BODY)};
ALTER FUNCTION ${fn} OWNER TO CURRENT_USER;
DO $pgprov$ DECLARE grantee text; BEGIN
FOR grantee IN SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE p.oid = '${fn}'::regprocedure AND a.grantee <> p.proowner
LOOP EXECUTE 'REVOKE ALL ON FUNCTION ${fn} FROM ' || grantee; END LOOP;
FOR grantee IN SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a WHERE n.nspname = '${SCHEMA}' AND a.grantee <> n.nspowner
LOOP EXECUTE 'REVOKE ALL ON SCHEMA ${SCHEMA} FROM ' || grantee; END LOOP;
END $pgprov$;
GRANT USAGE ON SCHEMA ${SCHEMA} TO ${identifier};
GRANT EXECUTE ON FUNCTION ${fn} TO ${identifier};
COMMIT;`;
}

import { sqlIdentifier, sqlLiteral } from '../psql.js';

/** Privileges of one role. */
export interface Grant {
  to: string;
  /** What they are about; tables, sequences and functions are all of the schema, also those that its owner makes later. */
  on: 'database' | 'schema' | 'tables' | 'sequences' | 'functions';
  /** The schema, where it is not about the database. */
  schema: string;
  /** As GRANT has them: `SELECT`. */
  privileges: readonly string[];
}

/** What the kinds of objects in a schema are in the catalogs and in SQL. */
const KINDS = {
  tables: {
    catalog: 'pg_class',
    acl: 'relacl',
    owner: 'relowner',
    schema: 'relnamespace',
    only: "o.relkind IN ('r', 'p', 'v', 'm', 'f')",
    letter: 'r',
    word: 'TABLES',
  },
  sequences: {
    catalog: 'pg_class',
    acl: 'relacl',
    owner: 'relowner',
    schema: 'relnamespace',
    only: "o.relkind = 'S'",
    letter: 's',
    word: 'SEQUENCES',
  },
  functions: {
    catalog: 'pg_proc',
    acl: 'proacl',
    owner: 'proowner',
    schema: 'pronamespace',
    only: "o.prokind <> 'p'",
    letter: 'f',
    word: 'FUNCTIONS',
  },
} as const;

/** An expression of SQL, asked in the database: whether all of these privileges were granted to the role itself. */
export function grantInForce({ to, on, schema, privileges }: Grant): string {
  const has = (acl: string, fallback: string): string =>
    `(SELECT count(DISTINCT a.privilege_type) FROM aclexplode(coalesce(${acl}, ${fallback})) a
WHERE a.grantee = (SELECT oid FROM pg_roles WHERE rolname = ${sqlLiteral(to)}) AND a.privilege_type IN (${privileges.map(sqlLiteral).join(', ')})) = ${privileges.length}`;
  if (on === 'database')
    return `(SELECT ${has('d.datacl', "acldefault('d', d.datdba)")} FROM pg_database d WHERE d.datname = current_database())`;
  const namespace = `(SELECT oid FROM pg_namespace WHERE nspname = ${sqlLiteral(schema)})`;
  if (on === 'schema')
    return `coalesce((SELECT ${has('n.nspacl', "acldefault('n', n.nspowner)")} FROM pg_namespace n WHERE n.nspname = ${sqlLiteral(schema)}), false)`;
  const { catalog, acl, owner, schema: column, only, letter } = KINDS[on];
  return `(NOT EXISTS (SELECT FROM ${catalog} o WHERE o.${column} = ${namespace} AND ${only} AND NOT ${has(`o.${acl}`, `acldefault('${letter}', o.${owner})`)})
AND EXISTS (SELECT FROM pg_default_acl d JOIN pg_namespace n ON n.oid = d.defaclnamespace AND n.nspname = ${sqlLiteral(schema)}
WHERE d.defaclrole = n.nspowner AND d.defaclobjtype = '${letter}' AND ${has('d.defaclacl', "'{}'::aclitem[]")}))`;
}

/** What grants them, in the database. */
export function grantStatements({ to, on, schema, privileges }: Grant, { database }: { database: string }): string[] {
  const [role, words] = [sqlIdentifier(to), privileges.join(', ')];
  if (on === 'database') return [`GRANT ${words} ON DATABASE ${sqlIdentifier(database)} TO ${role};`];
  if (on === 'schema') return [`GRANT ${words} ON SCHEMA ${sqlIdentifier(schema)} TO ${role};`];
  const { word } = KINDS[on];
  return [
    `GRANT ${words} ON ALL ${word} IN SCHEMA ${sqlIdentifier(schema)} TO ${role};`,
    // Whoever owns the schema makes what comes later.
    `SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT ${words} ON ${word} TO %I', pg_get_userbyid(nspowner), nspname, ${sqlLiteral(to)})
FROM pg_namespace WHERE nspname = ${sqlLiteral(schema)} \\gexec`,
  ];
}

/** One line for people: `SELECT on all tables of schema public to reader`. */
export function grantText({ to, on, schema, privileges }: Grant, { database }: { database: string }): string {
  const what = { database: `database ${database}`, schema: `schema ${schema}` } as const;
  const about = on === 'database' || on === 'schema' ? what[on] : `all ${on} of schema ${schema}`;
  return `${privileges.join(', ')} on ${about} to ${to}`;
}

import type { Host, VariableProblem } from '../../../src/index.js';
import { variables, variablesIfAny } from '../variables.js';
import { preloadOf } from './extensions.js';

/** What can be granted on each kind of object, as PostgreSQL has it. */
const PRIVILEGES: Readonly<Record<string, readonly string[]>> = {
  database: ['CREATE', 'CONNECT', 'TEMPORARY'],
  schema: ['CREATE', 'USAGE'],
  tables: ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'],
  sequences: ['SELECT', 'UPDATE', 'USAGE'],
  functions: ['EXECUTE'],
};

/** What is wrong with roles and databases that their schema takes. */
export function contentsProblems(host: Host): VariableProblem[] {
  return [...usersOf(host), ...databasesOf(host)];
}

/** Roles that are named and neither in the inventory nor PostgreSQL's own: meant to be there already, or misspelt. */
export function contentsWarnings(host: Host): VariableProblem[] {
  const { users, databases } = variables(host, 'postgresql');
  const known = new Set([...Object.keys(users), ...ownRoles(host).keys()]);
  const unknown = (name: string): boolean => !known.has(name) && !name.startsWith('pg_');
  const warn = (path: string, name: string): VariableProblem[] =>
    unknown(name) ? [{ host, path, message: `names the role ${name}, which is not in postgresql.users: it has to be there already` }] : [];
  return [
    ...Object.entries(users).flatMap(([name, { member_of: groups = [] }]) =>
      groups.flatMap((group) => warn(`postgresql.users.${name}.member_of`, group)),
    ),
    ...Object.entries(databases).flatMap(([name, { owner, grants = [], schemas = {} }]) => [
      ...(owner === undefined ? [] : warn(`postgresql.databases.${name}.owner`, owner)),
      ...Object.entries(schemas).flatMap(([schema, { owner: own }]) =>
        own === undefined ? [] : warn(`postgresql.databases.${name}.schemas.${schema}.owner`, own),
      ),
      ...grants.flatMap(({ to }) => warn(`postgresql.databases.${name}.grants`, to)),
    ]),
  ];
}

/** The roles that pgprov makes for itself, with the variables that name them. */
function ownRoles(host: Host): Map<string, string> {
  const pooler = variablesIfAny(host, 'pgbouncer')?.auth_username;
  const replication = variablesIfAny(host, 'replication')?.username;
  const rewind = variablesIfAny(host, 'patroni')?.rewind_username;
  return new Map([
    [variables(host, 'postgresql').superuser, 'postgresql.superuser'],
    ...(replication === undefined ? [] : [[replication, 'replication.username'] as const]),
    ...(rewind === undefined ? [] : [[rewind, 'patroni.rewind_username'] as const]),
    ...(pooler === undefined ? [] : [[pooler, 'pgbouncer.auth_username'] as const]),
  ]);
}

function usersOf(host: Host): VariableProblem[] {
  const { users } = variables(host, 'postgresql');
  const own = ownRoles(host);
  return Object.entries(users).flatMap(([name, user]) => {
    const path = `postgresql.users.${name}`;
    const says = (message: string, hint?: string, of = path): VariableProblem[] => [
      { host, path: of, message, ...(hint === undefined ? {} : { hint }) },
    ];
    const role = own.get(name);
    return [
      ...tooLong(host, path, name),
      ...(role === undefined ? [] : says(`is the role of ${role}, which pgprov makes itself`, 'give yours another name')),
      ...(user.password !== undefined && user.login === false
        ? says('has a password, and login is false', 'leave one of them out', `${path}.password`)
        : []),
      ...(user.password !== undefined && user.passwordless === true
        ? says('has a password, and passwordless is true', 'leave one of them out', `${path}.password`)
        : []),
      ...(isInCircle(users, name)
        ? says('is a member of itself, through the roles that it names', 'PostgreSQL takes no circles', `${path}.member_of`)
        : []),
    ];
  });
}

function isInCircle(users: Readonly<Record<string, { member_of?: readonly string[] }>>, name: string): boolean {
  const seen = new Set<string>();
  const reaches = (from: string): boolean =>
    (users[from]?.member_of ?? []).some((group) => {
      if (group === name) return true;
      if (seen.has(group)) return false;
      seen.add(group);
      return reaches(group);
    });
  return reaches(name);
}

function databasesOf(host: Host): VariableProblem[] {
  const { databases, parameters } = variables(host, 'postgresql');
  const loaded = String(parameters.shared_preload_libraries ?? '').split(/\s*,\s*/u);
  return Object.entries(databases).flatMap(([name, { schemas = {}, extensions = {}, grants = [] }]) => {
    const path = `postgresql.databases.${name}`;
    return [
      ...tooLong(host, path, name),
      ...Object.keys(schemas).flatMap((schema) => [
        ...tooLong(host, `${path}.schemas.${schema}`, schema),
        ...(schema.startsWith('pg_') || schema === 'information_schema'
          ? [{ host, path: `${path}.schemas.${schema}`, message: 'is a schema of PostgreSQL itself' }]
          : []),
      ]),
      ...Object.keys(extensions).flatMap((extension): VariableProblem[] => {
        const library = preloadOf(extension);
        if (library === undefined || loaded.includes(library)) return [];
        const message = `needs the library ${library}, which the server has to load when it starts`;
        return [
          {
            host,
            path: `${path}.extensions.${extension}`,
            message,
            hint: `add ${library} to postgresql.parameters.shared_preload_libraries`,
          },
        ];
      }),
      ...grants.flatMap(({ on, privileges }, entry): VariableProblem[] => {
        const wrong = privileges.filter((privilege) => PRIVILEGES[on]?.includes(privilege) !== true);
        if (wrong.length === 0) return [];
        return [
          {
            host,
            path: `${path}.grants`,
            entry,
            message: `grants ${wrong.join(', ')} on ${on}, on which there is no such privilege`,
            hint: `those are ${(PRIVILEGES[on] ?? []).join(', ')}`,
          },
        ];
      }),
    ];
  });
}

/** PostgreSQL would cut it off. */
function tooLong(host: Host, path: string, name: string): VariableProblem[] {
  const bytes = Buffer.byteLength(name);
  return bytes <= 63 ? [] : [{ host, path, message: `has a name of ${bytes} bytes, and PostgreSQL takes 63` }];
}

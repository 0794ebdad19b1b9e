import type {
  DatabaseOptions,
  DatabaseUserOptions,
  DeclaredPassword,
  Grant,
  Host,
  RoleContext,
  WantedExtension,
} from '../../../src/index.js';
import { localServer } from '../layout.js';
import { variables } from '../variables.js';
import { preloadOf } from './extensions.js';

/** The user's own roles as the inventory has them, each after those that it is a member of. */
export function wantedUsers({
  host,
  platform,
  credentials,
}: Pick<RoleContext, 'host' | 'platform' | 'credentials'>): DatabaseUserOptions[] {
  const { users } = variables(host, 'postgresql');
  return inOrder(users).map((name): DatabaseUserOptions => {
    const user = users[name] ?? {};
    const login = user.login !== false;
    return {
      server: localServer(host, platform),
      name,
      attributes: [
        ...(login ? (['LOGIN'] as const) : []),
        ...(user.superuser === true ? (['SUPERUSER'] as const) : []),
        ...(user.createdb === true ? (['CREATEDB'] as const) : []),
        ...(user.createrole === true ? (['CREATEROLE'] as const) : []),
        ...(user.replication === true ? (['REPLICATION'] as const) : []),
        ...(user.bypassrls === true ? (['BYPASSRLS'] as const) : []),
        ...(user.inherit === false ? [] : (['INHERIT'] as const)),
      ],
      ...(login && user.passwordless !== true ? { password: credentials.password(passwordPath(name), user.password) } : {}),
      connectionLimit: user.connection_limit ?? -1,
      validUntil: user.valid_until ?? 'infinity',
      memberOf: user.member_of ?? [],
      settings: user.settings ?? {},
    };
  });
}

/** The passwords of the user's own roles, by the roles' names. */
export function passwordsOfUsers(host: Host): DeclaredPassword[] {
  return Object.entries(variables(host, 'postgresql').users).map(([name, { password, login, passwordless }]) => {
    const none = login === false ? 'may not log in' : passwordless === true ? 'logs in without one' : undefined;
    return { name, path: passwordPath(name), given: password, ...(none === undefined ? {} : { none }) };
  });
}

/** Where the inventory may give the password of a role, and by what it is kept. */
function passwordPath(name: string): string {
  return `postgresql.users.${name}.password`;
}

/** The databases as the inventory has them. */
export function wantedDatabases({ host, platform }: Pick<RoleContext, 'host' | 'platform'>): DatabaseOptions[] {
  const { databases } = variables(host, 'postgresql');
  return Object.entries(databases).map(([name, wanted]): DatabaseOptions => {
    const owner = ownerOf(host, name);
    return {
      server: localServer(host, platform),
      name,
      owner,
      ...(wanted.encoding === undefined ? {} : { encoding: wanted.encoding }),
      ...(wanted.locale === undefined ? {} : { locale: wanted.locale }),
      connectionLimit: wanted.connection_limit ?? -1,
      settings: wanted.settings ?? {},
      schemas: Object.fromEntries(Object.entries(wanted.schemas ?? {}).map(([schema, { owner: own }]) => [schema, own ?? owner])),
      extensions: Object.fromEntries(
        Object.entries(wanted.extensions ?? {}).map(([extension, given]) => [extension, asWanted(extension, given)]),
      ),
      grants: (wanted.grants ?? []).map(({ to, on, schema = 'public', privileges }): Grant => ({ to, on, schema, privileges })),
    };
  });
}

/** Who owns a database. */
function ownerOf(host: Host, name: string): string {
  const { databases, superuser } = variables(host, 'postgresql');
  return databases[name]?.owner ?? superuser;
}

function asWanted(name: string, { schema, version }: { schema?: string; version?: string }): WantedExtension {
  const preload = preloadOf(name);
  return {
    ...(schema === undefined ? {} : { schema }),
    ...(version === undefined ? {} : { version }),
    ...(preload === undefined ? {} : { preload }),
  };
}

/** Names of roles, each after those among them that it is a member of; a circle is no order, and `problems` tells it. */
function inOrder(users: Readonly<Record<string, { member_of?: readonly string[] }>>): string[] {
  const ordered: string[] = [];
  const visit = (name: string, path: readonly string[]): void => {
    if (ordered.includes(name) || path.includes(name) || !Object.hasOwn(users, name)) return;
    for (const group of users[name]?.member_of ?? []) visit(group, [...path, name]);
    ordered.push(name);
  };
  for (const name of Object.keys(users)) visit(name, []);
  return ordered;
}

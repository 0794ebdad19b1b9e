import { database, databaseUser, stateOf, type Resource, type RoleContext, type Stage } from '../../../src/index.js';
import { wantedDatabases, wantedUsers } from './wanted.js';

/** Roles and databases of the user's own, made on the server that takes writes; nothing where the inventory has none. */
export function contents(context: RoleContext): Stage[] {
  const users = wantedUsers(context).map(databaseUser);
  const databases = wantedDatabases(context).map(database);
  const [first] = [...users, ...databases] as Resource<{ server: string }>[];
  if (first === undefined) return [];
  return [
    {
      name: 'contents',
      title: 'make roles and databases',
      crossing: 'independent',
      byOne: (states) => stateOf(states, first)?.server === 'primary',
      resources: [...users, ...databases] as Resource[],
    },
  ];
}

import { describe, expect, it } from 'vitest';
import { inventoryOf, THREE } from '../../../support/inventory.js';
import { wantedUsers } from '../../../../roles/shared/contents/wanted.js';
import { packagesOfExtensions } from '../../../../roles/shared/contents/extensions.js';
import { PLATFORMS } from '../../../../src/platform/index.js';
import { Secret } from '../../../../src/lib/secret.js';

const problem = async (postgresql: string): Promise<string> =>
  inventoryOf(`${THREE}postgresql: ${postgresql}\n`).then(
    () => 'none',
    (error: unknown) => String((error as Error).message),
  );

describe('roles and databases in an inventory', () => {
  it.each([
    ['{users: {postgres: {}}}', 'is the role of postgresql.superuser, which pgprov makes itself'],
    ['{users: {replicator: {login: false}}}', 'is the role of replication.username'],
    ['{users: {a: {login: false, password: x}}}', 'has a password, and login is false'],
    ['{users: {a: {passwordless: true, password: x}}}', 'has a password, and passwordless is true'],
    ['{users: {a: {member_of: [b]}, b: {member_of: [a]}}}', 'is a member of itself'],
    [`{users: {${'é'.repeat(40)}: {}}}`, 'has a name of 80 bytes, and PostgreSQL takes 63'],
    ['{users: {pg_mine: {}}}', 'must be a role name'],
    ['{databases: {template1: {}}}', 'databases'],
    ['{databases: {a: {schemas: {pg_own: {}}}}}', 'is a schema of PostgreSQL itself'],
    ['{databases: {a: {extensions: {pg_cron: {}}}}}', 'needs the library pg_cron, which the server has to load when it starts'],
    [
      '{databases: {a: {grants: [{to: b, on: schema, privileges: [SELECT]}]}}}',
      'grants SELECT on schema, on which there is no such privilege',
    ],
    ['{databases: {a: {grants: [{to: b, on: tables}]}}}', 'privileges'],
  ])('are refused: %s', async (postgresql, says) => {
    expect(await problem(postgresql)).toContain(says);
  });

  it('are taken with an extension whose library is loaded, and with roles that are there already, of which a warning tells', async () => {
    expect(await problem('{parameters: {shared_preload_libraries: pg_cron}, databases: {a: {extensions: {pg_cron: {}}}}}')).toBe('none');
    const { warnings } = await inventoryOf(
      `${THREE}postgresql: {users: {a: {member_of: [old, pg_monitor]}}, databases: {d: {owner: gone}}}\n`,
    );
    expect(warnings.map(({ message }) => message).filter((text) => text.includes('postgresql.users'))).toEqual([
      expect.stringContaining('names the role old,'),
      expect.stringContaining('names the role gone,'),
    ]);
  });
});

describe('the roles of an inventory', () => {
  it('are made each after those that it is a member of, with passwords for those that log in with one', async () => {
    const { hosts } = await inventoryOf(`${THREE}postgresql: {users: {a: {member_of: [b]}, b: {login: false}, c: {passwordless: true}}}\n`);
    const [host] = hosts;
    const [platform] = PLATFORMS;
    if (host === undefined || platform === undefined) throw new Error('no host');
    const asked: string[] = [];
    const credentials = {
      password: (path: string) => {
        asked.push(path);
        return new Secret('made');
      },
    };
    const users = wantedUsers({ host, platform, credentials: credentials as never });
    expect(users.map(({ name, attributes }) => `${name}: ${attributes.join(' ')}`)).toEqual([
      'b: INHERIT',
      'a: LOGIN INHERIT',
      'c: LOGIN INHERIT',
    ]);
    expect(asked).toEqual(['postgresql.users.a.password']);
  });

  it('have the packages of their extensions on every member, those that are given before those that are known', async () => {
    const { hosts } = await inventoryOf(
      `${THREE}postgresql: {databases: {d: {extensions: {vector: {}, pg_trgm: {}, mine: {packages: [my-package]}}}}}\n`,
    );
    for (const host of hosts)
      expect(PLATFORMS.map((platform) => packagesOfExtensions({ host, platform }))).toEqual([
        ['postgresql-17-pgvector', 'my-package'],
        ['postgresql-17-pgvector', 'my-package'],
        ['pgvector_17', 'my-package'],
        ['pgvector_17', 'my-package'],
      ]);
  });
});

import { describe, expect, it } from 'vitest';
import { makeVerifier } from '../../../src/lib/scram.js';
import { Secret } from '../../../src/lib/secret.js';
import { database, waitingExtensions, type DatabaseOptions, type DatabaseState } from '../../../src/resources/contents/database.js';
import { databaseUser, type DatabaseUserOptions, type DatabaseUserState } from '../../../src/resources/contents/database-user.js';
import { settingChanges, setTo } from '../../../src/resources/contents/settings.js';
import type { LocalServer } from '../../../src/resources/psql.js';

const server: LocalServer = {
  binDirectory: '/bin17',
  socketDirectory: '/run/pg',
  port: 5432,
  user: 'postgres',
  home: '/var/lib/postgresql',
};
const summaries = (changes: readonly { summary: string }[]): string[] => changes.map(({ summary }) => summary);

describe('settings of roles and databases', () => {
  it('are the same however a list of names is quoted, and whatever case its name has', () => {
    expect(settingChanges({ search_path: '"$user",app' }, { search_path: '"$user", app' })).toEqual([]);
    expect(settingChanges({ search_path: 'app, public' }, { search_path: 'public, app' })).toEqual(['search_path']);
    expect(settingChanges({ datestyle: 'ISO, DMY', work_mem: '8MB' }, { DateStyle: 'ISO, DMY' })).toEqual(['work_mem']);
    expect(settingChanges({ jit: false }, { jit: 'off' })).toEqual([]);
  });

  it('are written as PostgreSQL reads them: the names of a list each by itself, all else as one text', () => {
    expect(setTo('search_path', '"$user", "a ""b", public')).toBe(`SET search_path = '$user', 'a "b', 'public'`);
    expect(setTo('search_path', '')).toBe("SET search_path = ''");
    expect(setTo('DateStyle', 'ISO, DMY')).toBe("SET DateStyle = 'ISO, DMY'");
    expect(setTo('application_name', "it's")).toBe("SET application_name = 'it''s'");
    expect(setTo('jit', true)).toBe("SET jit = 'on'");
  });
});

describe('a role of the user’s own', () => {
  const options: DatabaseUserOptions = {
    server,
    name: 'a "b',
    attributes: ['LOGIN', 'INHERIT'],
    password: new Secret('open sesame'),
    connectionLimit: -1,
    validUntil: 'infinity',
    memberOf: ['reader'],
    settings: { work_mem: '8MB' },
  };
  const seen = {
    attributes: ['LOGIN', 'INHERIT'],
    verifier: makeVerifier('open sesame'),
    connectionLimit: -1,
    expiresAsWanted: true,
    memberOf: ['reader', 'others'],
    settings: { work_mem: '8MB', jit: 'off' },
  };
  const found = (role: Partial<typeof seen>): DatabaseUserState => ({ server: 'primary', role: { ...seen, ...role } });
  const diff = (state: DatabaseUserState, more: Partial<DatabaseUserOptions> = {}): string[] =>
    summaries(databaseUser({ ...options, ...more }).diff(state));

  it('differs in nothing where only more was granted or set than the inventory says', () => {
    expect(diff(found({}))).toEqual([]);
  });

  it('is made where there is none or nothing is known yet, and left to its primary on a standby', () => {
    expect(diff({ server: 'primary', role: undefined })).toEqual(['create role a "b (LOGIN INHERIT)']);
    expect(diff({ server: 'down' })).toEqual(['create role a "b (LOGIN INHERIT)']);
    expect(diff({ server: 'standby' })).toEqual([]);
  });

  it.each<[Partial<typeof seen>, string]>([
    [{ attributes: ['LOGIN', 'INHERIT', 'SUPERUSER'] }, 'alter role a "b: NOSUPERUSER'],
    [{ attributes: ['INHERIT'] }, 'alter role a "b: LOGIN'],
    [{ verifier: makeVerifier('another') }, 'set the password of role a "b (SCRAM-SHA-256)'],
    [{ verifier: '' }, 'set the password of role a "b (SCRAM-SHA-256)'],
    [{ connectionLimit: 3 }, 'set the connection limit of role a "b to -1 (it is 3)'],
    [{ expiresAsWanted: false }, 'have the password of role a "b expire: never'],
    [{ memberOf: [] }, 'make role a "b a member of reader'],
    [{ settings: { work_mem: '4MB', jit: 'off' } }, 'set work_mem of role a "b (it is 4MB)'],
  ])('is told each difference by itself: %j', (role, told) => {
    expect(diff(found(role))).toEqual([told]);
  });

  it('keeps whatever password it has where it logs in without', () => {
    const { password: _, ...without } = options;
    expect(summaries(databaseUser(without).diff(found({ verifier: '' })))).toEqual([]);
  });

  it('reaches the server as a verifier, on standard input, with the log of statements off', () => {
    const { text } = databaseUser(options).apply([], { server: 'primary', role: undefined });
    expect(text).toMatch(/\n\( printf '%s\\n' 'SET log_statement/u);
    expect(text).not.toContain('open sesame');
    expect(text).toContain("SET log_statement = '\\''none'\\'';");
    expect(text).toContain('ALTER ROLE "a ""b" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT');
    expect(text).toContain('GRANT "reader" TO "a ""b";');
  });

  it('reads what the server answers, and a server that does not as one that is down', () => {
    const resource = databaseUser(options);
    const question = resource.sharedQuestions?.[0]?.subjects[0] ?? '';
    expect(question).toContain("r.rolname = 'a \"b'");
    expect(resource.parse({ status: 0, out: Buffer.from('') })).toEqual({ server: 'down' });
  });
});

describe('a database', () => {
  const options: DatabaseOptions = {
    server,
    name: 'app=1',
    owner: 'app',
    connectionLimit: -1,
    settings: {},
    schemas: { own: 'app' },
    extensions: { pg_trgm: {}, ip4r: { version: '2.4' }, pgaudit: { preload: 'pgaudit' } },
    grants: [{ to: 'reader', on: 'tables', schema: 'own', privileges: ['SELECT'] }],
  };
  const contents = {
    schemas: { own: 'app' },
    extensions: { pg_trgm: { schema: 'public', version: '1.6' }, ip4r: { schema: 'public', version: '2.4' } },
    grants: [true],
  };
  const seen = { owner: 'app', encoding: 'UTF8', collate: 'C.UTF-8', connectionLimit: -1, settings: {} };
  const found = (
    inside: Partial<typeof contents> = {},
    outside: Partial<typeof seen> = {},
    preloaded = ['pg_stat_statements'],
  ): DatabaseState => ({
    server: 'primary',
    preloaded,
    database: { ...seen, ...outside },
    contents: { ...contents, ...inside },
  });
  const diff = (state: DatabaseState): string[] => summaries(database(options).diff(state));

  it('differs in nothing while an extension waits for a restart, which loads its library', () => {
    expect(diff(found())).toEqual([]);
    expect(waitingExtensions(options, found())).toEqual(['pgaudit']);
    expect(diff(found({}, {}, ['pgaudit']))).toEqual(['create extension pgaudit in database app=1']);
  });

  it.each<[DatabaseState, string]>([
    [found({}, { owner: 'postgres' }), 'make app the owner of database app=1 (it is postgres)'],
    [found({}, { connectionLimit: 0 }), 'set the connection limit of database app=1 to -1 (it is 0)'],
    [found({ schemas: {} as typeof contents.schemas }), 'create schema own in database app=1 (owner app)'],
    [found({ schemas: { own: 'other' } }), 'make app the owner of schema own in database app=1 (it is other)'],
    [
      found({ extensions: { ...contents.extensions, ip4r: { schema: 'public', version: '2.3' } } }),
      'update extension ip4r in database app=1 to 2.4 (it is 2.3)',
    ],
    [found({ grants: [false] }), 'grant SELECT on all tables of schema own to reader in database app=1'],
  ])('is told each difference by itself: %#', (state, told) => {
    expect(diff(state)).toEqual([told]);
  });

  it('is made with all that is in it, from template0 only where it is of another kind than the cluster', () => {
    const none: DatabaseState = { server: 'primary', preloaded: ['pgaudit'], database: undefined, contents: undefined };
    expect(diff(none)[0]).toBe('create database app=1 (owner app)');
    expect(diff(none)).toHaveLength(6);
    // One that is yet to be made waits for the restart as well.
    expect(diff({ ...none, preloaded: [] }).filter((text) => text.includes('pgaudit'))).toEqual([]);
    expect(diff({ server: 'standby' })).toEqual([]);
    const made = (more: Partial<DatabaseOptions>): string => database({ ...options, ...more }).apply([], none).text;
    expect(made({})).not.toContain('template0');
    expect(made({ locale: 'C' })).toContain('TEMPLATE template0 LC_COLLATE');
  });

  it('is connected to by a string that its name cannot be taken apart in, and nothing of its own settings counts there', () => {
    const { text } = database(options).apply([], found({ grants: [false] }));
    expect(text).toContain(`-d 'dbname='\\''app=1'\\'''`);
    expect(text).toContain('SET search_path = pg_catalog;');
    expect(text).toContain('SET ROLE NONE;');
  });
});

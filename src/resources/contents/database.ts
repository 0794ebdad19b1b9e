import { sh } from '../../shell/quote.js';
import { committed } from '../commits-end.js';
import { handle, type Handle } from '../handle.js';
import { findRows, libpqQuoted, psql, psqlInput, sqlIdentifier, sqlLiteral, sqlQuestion, type LocalServer } from '../psql.js';
import { answerText, digestOf, type Change, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { grantInForce, grantStatements, grantText, type Grant } from './grants.js';
import { settingChanges, settingsOf, setTo, type Settings } from './settings.js';

/** An extension that a database is to have. */
export interface WantedExtension {
  /** Undefined: where the extension wants its objects, else public. */
  schema?: string;
  /** Undefined: the newest when it is made, which is not moved after that. */
  version?: string;
  /** The library that the server must have loaded at its start before the extension can be made. */
  preload?: string;
}

/** A database of the user's own, and what is in it. */
export interface DatabaseOptions {
  server: LocalServer;
  name: string;
  owner: string;
  /** Both are fixed when it is made; undefined: those of the cluster. */
  encoding?: string;
  locale?: string;
  /** Connections at most; -1: any number. */
  connectionLimit: number;
  /** Parameters of sessions in it; others stay. */
  settings: Settings;
  /** The owners of schemas that it has; others stay. */
  schemas: Readonly<Record<string, string>>;
  /** Those that it has; others stay. */
  extensions: Readonly<Record<string, WantedExtension>>;
  /** Those that roles have; others stay. */
  grants: readonly Grant[];
}

/** A database as the server has it. */
export interface SeenDatabase {
  owner: string;
  encoding: string;
  /** `lc_collate` of new databases of this kind; the C library's name. */
  collate: string;
  connectionLimit: number;
  settings: Settings;
}

/** What was found in a database. */
export interface SeenContents {
  /** Owners by schema. */
  schemas: Readonly<Record<string, string>>;
  extensions: Readonly<Record<string, { schema: string; version: string }>>;
  /** Whether each of the grants asked about is in force, in their order. */
  grants: readonly boolean[];
}

/** What the server says of a database. */
export type DatabaseState =
  | { server: 'down' | 'standby' }
  | {
      server: 'primary';
      /** Libraries that the server has loaded at its start. */
      preloaded: readonly string[];
      /** Undefined: there is no such database. */
      database: SeenDatabase | undefined;
      /** Undefined: nobody could look into it. */
      contents: SeenContents | undefined;
    };

/** What is seen of a database by its name. */
export function databaseHandle(name: string): Handle<DatabaseState> {
  return handle(`database:${name}`);
}

/**
 * What each session in a database begins with: its owner may have given it settings that have names found elsewhere, or writes refused. A lock is
 * not waited for so long that clients queue behind it.
 */
const PRELUDE = `SET ROLE NONE;
SET search_path = pg_catalog;
SET statement_timeout = 0;
SET lock_timeout = '30s';
SET client_min_messages = warning;`;

const INSIDE = '@pgprov-inside';

/** A database with this owner and limit, and at least these settings, schemas, extensions and grants; made where the server takes writes. */
export function database(options: DatabaseOptions): Resource<DatabaseState> {
  const { server, name, owner, connectionLimit, settings, schemas, extensions, grants } = options;
  const { id } = databaseHandle(name);
  const query = `SELECT CASE WHEN pg_is_in_recovery() THEN '"standby"' ELSE json_build_object(
'preloaded', regexp_split_to_array(replace(current_setting('shared_preload_libraries'), '"', ''), ' *, *'),
'database', (SELECT json_build_object('owner', pg_get_userbyid(d.datdba), 'encoding', pg_encoding_to_char(d.encoding), 'collate', d.datcollate,
'connectionLimit', d.datconnlimit, 'settings', ${settingsOf('s.setrole = 0 AND s.setdatabase = d.oid')})
FROM pg_database d WHERE d.datname = ${sqlLiteral(name)}))::text END`;
  const rows = sqlQuestion(server, query);
  const inside = `SELECT json_build_object(
'schemas', (SELECT json_object_agg(nspname, pg_get_userbyid(nspowner)) FROM pg_namespace),
'extensions', (SELECT json_object_agg(extname, json_build_object('schema', n.nspname, 'version', extversion))
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace),
'grants', ARRAY[${grants.map(grantInForce).join(',\n')}]::boolean[])`;
  const into = ['-d', connectionTo(name)];
  const wordsInside = psql(server, [...into, '-f', '-']);
  return {
    id,
    sharedQuestions: [rows],
    probe: () => sh`${printAnswer(rows)}
echo ${INSIDE}
[ ! -x ${`${server.binDirectory}/psql`} ] || printf '%s\n' ${`${PRELUDE}\n${inside};`} | ${wordsInside} 2>/dev/null || :`,
    parse: (answer) => {
      const [outer = '', inner = ''] = answerText(answer).split(`${INSIDE}\n`);
      return readDatabase(findRows(outer, query)?.[0], inner.trim());
    },
    diff: (state): Change[] => {
      if (state.server === 'standby') return [];
      const { database: seen, contents } = foundIn(state);
      const of = ` of database ${name}`;
      const outside =
        seen === undefined
          ? [{ action: 'create' as const, summary: `create database ${name} (owner ${owner})` }]
          : [
              ...(seen.owner === owner ? [] : [change(`make ${owner} the owner${of} (it is ${seen.owner})`)]),
              ...(seen.connectionLimit === connectionLimit
                ? []
                : [change(`set the connection limit${of} to ${connectionLimit} (it is ${seen.connectionLimit})`)]),
            ];
      const set = settingChanges(settings, seen?.settings ?? {});
      return [
        ...outside,
        ...(seen === undefined ? [] : set.map((setting) => change(`set ${setting}${of} (it is ${seen.settings[setting] ?? 'not set'})`))),
        ...insideChanges(options, state, contents),
      ];
    },
    apply: (_changes, state) => {
      const { database: seen, contents } = foundIn(state);
      const identifier = sqlIdentifier(name);
      const outside = [
        ...(seen === undefined ? [creation(options)] : []),
        `ALTER DATABASE ${identifier} OWNER TO ${sqlIdentifier(owner)};`,
        `ALTER DATABASE ${identifier} CONNECTION LIMIT ${connectionLimit};`,
        ...settingChanges(settings, seen?.settings ?? {}).map(
          (setting) => `ALTER DATABASE ${identifier} ${setTo(setting, settings[setting])};`,
        ),
      ].join('\n');
      const statements = insideStatements(options, state, contents);
      const words =
        statements.length === 0
          ? psqlInput(server, outside)
          : sh`${psqlInput(server, outside)} &&
printf '%s\n' ${[PRELUDE, 'BEGIN READ WRITE;', ...statements, 'COMMIT;'].join('\n')} | ${wordsInside}`;
      return committed(server, words);
    },
    digest: () => digestOf(id, owner, connectionLimit, JSON.stringify([settings, schemas, extensions, grants])),
  };
}

/** The extensions that wait for a restart, which loads the library that they need; none where the server is yet to be made. */
export function waitingExtensions({ extensions }: Pick<DatabaseOptions, 'extensions'>, state: DatabaseState): string[] {
  if (state.server !== 'primary') return [];
  const { preloaded, contents } = state;
  return Object.entries(extensions).flatMap(([name, { preload }]) =>
    contents?.extensions[name] === undefined && preload !== undefined && !preloaded.includes(preload) ? [name] : [],
  );
}

function foundIn(state: DatabaseState): { database?: SeenDatabase; contents?: SeenContents } {
  if (state.server !== 'primary') return {};
  const { database: found, contents } = state;
  return { ...(found === undefined ? {} : { database: found }), ...(contents === undefined ? {} : { contents }) };
}

function change(summary: string): Change {
  return { action: 'update', summary };
}

function insideChanges(options: DatabaseOptions, state: DatabaseState, contents: SeenContents | undefined): Change[] {
  const { name, schemas, extensions, grants } = options;
  const inIt = ` in database ${name}`;
  const waiting = waitingExtensions(options, state);
  return [
    ...Object.entries(schemas).flatMap(([schema, owner]): Change[] => {
      const is = contents?.schemas[schema];
      if (is === undefined) return [{ action: 'create', summary: `create schema ${schema}${inIt} (owner ${owner})` }];
      return is === owner ? [] : [change(`make ${owner} the owner of schema ${schema}${inIt} (it is ${is})`)];
    }),
    ...Object.entries(extensions).flatMap(([extension, { version }]): Change[] => {
      if (waiting.includes(extension)) return [];
      const is = contents?.extensions[extension];
      const which = version === undefined ? '' : ` ${version}`;
      if (is === undefined) return [{ action: 'create', summary: `create extension ${extension}${which}${inIt}` }];
      return version === undefined || is.version === version
        ? []
        : [change(`update extension ${extension}${inIt} to ${version} (it is ${is.version})`)];
    }),
    ...grants.flatMap((grant, at): Change[] =>
      contents?.grants[at] === true ? [] : [change(`grant ${grantText(grant, { database: name })}${grant.on === 'database' ? '' : inIt}`)],
    ),
  ];
}

function insideStatements(options: DatabaseOptions, state: DatabaseState, contents: SeenContents | undefined): string[] {
  const { name, schemas, extensions, grants } = options;
  const waiting = waitingExtensions(options, state);
  return [
    ...Object.entries(schemas).flatMap(([schema, owner]) =>
      contents?.schemas[schema] === owner
        ? []
        : [
            `CREATE SCHEMA IF NOT EXISTS ${sqlIdentifier(schema)};`,
            `ALTER SCHEMA ${sqlIdentifier(schema)} OWNER TO ${sqlIdentifier(owner)};`,
          ],
    ),
    // Without a schema of its own an extension goes into the first one that is searched.
    'SET LOCAL search_path = public;',
    ...Object.entries(extensions).flatMap(([extension, { schema, version }]) => {
      if (waiting.includes(extension)) return [];
      const is = contents?.extensions[extension];
      const [quoted, which] = [sqlIdentifier(extension), version === undefined ? '' : sqlLiteral(version)];
      if (is !== undefined) return version === undefined || is.version === version ? [] : [`ALTER EXTENSION ${quoted} UPDATE TO ${which};`];
      const where = schema === undefined ? '' : ` SCHEMA ${sqlIdentifier(schema)}`;
      return [`CREATE EXTENSION IF NOT EXISTS ${quoted}${where}${which === '' ? '' : ` VERSION ${which}`} CASCADE;`];
    }),
    'SET LOCAL search_path = pg_catalog;',
    ...grants.flatMap((grant, at) => (contents?.grants[at] === true ? [] : grantStatements(grant, { database: name }))),
  ];
}

/** From template0 where it is to differ from the cluster, because template1 may hold text of another kind. */
function creation({ name, owner, encoding, locale }: DatabaseOptions): string {
  const kind = [
    ...(encoding === undefined ? [] : [`ENCODING ${sqlLiteral(encoding)}`]),
    ...(locale === undefined ? [] : [`LC_COLLATE ${sqlLiteral(locale)} LC_CTYPE ${sqlLiteral(locale)}`]),
  ];
  const how = kind.length === 0 ? '' : ` TEMPLATE template0 ${kind.join(' ')}`;
  return `SELECT ${sqlLiteral(`CREATE DATABASE ${sqlIdentifier(name)} OWNER ${sqlIdentifier(owner)}${how}`)}
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = ${sqlLiteral(name)}) \\gexec`;
}

/** A name alone could be read as a whole connection string. */
function connectionTo(name: string): string {
  return `dbname=${libpqQuoted(name)}`;
}

function readDatabase(row: string | undefined, inside: string): DatabaseState {
  if (row === undefined) return { server: 'down' };
  const seen = JSON.parse(row) as 'standby' | { preloaded: readonly string[]; database: SeenDatabase | null };
  if (seen === 'standby') return { server: 'standby' };
  return {
    server: 'primary',
    preloaded: seen.preloaded,
    database: seen.database ?? undefined,
    contents: inside === '' ? undefined : (JSON.parse(inside) as SeenContents),
  };
}

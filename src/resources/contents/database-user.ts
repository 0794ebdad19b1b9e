import { createHash } from 'node:crypto';
import { makeVerifier, verifierMatches } from '../../lib/scram.js';
import type { Secret } from '../../lib/secret.js';
import { committed } from '../commits-end.js';
import { handle, type Handle } from '../handle.js';
import { findRows, psqlInput, sqlIdentifier, sqlLiteral, sqlQuestion, type LocalServer } from '../psql.js';
import { answerText, digestOf, type Change, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { settingChanges, settingsOf, setTo, type Settings } from './settings.js';
import { UNLOGGED } from '../unlogged.js';

/** The attributes of a role that are on or off, by their words in SQL and their columns in pg_authid. */
const ATTRIBUTES = {
  LOGIN: 'rolcanlogin',
  SUPERUSER: 'rolsuper',
  CREATEDB: 'rolcreatedb',
  CREATEROLE: 'rolcreaterole',
  REPLICATION: 'rolreplication',
  BYPASSRLS: 'rolbypassrls',
  INHERIT: 'rolinherit',
} as const;

/** An attribute that is on or off, as CREATE ROLE has it. */
export type Attribute = keyof typeof ATTRIBUTES;

/** A database role of the user's own. */
export interface DatabaseUserOptions {
  server: LocalServer;
  name: string;
  /** Those that it has; all others it has not. */
  attributes: readonly Attribute[];
  /** Undefined: whatever password it has stays. */
  password?: Secret;
  /** Connections at most; -1: any number. */
  connectionLimit: number;
  /** When its password expires, as PostgreSQL reads it; `infinity`: never. */
  validUntil: string;
  /** Roles whose member it is; other memberships stay. */
  memberOf: readonly string[];
  /** Parameters of its sessions; others stay. */
  settings: Settings;
}

/** What the server says of the role. */
export type DatabaseUserState =
  | { server: 'down' | 'standby' }
  | {
      server: 'primary';
      /** Undefined: there is no such role. */
      role:
        | undefined
        | {
            attributes: readonly string[];
            verifier: string;
            connectionLimit: number;
            /** Whether its password expires when it is to. */
            expiresAsWanted: boolean;
            memberOf: readonly string[];
            settings: Settings;
          };
    };

/** What is seen of a user's own role by its name. */
export function databaseUserHandle(name: string): Handle<DatabaseUserState> {
  return handle(`database-user:${name}`);
}

/** A role with exactly these attributes, this password and limit, and at least these memberships and settings; made where the server takes writes. */
export function databaseUser(options: DatabaseUserOptions): Resource<DatabaseUserState> {
  const { server, name, attributes, password, connectionLimit, validUntil, memberOf, settings } = options;
  const { id } = databaseUserHandle(name);
  const flags = Object.entries(ATTRIBUTES).map(([word, column]) => `CASE WHEN r.${column} THEN '${word}' END`);
  const query = `SELECT CASE WHEN pg_is_in_recovery() THEN '"standby"' ELSE coalesce((SELECT json_build_object(
'attributes', array_remove(ARRAY[${flags.join(', ')}], NULL),
'verifier', coalesce(r.rolpassword, ''),
'connectionLimit', r.rolconnlimit,
'expiresAsWanted', coalesce(r.rolvaliduntil, 'infinity') = ${sqlLiteral(validUntil)}::timestamptz,
'memberOf', ARRAY(SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid ORDER BY 1),
'settings', ${settingsOf('s.setdatabase = 0 AND s.setrole = r.oid')})::text
FROM pg_authid r WHERE r.rolname = ${sqlLiteral(name)}), 'null') END`;
  const rows = sqlQuestion(server, query);
  const identifier = sqlIdentifier(name);
  return {
    id,
    sharedQuestions: [rows],
    probe: () => printAnswer(rows),
    parse: (answer) => readUser(findRows(answerText(answer), query)?.[0]),
    diff: (state): Change[] => {
      if (state.server === 'standby') return [];
      const seen = state.server === 'primary' ? state.role : undefined;
      if (seen === undefined) return [{ action: 'create', summary: `create role ${name} (${wordsOf(attributes)})` }];
      const wanted = Object.keys(ATTRIBUTES) as Attribute[];
      const turned = wanted.filter((word) => attributes.includes(word) !== seen.attributes.includes(word));
      const missing = memberOf.filter((group) => !seen.memberOf.includes(group));
      const of = ` of role ${name}`;
      return [
        ...(turned.length === 0
          ? []
          : [change(`alter role ${name}: ${turned.map((word) => (attributes.includes(word) ? word : `NO${word}`)).join(' ')}`)]),
        ...(password === undefined || verifierMatches(seen.verifier, password.reveal())
          ? []
          : [change(`set the password${of} (SCRAM-SHA-256)`)]),
        ...(seen.connectionLimit === connectionLimit
          ? []
          : [change(`set the connection limit${of} to ${connectionLimit} (it is ${seen.connectionLimit})`)]),
        ...(seen.expiresAsWanted ? [] : [change(`have the password${of} expire: ${validUntil === 'infinity' ? 'never' : validUntil}`)]),
        ...missing.map((group) => change(`make role ${name} a member of ${group}`)),
        ...settingChanges(settings, seen.settings).map((setting) =>
          change(`set ${setting}${of} (it is ${seen.settings[setting] ?? 'not set'})`),
        ),
      ];
    },
    apply: (_changes, state) => {
      const seen = state.server === 'primary' ? state.role : undefined;
      const all = (Object.keys(ATTRIBUTES) as Attribute[]).map((word) => (attributes.includes(word) ? word : `NO${word}`));
      const renewed = password !== undefined && (seen === undefined || !verifierMatches(seen.verifier, password.reveal()));
      const words = psqlInput(
        server,
        [
          UNLOGGED,
          'BEGIN;',
          // Another run may have made it since it was looked for.
          ...(seen === undefined
            ? [
                `SELECT format('CREATE ROLE %I', w) FROM (SELECT ${sqlLiteral(name)} w) x
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = w) \\gexec`,
              ]
            : []),
          `ALTER ROLE ${identifier} ${all.join(' ')} CONNECTION LIMIT ${connectionLimit} VALID UNTIL ${sqlLiteral(validUntil)};`,
          ...(renewed && password !== undefined
            ? [`ALTER ROLE ${identifier} PASSWORD ${sqlLiteral(makeVerifier(password.reveal()))};`]
            : []),
          ...memberOf
            .filter((group) => seen?.memberOf.includes(group) !== true)
            .map((group) => `GRANT ${sqlIdentifier(group)} TO ${identifier};`),
          ...settingChanges(settings, seen?.settings ?? {}).map(
            (setting) => `ALTER ROLE ${identifier} ${setTo(setting, settings[setting])};`,
          ),
          'COMMIT;',
        ].join('\n'),
      );
      return committed(server, words);
    },
    digest: () =>
      digestOf(
        id,
        ...attributes,
        createHash('sha256')
          .update(password?.reveal() ?? '')
          .digest('hex'),
        connectionLimit,
        validUntil,
        JSON.stringify([memberOf, settings]),
      ),
  };
}

function change(summary: string): Change {
  return { action: 'update', summary };
}

function wordsOf(attributes: readonly Attribute[]): string {
  return attributes.includes('LOGIN') ? attributes.join(' ') : ['NOLOGIN', ...attributes].join(' ');
}

function readUser(row: string | undefined): DatabaseUserState {
  if (row === undefined) return { server: 'down' };
  const seen = JSON.parse(row) as 'standby' | null | Exclude<Extract<DatabaseUserState, { server: 'primary' }>['role'], undefined>;
  if (seen === 'standby') return { server: 'standby' };
  return { server: 'primary', role: seen ?? undefined };
}

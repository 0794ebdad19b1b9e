import { createHash } from 'node:crypto';
import type { Secret } from '../lib/secret.js';
import { makeVerifier, verifierMatches } from '../lib/scram.js';
import { findRows, psqlInput, sqlIdentifier, sqlLiteral, sqlQuestion, type LocalServer } from './psql.js';
import { answerText, digestOf, type Change, type Resource } from './resource.js';
import { tellShared } from './shared-question.js';

/** A database role that can log in with a password. */
export interface PgRoleOptions {
  server: LocalServer;
  name: string;
  password: Secret;
  /** e.g. `REPLICATION`; SQL keywords of CREATE ROLE, fixed by the code that builds the resource. */
  attributes: readonly ('REPLICATION' | 'SUPERUSER')[];
  /**
   * `patroni`: Patroni makes the role when it bootstraps the cluster, so a role or server that is not
   * there yet is no difference. `pgprov`: it is.
   */
  madeBy: 'patroni' | 'pgprov';
}

/** What the server says of the role. */
export type PgRoleState =
  | { server: 'down' }
  | { server: 'standby' }
  | { server: 'primary'; exists: boolean; verifier: string; attributes: string[] };

/** A login role with these attributes and this password, stored as SCRAM-SHA-256. Only a primary is changed. */
export function pgRole(options: PgRoleOptions): Resource<PgRoleState> {
  const { server, name, password, attributes } = options;
  const id = `pg-role:${name}`;
  const query = `SELECT pg_is_in_recovery(), r.rolname IS NOT NULL, r.rolreplication, r.rolsuper, r.rolcanlogin, r.rolpassword
FROM (SELECT 1) AS one LEFT JOIN pg_authid r ON r.rolname = ${sqlLiteral(name)}`;
  const rows = sqlQuestion(server, query);
  return {
    id,
    shares: [rows],
    probe: () => tellShared(rows),
    parse: (answer) => parseRole(findRows(answerText(answer), query)?.[0] ?? ''),
    diff: (state): Change[] => {
      if (state.server === 'standby') return [];
      if (state.server === 'down') {
        return options.madeBy === 'patroni' ? [] : [{ action: 'create', summary: `create role ${name} (${['LOGIN', ...attributes].join(' ')})` }];
      }
      if (!state.exists) return [{ action: 'create', summary: `create role ${name} (${['LOGIN', ...attributes].join(' ')})` }];
      const missing = ['LOGIN', ...attributes].filter((attribute) => !state.attributes.includes(attribute));
      const changes: Change[] = [];
      if (missing.length > 0) changes.push({ action: 'update', summary: `give role ${name} ${missing.join(' ')}` });
      if (!verifierMatches(state.verifier, password.reveal())) {
        changes.push({ action: 'update', summary: `set the password of role ${name} (SCRAM-SHA-256)` });
      }
      return changes;
    },
    apply: () => {
      const identifier = sqlIdentifier(name);
      const settings = ['LOGIN', ...attributes, `PASSWORD ${sqlLiteral(makeVerifier(password.reveal()))}`].join(' ');
      return psqlInput(
        server,
        `DO $pgprov$ BEGIN
IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${sqlLiteral(name)}) THEN CREATE ROLE ${identifier}; END IF;
END $pgprov$;
ALTER ROLE ${identifier} ${settings};`,
      );
    },
    digest: () => digestOf(id, ...attributes, createHash('sha256').update(password.reveal()).digest('hex')),
  };
}

function parseRole(line: string): PgRoleState {
  const [recovery, exists, replication, superuser, login, ...verifier] = line.split('|');
  if (recovery === 't') return { server: 'standby' };
  if (recovery !== 'f') return { server: 'down' };
  const attributes = [
    ...(login === 't' ? ['LOGIN'] : []),
    ...(replication === 't' ? ['REPLICATION'] : []),
    ...(superuser === 't' ? ['SUPERUSER'] : []),
  ];
  return { server: 'primary', exists: exists === 't', verifier: verifier.join('|'), attributes };
}


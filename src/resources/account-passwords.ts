import { verifierMatches } from '../lib/scram.js';
import type { Secret } from '../lib/secret.js';
import { handle } from './handle.js';
import { findRows, sqlLiteral, sqlQuestion, type LocalServer } from './psql.js';
import { answerText, type Observation } from './resource.js';
import { printAnswer } from './shared-question.js';

/** How a role of the database is, compared with what its users log in with. */
export interface AccountState {
  name: string;
  /** `unknown`: the server keeps no SCRAM verifier of it, so that nothing can be compared. */
  password: 'same' | 'other' | 'unknown';
  /** It may log in. */
  login: boolean;
  /** Its password is past its VALID UNTIL. */
  expired: boolean;
}

/** The observation's id; undefined while the server is down. A role that the server does not have is left out. */
export const ACCOUNT_PASSWORDS = handle<readonly AccountState[] | undefined>('account-passwords');

/** Compares the passwords of roles with those that the cluster was given: any of them counts as the same, as while one is changed. */
export function accountPasswords(
  server: LocalServer,
  accounts: readonly { name: string; passwords: readonly Secret[] }[],
): Observation<readonly AccountState[] | undefined> {
  const query = `SELECT 'asked' UNION ALL SELECT json_build_object('name', rolname, 'login', rolcanlogin, 'expired', coalesce(rolvaliduntil < now(), false),
  'verifier', coalesce(rolpassword, ''))::text FROM pg_authid WHERE rolname IN (${accounts.map(({ name }) => sqlLiteral(name)).join(', ')})`;
  const rows = sqlQuestion(server, query);
  return {
    ...ACCOUNT_PASSWORDS,
    when: 'start',
    sharedQuestions: [rows],
    probe: () => printAnswer(rows),
    parse: (answer) => {
      const [asked, ...found] = findRows(answerText(answer), query) ?? [];
      if (asked === undefined) return undefined;
      return found.map((row) => {
        const { name, login, expired, verifier } = JSON.parse(row) as { name: string; login: boolean; expired: boolean; verifier: string };
        const passwords = accounts.filter((account) => account.name === name).flatMap((account) => account.passwords);
        const matches = passwords.some((password) => verifierMatches(verifier, password.reveal()));
        return { name, login, expired, password: matches ? 'same' : verifier.startsWith('SCRAM-SHA-256$') ? 'other' : 'unknown' };
      });
    },
  };
}

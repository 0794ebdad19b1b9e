import { committed } from './commits-end.js';
import { handle, type Handle } from './handle.js';
import { createHash } from 'node:crypto';
import type { Secret } from '../lib/secret.js';
import { makeVerifier, verifierMatches } from '../lib/scram.js';
import { RECEIVES } from '../postgres/wal-receiver.js';
import { SEE_CALLED_OFF } from '../shell/call-off.js';
import { seconds } from '../shell/patience.js';
import { joinScripts, sh, type Script } from '../shell/quote.js';
import { findRows, psqlInput, sqlIdentifier, sqlLiteral, sqlQuestion, type LocalServer } from './psql.js';
import { answerText, digestOf, type Change, type Resource } from './resource.js';
import { printAnswer } from './shared-question.js';
import { STANDBY_LINE, tellStandby } from './standby-signal.js';
import { UNLOGGED } from './unlogged.js';

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
  /** The data directory, where a standby may be: one that is down has the role from its primary. Default: the server is never a standby. */
  data?: string;
}

/** What the server says of the role. */
export type PgRoleState =
  | { server: 'down'; standby?: true }
  | { server: 'standby'; exists: boolean; verifier: string }
  | { server: 'primary'; exists: boolean; verifier: string; attributes: string[] };

/** Seconds in which a standby is to see the primary's change; enough for every host to be sent its script. */
const ARRIVAL_TIMEOUT = 30;

/** Seconds without WAL after which a standby no longer waits: its receiver may be shut out for want of the new password. */
const SHUT_OUT = 5;

/** What is seen of a login role by its name. */
export function pgRoleHandle(name: string): Handle<PgRoleState> {
  return handle(`pg-role:${name}`);
}

/**
 * A login role with these attributes and this password, stored as SCRAM-SHA-256. It is changed on the primary; a standby waits
 * until the new password has reached it, so that what comes after on the host finds both sides of a login agreed.
 */
export function pgRole(options: PgRoleOptions): Resource<PgRoleState> {
  const { server, name, password, attributes, data } = options;
  const { id } = pgRoleHandle(name);
  const query = `SELECT pg_is_in_recovery(), r.rolname IS NOT NULL, r.rolreplication, r.rolsuper, r.rolcanlogin, r.rolpassword
FROM (SELECT 1) AS one LEFT JOIN pg_authid r ON r.rolname = ${sqlLiteral(name)}`;
  const rows = sqlQuestion(server, query);
  return {
    id,
    sharedQuestions: [rows],
    probe: () => joinScripts([...(data === undefined ? [] : [tellStandby(data)]), printAnswer(rows)]),
    parse: (answer) => {
      const text = answerText(answer);
      const state = parseRole(findRows(text, query)?.[0] ?? '');
      return state.server === 'down' && text.startsWith(STANDBY_LINE) ? { server: 'down', standby: true } : state;
    },
    diff: (state): Change[] => {
      if (state.server === 'standby') {
        if (!state.exists || verifierMatches(state.verifier, password.reveal())) return [];
        return [{ action: 'update', summary: `take over the new password of role ${name}`, coordinated: 'waits' }];
      }
      if (state.server === 'down') {
        return options.madeBy === 'patroni' || state.standby === true
          ? []
          : [{ action: 'create', summary: `create role ${name} (${['LOGIN', ...attributes].join(' ')})` }];
      }
      if (!state.exists) return [{ action: 'create', summary: `create role ${name} (${['LOGIN', ...attributes].join(' ')})` }];
      const missing = ['LOGIN', ...attributes].filter((attribute) => !state.attributes.includes(attribute));
      const changes: Change[] = [];
      if (missing.length > 0) changes.push({ action: 'update', summary: `give role ${name} ${missing.join(' ')}` });
      if (!verifierMatches(state.verifier, password.reveal())) {
        changes.push({ action: 'update', summary: `set the password of role ${name} (SCRAM-SHA-256)`, coordinated: 'initiates' });
      }
      return changes;
    },
    apply: (_changes, state) => {
      if (state.server === 'standby') return awaitArrival(server, name, state.verifier);
      const identifier = sqlIdentifier(name);
      const settings = ['LOGIN', ...attributes, `PASSWORD ${sqlLiteral(makeVerifier(password.reveal()))}`].join(' ');
      const words = psqlInput(
        server,
        `${UNLOGGED}
${sqlBlock(`BEGIN
IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${sqlLiteral(name)}) THEN CREATE ROLE ${identifier}; END IF;
END`)}
ALTER ROLE ${identifier} ${settings};`,
      );
      return committed(server, words);
    },
    gives: (state) => state.server === 'primary',
    digest: () => digestOf(id, ...attributes, createHash('sha256').update(password.reveal()).digest('hex')),
  };
}

/** A DO block between dollar quotes that its text, in which a role's name stands, does not hold. */
function sqlBlock(body: string): string {
  let tag = '$pgprov$';
  for (let attempt = 1; body.includes(tag); attempt += 1) tag = `$pgprov${attempt}$`;
  return `DO ${tag} ${body} ${tag};`;
}

function parseRole(line: string): PgRoleState {
  const [recovery, exists, replication, superuser, login, ...verifier] = line.split('|');
  if (recovery === 't') return { server: 'standby', exists: exists === 't', verifier: verifier.join('|') };
  if (recovery !== 'f') return { server: 'down' };
  const attributes = [
    ...(login === 't' ? ['LOGIN'] : []),
    ...(replication === 't' ? ['REPLICATION'] : []),
    ...(superuser === 't' ? ['SUPERUSER'] : []),
  ];
  return { server: 'primary', exists: exists === 't', verifier: verifier.join('|'), attributes };
}

/**
 * Waits until the role's password is another than `former`, as the server that replays the primary's WAL sees it. Every second the
 * script looks whether it need not wait any longer.
 */
function awaitArrival(server: LocalServer, name: string, former: string): Script {
  const arrived = `(SELECT coalesce(rolpassword, '') FROM pg_authid WHERE rolname = ${sqlLiteral(name)}) IS DISTINCT FROM ${sqlLiteral(former)}`;
  const look = psqlInput(
    server,
    `${UNLOGGED}
SET statement_timeout = 0;
${sqlBlock(`BEGIN
FOR turn IN 1..10 LOOP
IF ${arrived} THEN RETURN; END IF;
PERFORM pg_sleep(0.1);
END LOOP;
END`)}
SELECT CASE WHEN ${arrived} THEN 'arrived'
WHEN EXISTS (SELECT FROM pg_stat_wal_receiver WHERE ${RECEIVES})
THEN 'received up to ' || pg_last_wal_receive_lsn() || ', replayed up to ' || pg_last_wal_replay_lsn()
ELSE 'silent' END;`,
  );
  return sh`waited=0
silent=0
while :; do
seen=$(${look})
case "$seen" in
arrived) exit 0 ;;
silent) silent=$((silent + 1)) ;;
*) silent=0 ;;
esac
[ "$silent" -lt ${SHUT_OUT} ] || exit 0
${SEE_CALLED_OFF}
if [ -n "$off" ]; then
echo "the new password is not waited for any longer: $off"
exit 1
fi
waited=$((waited + 1))
if [ "$waited" -ge ${seconds(ARRIVAL_TIMEOUT)} ]; then
echo "the new password did not arrive from the leader within $waited s;" "$seen"
exit 1
fi
done`;
}

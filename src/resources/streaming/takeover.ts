import { handle } from '../handle.js';
import { findRows, sqlQuestion, type LocalServer } from '../psql.js';
import { answerLines, answerText, type Observation } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { SYNCHRONOUS_FILE } from './synchronous.js';
import { seconds } from '../../shell/patience.js';
import { joinScripts, sh } from '../../shell/quote.js';

/** What a server has for standbys of its own. */
export interface Takeover {
  /** `replica` */
  walLevel: string;
  /** max_replication_slots, and how many there are. */
  slots: { most: number; used: number };
  /** Settings that a standby does not notice, and with which nobody could write once it is the primary: those that pgprov has not set. */
  hinders: readonly { name: string; value: string; file: string }[];
  /** Settings of its files, other than pgprov's own, by which it would not stream from whoever is the primary when it starts as a standby. */
  own: readonly { name: string; file: string }[];
}

/**
 * Of all files, also of what a restart alone takes up: what comes last of a name counts. A recovery that has a target ends there, and by
 * recovery_target_action the server takes writes then; pgBackRest and a restore by hand leave these lines behind, and pg_basebackup -R the others.
 * Values stay on the host: a connection may have a password.
 */
const OWN = `SELECT name, sourcefile FROM (SELECT DISTINCT ON (lower(name)) lower(name) AS name, setting, sourcefile FROM pg_file_settings
    WHERE lower(name) ~ '^(primary_conninfo|primary_slot_name|recovery_target(_(name|time|xid|lsn|timeline))?)$' ORDER BY lower(name), seqno DESC) AS said
  WHERE sourcefile NOT LIKE '%/conf.d/pgprov.conf' AND (setting <> '' OR name = 'primary_conninfo') AND NOT (name = 'recovery_target_timeline' AND setting = 'latest')
  AND setting IS DISTINCT FROM (SELECT f.setting FROM pg_file_settings f WHERE f.name = said.name AND f.sourcefile LIKE '%/conf.d/pgprov.conf' LIMIT 1)`;

/** The observation's id; undefined while the server takes no connections. */
export const TAKEOVER = handle<Takeover | undefined>('takeover');

/** The text of the query that asks it. */
export const TAKEOVER_QUERY = `SELECT json_build_object('walLevel', current_setting('wal_level'), 'slots', json_build_object('most', current_setting('max_replication_slots')::int,
  'used', (SELECT count(*) FROM pg_replication_slots WHERE NOT temporary)),
  'hinders', (SELECT coalesce(json_agg(json_build_object('name', name, 'value', reset_val, 'file', coalesce(sourcefile, ''))), '[]') FROM pg_settings
    WHERE name = 'synchronous_standby_names' AND reset_val <> '' AND coalesce(sourcefile, '') NOT LIKE '%/${SYNCHRONOUS_FILE}'
    OR name = 'default_transaction_read_only' AND reset_val = 'on'),
  'own', (SELECT coalesce(json_agg(json_build_object('name', name, 'file', sourcefile) ORDER BY name), '[]') FROM (${OWN}) AS own))::text AS takeover`;

/** Whether a standby could have standbys itself. */
export function takeover(server: LocalServer): Observation<Takeover | undefined> {
  const rows = sqlQuestion(server, TAKEOVER_QUERY);
  return {
    ...TAKEOVER,
    sharedQuestions: [rows],
    probe: () => printAnswer(rows),
    parse: (answer) => {
      const [row] = findRows(answerText(answer), TAKEOVER_QUERY) ?? [];
      return row === undefined ? undefined : (JSON.parse(row) as Takeover);
    },
  };
}

/** Names of servers that answer on their ports, as a host finds them. */
export const SERVERS_ANSWERING = handle<readonly string[]>('servers-answering');

/** Seconds that a server has to answer in. */
const ANSWERS_WITHIN = 3;

/**
 * Asks which of these servers take connections, or say that they do not yet. It is asked as who may log in there, though nobody does: a stranger
 * would stand in the server's log as refused.
 */
export function serversAnswering(
  { binDirectory }: Pick<LocalServer, 'binDirectory'>,
  servers: readonly { name: string; address: string; port: number; user: string; database: string }[],
): Observation<readonly string[]> {
  const each = servers.map(
    ({
      name,
      address,
      port,
      user,
      database,
    }) => sh`{ ${`${binDirectory}/pg_isready`} -q -t ${seconds(ANSWERS_WITHIN)} -h ${address} -p ${port} -U ${user} -d ${database} </dev/null >/dev/null 2>&1
[ "$?" -gt 1 ] || echo ${name}; } &`,
  );
  return {
    ...SERVERS_ANSWERING,
    probe: () => joinScripts([sh`set +e`, ...each, sh`wait`]),
    parse: answerLines,
  };
}

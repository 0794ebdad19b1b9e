import type { ReplicationSource, ReplicationStatus, ReplicationTarget, SlotStatus } from '../lib/cluster-status.js';
import { RECEIVES } from '../postgres/wal-receiver.js';
import { ASKED_FOR_NOTHING } from '../postgres/wal-sender.js';
import { handle } from './handle.js';
import { findRows, sqlQuestion, type LocalServer } from './psql.js';
import { answerText, onlyThoroughly, type Observation } from './resource.js';
import { printAnswer } from './shared-question.js';

/** Replication as a server sees it. */
export type ServerReplication = Omit<ReplicationStatus, 'host'>;

/** The observation's id; undefined where it was not asked, or the server is down. */
export const SERVER_REPLICATION = handle<ServerReplication | undefined>('server-replication');

/** What a server sends, receives and keeps WAL for; asked only where nothing may be left out. */
export function serverReplication(server: LocalServer): Observation<ServerReplication | undefined> {
  const rows = sqlQuestion(server, QUERY);
  return onlyThoroughly({
    ...SERVER_REPLICATION,
    when: 'startAndEnd',
    sharedQuestions: [rows],
    probe: () => printAnswer(rows),
    parse: (answer) => readReplication(findRows(answerText(answer), QUERY) ?? []),
  });
}

/**
 * Whole rows are read as JSON, because PostgreSQL 13 to 15 lack some of the columns. A standby is behind by time only while it has WAL
 * left to replay: on an idle primary its last transaction may be hours old.
 */
const QUERY = `WITH here AS (SELECT pg_is_in_recovery() AS standby,
  CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END AS lsn),
sizes AS (SELECT name, setting::bigint * 1048576 AS bytes FROM pg_settings WHERE unit = 'MB')
SELECT json_build_object('kind', 'server', 'standby', standby,
  'behind', CASE WHEN NOT standby THEN NULL
    WHEN pg_last_wal_replay_lsn() < pg_last_wal_receive_lsn() THEN greatest(0, extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()))
    WHEN EXISTS (SELECT FROM pg_stat_wal_receiver WHERE ${RECEIVES}) THEN 0 END,
  'limit', (SELECT bytes FROM sizes WHERE name = 'max_slot_wal_keep_size'),
  'usual', (SELECT bytes FROM sizes WHERE name = 'max_wal_size'))::text FROM here
UNION ALL SELECT json_build_object('kind', 'receiver', 'row', to_jsonb(r) - 'conninfo', 'said', extract(epoch FROM clock_timestamp() - last_msg_receipt_time))::text
FROM pg_stat_wal_receiver r
UNION ALL SELECT json_build_object('kind', 'sender', 'name', application_name, 'address', host(client_addr), 'state', state, 'sync', sync_state,
  'unsent', pg_wal_lsn_diff(lsn, sent_lsn), 'unreplayed', pg_wal_lsn_diff(lsn, replay_lsn), 'write', extract(epoch FROM write_lag),
  'flush', extract(epoch FROM flush_lag), 'replay', extract(epoch FROM replay_lag))::text FROM pg_stat_replication, here
WHERE state IS DISTINCT FROM '${ASKED_FOR_NOTHING}'
UNION ALL SELECT json_build_object('kind', 'slot', 'row', to_jsonb(s), 'held', pg_wal_lsn_diff(lsn, restart_lsn))::text FROM pg_replication_slots s, here`;

type Json = Record<string, unknown>;

function readReplication(rows: readonly string[]): ServerReplication | undefined {
  const read = rows.map((row) => JSON.parse(row) as Json);
  const of = (kind: string): Json[] => read.filter((row) => row['kind'] === kind);
  const [server] = of('server');
  if (server === undefined) return undefined;
  const [receiver] = of('receiver');
  const limit = number(server['limit']);
  return {
    standby: server['standby'] === true,
    ...given('behindSeconds', number(server['behind'])),
    ...(receiver === undefined ? {} : { receives: readReceiver(receiver) }),
    sends: of('sender').map(readSender),
    slots: of('slot').map(readSlot),
    ...(limit === undefined || limit < 0 ? {} : { slotLimitBytes: limit }),
    usualWalBytes: number(server['usual']) ?? 0,
  };
}

function readReceiver({ row, said }: Json): ReplicationSource {
  const { status, received_tli, sender_host, sender_port, slot_name } = row as Json;
  const [host, port] = [text(sender_host), number(sender_port)];
  return {
    status: text(status) ?? 'unknown',
    ...given('timeline', number(received_tli)),
    ...(host === undefined ? {} : { from: `${host.includes(':') ? `[${host}]` : host}:${port ?? ''}` }),
    ...given('slot', text(slot_name)),
    ...given('lastMessageSeconds', notBelow0(number(said))),
  };
}

function readSender({ name, address, state, sync, unsent, unreplayed, write, flush, replay }: Json): ReplicationTarget {
  return {
    name: text(name) ?? '',
    ...given('address', text(address)),
    state: text(state) ?? 'unknown',
    sync: text(sync) ?? 'async',
    ...given('sentLagBytes', notBelow0(number(unsent))),
    ...given('replayLagBytes', notBelow0(number(unreplayed))),
    ...given('writeLagSeconds', number(write)),
    ...given('flushLagSeconds', number(flush)),
    ...given('replayLagSeconds', number(replay)),
  };
}

function readSlot({ row, held }: Json): SlotStatus {
  const { slot_name, slot_type, database, active, temporary, wal_status, safe_wal_size, inactive_since, invalidation_reason } = row as Json;
  return {
    name: text(slot_name) ?? '',
    type: slot_type === 'logical' ? 'logical' : 'physical',
    ...given('database', text(database)),
    active: active === true,
    temporary: temporary === true,
    ...given('wal', text(wal_status)),
    ...given('heldBytes', notBelow0(number(held))),
    ...given('safeBytes', number(safe_wal_size)),
    ...given('inactiveSince', text(inactive_since)),
    ...given('invalidated', text(invalidation_reason)),
  };
}

/** A field that has a value. */
function given<Name extends string, Value>(name: Name, value: Value | undefined): { [Key in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [Key in Name]?: Value });
}

function notBelow0(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Math.max(0, value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

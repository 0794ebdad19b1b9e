/**
 * A condition on a row of pg_stat_wal_receiver: it has received something from its sender. `status` says "streaming" as soon as the receiver is
 * connected, and both times are then those of its start, so it says so as well while the sender has no WAL for it, or waits for ever.
 * The first message brings the sender's own time. (walreceiver.c, PostgreSQL 13 to 17)
 */
export const RECEIVES = "status = 'streaming' AND last_msg_send_time IS DISTINCT FROM last_msg_receipt_time";

/** What a standby says of its WAL receiver: `streaming`, `connected, and nothing received yet`, another status, or `not streaming yet`. */
export const RECEIVER_STATE = `SELECT coalesce((SELECT CASE WHEN ${RECEIVES} THEN 'streaming' WHEN status = 'streaming' THEN 'connected, and nothing received yet' ELSE status END FROM pg_stat_wal_receiver), 'not streaming yet')`;

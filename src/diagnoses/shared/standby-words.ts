/** What PostgreSQL says of a standby that needs WAL which is gone. */
export const WAL_REMOVED =
  /requested WAL segment \w+ has already been removed|can no longer (get changes|access) from replication slot|can no longer access replication slot/u;

/** What it says of a timeline that is not the one of who sends. */
export const FORKED = new RegExp(
  [
    'new timeline \\d+ forked off current database system timeline',
    'requested timeline \\d+ (is not a child|does not contain minimum recovery point)',
    'highest timeline \\d+ of the primary is behind recovery timeline',
    'is not in this server.s history',
  ].join('|'),
  'u',
);

/** What a WAL receiver says when it gets nothing. */
export const RECEIVER_FAILS =
  /FATAL: +(?:could not (?:connect to the primary server|receive data from WAL stream|start WAL streaming)|terminating walreceiver)/u;

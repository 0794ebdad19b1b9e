/**
 * The state of a WAL sender that was asked for nothing yet: a login over the replication protocol that only looks, such as pgprov's own
 * proof of the password, begins and ends in it. It sends nothing, and whoever opened it is no standby.
 */
export const ASKED_FOR_NOTHING = 'startup';

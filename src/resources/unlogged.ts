/** A verifier is no password, but whoever reads it can try passwords on it, so the server's log is not to have it either. */
export const UNLOGGED = `SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';`;

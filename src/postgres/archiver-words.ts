/*
 * What is logged where a WAL file cannot be archived, as extended regular expressions that grep and JavaScript read alike.
 */

/** PostgreSQL's own word of it. */
export const ARCHIVE_FAILED = 'archive command (failed|was terminated)|archiving write-ahead log file "[0-9A-Za-z.]+" failed';

/** pgBackRest's own words for why archive_command failed. */
export const ARCHIVE_CAUSE = '^ *repo[0-9]+: \\[[A-Za-z]+\\]|P[0-9]+ +ERROR: \\[[0-9]+\\]';

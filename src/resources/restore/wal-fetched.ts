import { sh, type Script } from '../../shell/quote.js';

/** From where a server that recovers fetches WAL. */
export interface WalFetchedOptions {
  stanza: string;
  /** Its data directory. */
  path: string;
  /** pgBackRest's options by which it reaches the repositories, where these are not the host's own. */
  through?: readonly string[];
}

/**
 * pgBackRest's option that has PostgreSQL fetch WAL while it recovers. PostgreSQL takes any failure for the end of the archive, and ends the recovery
 * there; so only the answer that a file is not in the archive is passed on as one. With 255 PostgreSQL gives up, and the recovery is gone on with
 * when the archive can be read again.
 */
export function walFetched({ stanza, path, through = [] }: WalFetchedOptions): string {
  const fetch: Script = sh`pgbackrest ${[...through, `--stanza=${stanza}`, `--pg1-path=${path}`]}`;
  // pgBackRest puts it between single quotes in postgresql.auto.conf as it is.
  const words = fetch.text.replaceAll("'", "''");
  return `--recovery-option=restore_command=${words} archive-get %f "%p" || { [ $? = 1 ] && exit 1; exit 255; }`;
}

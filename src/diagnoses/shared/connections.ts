import type { LoggedLine } from '../../index.js';

/** In the log of a member of the store: a connection that somebody made to it, and that it has ended. */
export const CAME = /rejected connection on /u;

/** The address at the other end of a connection that such a member tells of. */
export function remoteOf({ text }: LoggedLine): string | undefined {
  return /"(?:remote-addr|address)":"(?:https:\/\/)?\[?(?:::ffff:)?([^"]*?)\]?:\d+["/]/u.exec(text)?.[1];
}

/** A connection that pg_hba.conf refuses. */
export const NO_ACCESS =
  /(?:no pg_hba\.conf entry for|pg_hba\.conf rejects) (?<replication>replication )?(?:connection )?(?:from |for )?host "(?<from>[^"]*)", user "(?<user>[^"]*)"(?:, database "(?<database>[^"]*)")?(?:, (?<tls>no encryption|SSL encryption|SSL off|SSL on))?/u;

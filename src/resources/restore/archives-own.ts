import { command } from '../command.js';
import { asDatabaseUser, type LocalServer } from '../psql.js';
import type { Resource } from '../resource.js';
import { sh, type Script } from '../../shell/quote.js';

/** Data that was another cluster's, and where the configuration is that its server is going to read. */
export interface ArchivesOwnOptions {
  path: string;
  server: LocalServer;
  /** Where its postgresql.conf is. */
  configDirectory: string;
  /** The only command that may archive its WAL; undefined: none may. */
  own: string | undefined;
}

/** A server that is down would archive with its own command, or not at all: PostgreSQL's program says what its files come to. */
export function archivesOwn({ path, server, configDirectory, own = '' }: ArchivesOwnOptions): Resource<{ done: boolean }> {
  const configFile = `${configDirectory}/postgresql.conf`;
  const words = ['-D', path, '-c', `config_file=${configFile}`, '-c', `data_directory=${path}`];
  const value = (name: string): Script => asDatabaseUser(server, sh`${`${server.binDirectory}/postgres`} ${words} -C ${name}`);
  // Servers before 15 have no library for that.
  const asked = sh`mode=$(${value('archive_mode')}) || exit 1
with=$(${value('archive_command')}) || exit 1
library=$(${value('archive_library')} 2>/dev/null) || library=
[ "$mode" != off ] || with= library=
is_own() { [ -z "$library" ] && { [ -z "$with" ] || [ "$with" = ${own} ]; }; }`;
  return command({
    name: 'archives-own',
    summary: `see by ${configFile} that the server archives nothing elsewhere`,
    unless: sh`{ ${asked}
} 2>/dev/null
is_own`,
    run: sh`${asked}
if ! is_own; then
printf 'the server would archive with %s\n' "$with $library"
echo ${`which is not its own: take that out of ${configFile}, of what that includes, or of ${path}/postgresql.auto.conf, then give the command again`}
exit 1
fi`,
  });
}

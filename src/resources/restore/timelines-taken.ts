import { command } from '../command.js';
import { asDatabaseUser, type LocalServer } from '../psql.js';
import type { Resource } from '../resource.js';
import { sh, type Script } from '../../shell/quote.js';

/** Timelines that a recovery must not begin anew: from the one after that which it follows. */
export interface TimelinesTakenOptions {
  path: string;
  server: Pick<LocalServer, 'user' | 'home'>;
  first: number;
  last: number;
}

/** Tells a file of ours from a history that PostgreSQL has written. */
const TEXT = '# pgprov: another database with this system identifier has this timeline';

/**
 * A recovery that ends begins the first timeline that has no history in pg_wal and in the archive that it reads; these have one. Where the data
 * is archived later may be WAL of such timelines, of a database with the same system identifier.
 */
export function timelinesTaken({ path, server, first, last }: TimelinesTakenOptions): Resource[] {
  if (last < first) return [];
  const files = Array.from({ length: last - first + 1 }, (_, index) => `${path}/pg_wal/${hex(first + index)}.history`);
  return [
    command({
      name: 'timelines-taken',
      summary: `keep the recovery from timelines up to ${last}, which another database has`,
      unless: sh`for history in ${files}; do [ -e "$history" ] || exit 1; done`,
      run: sh`for history in ${files}; do
[ -e "$history" ] || echo ${TEXT} | ${asDatabaseUser(server, sh`tee "$history"`)} >/dev/null || exit 1
done`,
    }) as Resource,
  ];
}

/** Takes these files away when the recovery has begun its timeline. */
export function timelinesFree(path: string): Script {
  return sh`for history in ${`${path}/pg_wal`}/????????.history; do
if [ -f "$history" ] && grep -qxF ${TEXT} "$history"; then rm -f "$history"; fi
done`;
}

function hex(timeline: number): string {
  return timeline.toString(16).toUpperCase().padStart(8, '0');
}

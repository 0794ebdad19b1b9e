import { command } from './command.js';
import { psqlInput, sqlLiteral, type LocalServer } from './psql.js';
import type { Resource } from './resource.js';
import { sh } from '../shell/quote.js';

/** PostgreSQL says since 17 why a slot is of no use, also of one that is used again, for which no WAL is kept all the same. */
const DEAD = "(wal_status = 'lost' OR to_jsonb(s) ->> 'invalidation_reason' IS NOT NULL)";

/** No physical slot of that name, which nobody uses, is left invalidated: WAL is kept only for one that is made anew. */
export function deadSlotDropped(server: LocalServer, name: string): Resource<{ done: boolean }> {
  const dead = `FROM pg_replication_slots s WHERE slot_name = ${sqlLiteral(name)} AND slot_type = 'physical' AND NOT active AND ${DEAD}`;
  return command({
    name: `dead-slot:${name}`,
    summary: `drop the replication slot ${name}, which was invalidated`,
    unless: sh`[ -z "$(${psqlInput(server, `SELECT slot_name ${dead}`)})" ]`,
    run: psqlInput(server, `SELECT pg_drop_replication_slot(slot_name) ${dead}`),
  });
}

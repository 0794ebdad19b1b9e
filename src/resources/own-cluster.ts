import { command } from './command.js';
import { markOwn, OWN_CLUSTERS } from './data-directory.js';
import type { Resource } from './resource.js';
import { sh } from '../shell/quote.js';

/** The host takes the database in a data directory for one that pgprov made: it was restored from backups, maybe of another host. */
export function ownCluster(path: string): Resource<{ done: boolean }> {
  return command({
    name: 'own-cluster',
    summary: `note in ${OWN_CLUSTERS} that pgprov made the database in ${path}`,
    unless: sh`[ -e ${OWN_CLUSTERS}/"$(od -An -tu8 -N8 ${`${path}/global/pg_control`} 2>/dev/null | tr -d ' ')" ]`,
    run: sh`data=${path}
${markOwn}`,
  });
}

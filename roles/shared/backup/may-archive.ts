import { asDatabaseUser, joinScripts, psql, seconds, sh, topologyOf, type RoleContext, type Script } from '../../../src/index.js';
import { localServer, restApiUrl } from '../layout.js';
import { pgbackrestUser } from './pgbackrest.js';
import { backedUpHosts, stanzaOf } from './stanza.js';

/** Seconds that pgBackRest has for its answer. */
const WITHIN = 90;

/**
 * Succeeds where archive_mode may have come into force since it waited for a restart: the host's own server says it is on, Patroni's leader
 * waits for no restart any more, WAL has arrived, or pgBackRest finds it on.
 */
export function mayArchive(context: RoleContext): Script {
  const { host, inventory, platform } = context;
  if (host.roles.includes('backup')) return sh`[ "$(${psql(localServer(host, platform), ['-c', 'SHOW archive_mode'])})" = on ]`;
  const urls = backedUpHosts(inventory)
    .filter((member) => topologyOf(member) === 'patroni')
    .map((member) => `${restApiUrl(member)}/patroni`);
  const pgbackrest = (words: string): Script =>
    asDatabaseUser(
      pgbackrestUser(context),
      sh`timeout -k 2 ${seconds(WITHIN)} pgbackrest --stanza=${stanzaOf(inventory)} ${words.split(' ')}`,
    );
  // Of a server without Patroni only pgBackRest tells; while archive_mode is off its check ends before it changes anything.
  if (urls.length === 0) return pgbackrest('check');
  return joinScripts([
    sh`for url in ${urls}; do
answer=$(curl -s -m 3 "$url") || continue
case "$answer" in
*'"pending_restart": true'*) ;;
*'"role": "primary"'* | *'"role": "master"'*) exit 0 ;;
esac
done`,
    sh`${pgbackrest('--output=json info')} | grep -q '"max":"'`,
  ]);
}

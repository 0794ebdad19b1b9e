import { asDatabaseUser, joinScripts, psql, sh, topologyOf, type RoleContext, type Script } from '../../../src/index.js';
import { localServer, restApiUrl } from '../layout.js';
import { pgbackrestUser } from './pgbackrest.js';
import { backedUpHosts, stanzaOf } from './stanza.js';

/**
 * Succeeds where archive_mode may have come into force since it waited for a restart: the host's own server says it is on, Patroni's leader
 * waits for no restart any more, or WAL has arrived.
 */
export function mayArchive(context: RoleContext): Script {
  const { host, inventory, platform } = context;
  if (host.roles.includes('backup')) return sh`[ "$(${psql(localServer(host, platform), ['-c', 'SHOW archive_mode'])})" = on ]`;
  const urls = backedUpHosts(inventory)
    .filter((member) => topologyOf(member) === 'patroni')
    .map((member) => `${restApiUrl(member)}/patroni`);
  const info = asDatabaseUser(pgbackrestUser(context), sh`pgbackrest --stanza=${stanzaOf(inventory)} --output=json info`);
  return joinScripts([
    sh`for url in ${urls}; do
answer=$(curl -s -m 3 "$url") || continue
case "$answer" in
*'"pending_restart": true'*) ;;
*'"role": "primary"'* | *'"role": "master"'*) exit 0 ;;
esac
done`,
    sh`${info} | grep -q '"max":"'`,
  ]);
}

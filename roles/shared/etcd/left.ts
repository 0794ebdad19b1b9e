import { etcdLeft, topologyOf, type Observation, type RoleContext, type StoreLeft } from '../../../src/index.js';
import { hostsWith, scopePrefix, tlsFiles } from '../layout.js';
import { etcdClient } from './client.js';
import { etcdDataDirectory } from './data-directory.js';

/** What the databases on a host of etcd have of Patroni's cluster. Where Patroni runs beside it, etcd is asked with its files, as for all keys. */
export function etcdDataLeft(context: RoleContext): Observation<StoreLeft> {
  const { host, inventory, platform } = context;
  const [member = host] = hostsWith(inventory, 'patroni');
  const files = tlsFiles(topologyOf(host) === 'patroni' ? platform.patroni : platform.etcd);
  return etcdLeft(
    etcdClient(context, files),
    { unit: platform.etcd.unit, directory: etcdDataDirectory(context) },
    scopePrefix(inventory, member),
  );
}

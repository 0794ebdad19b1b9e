import type { RoleContext } from '../../../src/index.js';
import { variables } from '../variables.js';

/** Where etcd's data is on a host. */
export function etcdDataDirectory({ host, platform, inventory }: Pick<RoleContext, 'host' | 'platform' | 'inventory'>): string {
  return variables(host, 'etcd').data_dir ?? `${platform.etcd.dataRoot}/${inventory.cluster}`;
}

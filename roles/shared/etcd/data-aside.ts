import { storeAside, type Resource, type RoleContext } from '../../../src/index.js';
import { etcdDataDirectory } from './data-directory.js';

/** What the host's member has, put aside, so that a new cluster of etcd begins there. */
export function etcdDataAside(context: RoleContext): Resource {
  const { user, group, unit } = context.platform.etcd;
  return storeAside({ unit, path: etcdDataDirectory(context), sign: 'member', ownership: { owner: user, group, mode: '0700' } });
}

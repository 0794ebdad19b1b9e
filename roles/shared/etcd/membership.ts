import type { EtcdMembershipOptions, Host, RoleContext, View } from '../../../src/index.js';
import { etcdPlace, ETCD_JOINED } from '../../../src/index.js';
import { tlsFiles } from '../layout.js';
import { etcdClient } from './client.js';
import { etcdDataDirectory } from './data-directory.js';
import { peerUrl } from './peer-url.js';

/** The member of a host, and how it comes to be one. */
export function membershipOf(context: RoleContext): EtcdMembershipOptions {
  const { host, inventory, platform } = context;
  return {
    name: host.name,
    peerUrl: peerUrl(host),
    token: inventory.cluster,
    client: etcdClient(context, tlsFiles(platform.etcd)),
    dataDirectory: etcdDataDirectory(context),
    environmentFile: platform.etcd.environmentFile,
  };
}

/** How a host comes to etcd, as it was seen; undefined: it was not asked. */
export function placeInEtcd(view: View, host: Host): ReturnType<typeof etcdPlace> | undefined {
  const state = view.read(host.name, ETCD_JOINED);
  return state === undefined ? undefined : etcdPlace(state, { peerUrl: peerUrl(host), token: view.inventory.cluster });
}

import { ETCD_MEMBER, etcdRemoved, type Host } from '../../../src/index.js';
import type { Dcs } from '../dcs.js';
import { tlsFiles } from '../layout.js';
import { etcdClient } from './client.js';
import { peerUrl } from './peer-url.js';

/** How a member of etcd is taken out by another one. */
export const ETCD_LEAVING: NonNullable<Dcs['leaving']> = {
  lists: (view, { name, host }) => {
    // What the member itself says may be from before it was taken out.
    const told = view
      .hosts('etcd')
      .filter((each) => each.name !== name)
      .map((each) => view.read(each.name, ETCD_MEMBER)?.members ?? [])
      .find((members) => members.length > 0);
    const url = urlOf(host);
    return told?.some((member) => member.name === name || (url !== undefined && member.peerUrls.includes(url)));
  },
  removed: (context, { name, host }) => {
    const client = etcdClient(context, tlsFiles(context.platform.etcd));
    const url = urlOf(host);
    return etcdRemoved({
      name,
      ...(url === undefined ? {} : { peerUrl: url }),
      client: { ...client, endpoints: client.endpoints.slice(0, 1) },
    });
  },
};

/** Where the others reached it; undefined where the inventory does not say, as of a host that has lost the role. */
function urlOf(host: Host | undefined): string | undefined {
  return host?.roles.includes('etcd') === true ? peerUrl(host) : undefined;
}

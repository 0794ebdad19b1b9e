import { ETCD_MEMBER, etcdReaddressed, type Resource } from '../../../src/index.js';
import type { Dcs } from '../dcs.js';
import { tlsFiles } from '../layout.js';
import { etcdClient } from './client.js';
import { peerUrl } from './peer-url.js';

/** How a member of etcd gets another address, which another member is told. */
export const ETCD_MOVING: NonNullable<Dcs['moving']> = {
  listed: (view, host) => {
    const url = peerUrl(host);
    const names = [host.name, host.formerly?.name];
    const member = view
      .hosts('etcd')
      .filter(({ name }) => name !== host.name)
      .map(({ name }) => view.read(name, ETCD_MEMBER)?.members ?? [])
      .find((members) => members.length > 0)
      ?.find(({ name, peerUrls }) => names.includes(name) || peerUrls.includes(url));
    return member && { name: member.name, isAtAddress: member.peerUrls.includes(url) };
  },
  readdressed: (context, host) => {
    const client = etcdClient(context, tlsFiles(context.platform.etcd));
    return etcdReaddressed({
      name: host.name,
      peerUrl: peerUrl(host),
      client: { ...client, endpoints: client.endpoints.slice(0, 1) },
    }) as Resource;
  },
};

import { ETCD_MEMBER, type Host, type View } from '../../../src/index.js';
import { tlsFiles } from '../layout.js';
import { etcdEndpoints } from './client.js';

/** How a message has root call etcdctl on a host: with its member's address and certificate, which etcdctl does not find by itself. */
export function etcdctlOn(view: View, host: Host): string {
  const way = wayIn(view, host);
  if (way === undefined) return 'etcdctl';
  const { endpoint, ca, certificate, key } = way;
  return `ETCDCTL_API=3 etcdctl --endpoints=${endpoint} --cacert=${ca} --cert=${certificate} --key=${key}`;
}

/** Where several commands of etcdctl are given, and what goes before them: ``as root on pg1, a member that works: `export …` ``. */
export function onWorkingMember(view: View, except?: string): string {
  const others = view.hosts('etcd').filter(({ name }) => name !== except && view.platform(name) !== undefined);
  const host = others.find(({ name }) => view.read(name, ETCD_MEMBER)?.healthy === true);
  const way = host === undefined ? undefined : wayIn(view, host);
  if (host === undefined || way === undefined) return 'on a member that works';
  const { endpoint, ca, certificate, key } = way;
  const settings = `ETCDCTL_API=3 ETCDCTL_ENDPOINTS=${endpoint} ETCDCTL_CACERT=${ca} ETCDCTL_CERT=${certificate} ETCDCTL_KEY=${key}`;
  return `as root on ${host.name}, a member that works: \`export ${settings}\``;
}

function wayIn(view: View, host: Host): { endpoint: string; ca: string; certificate: string; key: string } | undefined {
  const platform = view.platform(host.name);
  const [endpoint = ''] = etcdEndpoints(view.inventory, host);
  return platform === undefined ? undefined : { endpoint, ...tlsFiles(platform.etcd) };
}

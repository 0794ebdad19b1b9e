import type { EtcdClient, Host, Inventory, RoleContext } from '../../../src/index.js';
import { hostPort, hostsWith, type TlsFiles } from '../layout.js';
import { variables } from '../variables.js';

/** Client URLs of all etcd members, the host's own first. */
export function etcdEndpoints(inventory: Inventory, host: Host): string[] {
  const members = hostsWith(inventory, 'etcd');
  const ordered = [...members.filter(({ name }) => name === host.name), ...members.filter(({ name }) => name !== host.name)];
  return ordered.map((member) => `https://${hostPort(member.clusterAddress, variables(member, 'etcd').client_port)}`);
}

/** How root on the host talks to etcd, with the keys of one of its services. */
export function etcdClient(context: Pick<RoleContext, 'inventory' | 'host'>, files: TlsFiles): EtcdClient {
  return {
    endpoints: etcdEndpoints(context.inventory, context.host),
    caFile: files.ca,
    certFile: files.certificate,
    keyFile: files.key,
  };
}

import type { Host } from '../../../src/index.js';
import { hostPort } from '../layout.js';
import { variables } from '../variables.js';

/** Where other members reach a member of etcd. */
export function peerUrl(host: Host): string {
  return `https://${hostPort(host.clusterAddress, variables(host, 'etcd').peer_port)}`;
}

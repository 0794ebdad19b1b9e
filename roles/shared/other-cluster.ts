import type { ClusterCredentials, Host, Objection, View } from '../../src/index.js';

/** A member of a store that pgprov made from another inventory: what else speaks against it follows from the other name. */
export function madeForOther(view: View, host: Host, cluster: string | undefined): Objection[] {
  if (cluster === undefined || cluster === view.inventory.cluster) return [];
  return [
    {
      kind: 'refuse',
      host: host.name,
      message: `${host.name} is a member of the cluster ${cluster}, made by pgprov from another inventory; this one is ${view.inventory.cluster}`,
      hint: `if this is the same cluster, set cluster back to ${cluster}; otherwise give this inventory other hosts`,
      decisive: true,
    },
  ];
}

/**
 * A member of a store with the certificate of another authority than the inventory's. Any authority that this cluster has or had will do: a host may
 * have been off while it was rotated.
 * @param authority PEM as it is on the host; '' where there is none
 */
export function foreignAuthority(view: View, host: Host, authority: string, credentials: ClusterCredentials): Objection[] {
  if (authority === '' || credentials.knowsAuthority(authority)) return [];
  return [
    {
      kind: 'refuse',
      host: host.name,
      message: `${host.name} belongs to a cluster with another certificate authority than the one beside this inventory`,
      hint: `bring the directory .pgprov/${view.inventory.cluster}/ from where the cluster was first provisioned; new keys and passwords would break the cluster`,
    },
  ];
}

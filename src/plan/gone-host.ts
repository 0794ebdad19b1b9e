import type { Inventory } from '../model/index.js';
import { addressesOf, type IssuedCertificate, type RevokedCertificate } from '../store/revocations.js';

/** A machine that was part of a cluster and is none any more, as far as the inventory and the cluster's store tell. */
export interface GoneHost {
  /** The host's; of one that has a new machine, the former one is meant. */
  name: string;
  /** A new machine has its name, or it is back at another address. */
  replaced: boolean;
  /** The inventory has it, as one that is absent. */
  absent: boolean;
  /** Those that it had, and that no host has now. */
  addresses: readonly string[];
  /** Since when its certificates are accepted no more, in milliseconds since 1970; absent: nothing tells. */
  since?: number;
}

/** The machines that are known by an address and are no part of the cluster any more. */
export function goneHosts(
  inventory: Pick<Inventory, 'hosts' | 'absent'>,
  { revoked, issued }: { revoked: readonly RevokedCertificate[]; issued: ReadonlyMap<string, readonly IssuedCertificate[]> },
): GoneHost[] {
  const { hosts, absent } = inventory;
  const isPresent = (name: string): boolean => hosts.some((host) => host.name === name);
  const present = hosts.flatMap(({ address, clusterAddress }) => [address, clusterAddress]);
  const left = [...issued.keys()].filter((name) => !isPresent(name));
  const names = new Set([...absent.map(({ name }) => name), ...revoked.map(({ host }) => host), ...left]);
  return [...names]
    .map((name): GoneHost => {
      const shut = revoked.filter(({ host }) => host === name);
      const listed = absent.filter((host) => host.name === name);
      const known = addressesOf([...shut, ...(isPresent(name) ? [] : (issued.get(name) ?? []))]);
      const addresses = [...listed.flatMap(({ address, clusterAddress }) => [address, clusterAddress]), ...known];
      return {
        name,
        replaced: isPresent(name),
        absent: listed.length > 0,
        addresses: [...new Set(addresses)].filter((address) => !present.includes(address)),
        ...(shut.length === 0 ? {} : { since: Math.max(...shut.map(({ since }) => Date.parse(since))) }),
      };
    })
    .filter(({ addresses }) => addresses.length > 0);
}

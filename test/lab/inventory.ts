import { type LabHost, sshSection } from './host.js';
import { publicKey } from './keys.js';
import { SYSTEMS } from './systems.js';

/**
 * What the inventory of any lab says: its hosts, the way in, and the versions and the key that the lab's mirror has. The first host's
 * system counts.
 */
export async function labInventory(hosts: readonly LabHost[]): Promise<Record<string, unknown>> {
  const [first] = hosts;
  if (first === undefined) throw new Error('an inventory needs at least one host');
  return {
    cluster: 'demo',
    ssh: sshSection(first),
    hosts: Object.fromEntries(hosts.map(({ name, address }) => [name, address])),
    postgresql: { version: SYSTEMS[first.os].postgresql },
    // The lab imitates PGDG's repository and signs it with a key of its own.
    pgdg: { key_fingerprint: (await publicKey('pgdg')).fingerprint },
  };
}

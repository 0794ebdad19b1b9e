import {
  CONSUL_MEMBER,
  savedConsulPeers,
  savedConsulSnapshot,
  type RoleContext,
  type SavedPart,
  type SnapshotForm,
  type View,
} from '../../../src/index.js';
import { unitSaves } from '../unit-saves.js';
import { consulClient } from './servers.js';

/** Bytes of a snapshot from which on it is left out: keys and tokens of a cluster take some kilobytes. */
const LIMIT = 64 * 1024 * 1024;

/**
 * What a snapshot keeps of a server of Consul: the list of servers, the unit, and in full Consul’s own snapshot: by the first server that knows a
 * leader; where none does, what each has.
 */
export function consulSaves({ host, platform }: RoleContext, { form, view }: { form: SnapshotForm; view: View }): SavedPart[] {
  const client = consulClient(platform, 'management');
  const led = view.hosts('consul').find(({ name }) => view.read(name, CONSUL_MEMBER)?.leader !== undefined);
  return [
    savedConsulPeers(client),
    ...unitSaves('consul', platform.consul.unit, form),
    ...(form === 'light' || (led !== undefined && led.name !== host.name)
      ? []
      : [
          led === undefined
            ? savedConsulSnapshot(client, { name: 'consul/stale.snap', limit: LIMIT, stale: true })
            : savedConsulSnapshot(client, { name: 'consul/snapshot.snap', limit: LIMIT }),
        ]),
  ];
}

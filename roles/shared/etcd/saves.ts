import {
  ETCD_MEMBER,
  savedEtcdMembers,
  savedEtcdSnapshot,
  savedFile,
  type RoleContext,
  type SavedPart,
  type SnapshotForm,
  type View,
} from '../../../src/index.js';
import { tlsFiles } from '../layout.js';
import { unitSaves } from '../unit-saves.js';
import { etcdClient } from './client.js';

/** Bytes of a database from which on a snapshot does without it: Patroni's keys take some hundred kilobytes. */
const LIMIT = 64 * 1024 * 1024;

/**
 * What a snapshot keeps of etcd: settings, unit, the list of members, and in full its database: of the first healthy member as etcd hands it
 * over; where none is healthy, the file of each.
 */
export function etcdSaves(context: RoleContext, directory: string, { form, view }: { form: SnapshotForm; view: View }): SavedPart[] {
  const { host, platform } = context;
  const client = etcdClient(context, tlsFiles(platform.etcd));
  const database = `${directory}/member/snap/db`;
  const healthy = view.hosts('etcd').find(({ name }) => view.read(name, ETCD_MEMBER)?.healthy === true);
  return [
    savedFile('etcd/etcd.env', platform.etcd.environmentFile),
    savedEtcdMembers(client),
    ...unitSaves('etcd', platform.etcd.unit, form),
    ...(form === 'light' || (healthy !== undefined && healthy.name !== host.name)
      ? []
      : [
          healthy === undefined
            ? savedFile('etcd/member-snap.db', database, { limit: LIMIT })
            : savedEtcdSnapshot(client, { database, limit: LIMIT }),
        ]),
  ];
}

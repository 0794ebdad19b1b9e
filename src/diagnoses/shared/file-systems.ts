import {
  dataDirectoryOf,
  fileSystems,
  type FileSystem,
  type Host,
  type Observation,
  type Platform,
  type RoleContext,
  type View,
} from '../../index.js';
import { dcsOf } from '../../../roles/shared/dcs-of.js';

/** Where PostgreSQL's data, its WAL and the store's data are on a host. */
function dataPlaces({ host, platform, inventory }: Pick<RoleContext, 'host' | 'platform' | 'inventory'>): string[] {
  const store = dcsOf(inventory);
  const data = host.roles.includes('postgresql') ? dataDirectoryOf(host, platform) : undefined;
  return [
    ...(data === undefined ? [] : [data, `${data}/pg_wal/.`]),
    ...(host.roles.includes(store.role) ? [store.dataRoot(host, platform)] : []),
  ];
}

/** The file systems that services of a host write to. */
export function writtenFileSystems(context: RoleContext): Observation {
  return fileSystems(['/', '/var/log', '/tmp', ...dataPlaces(context)]);
}

/** Diagnoses of what a service suffers that finds no room on a file system, beside `no-space` where it has data there. */
const WITHOUT_ROOM = ['member-down', 'unit-failed', 'unit-restarts', 'no-leader'];

/** What is told of services that find no room on a file system. */
export function withoutRoom({ isData }: { isData: boolean }): string[] {
  return isData ? [...WITHOUT_ROOM, 'no-space'] : WITHOUT_ROOM;
}

/** What follows when nothing can be written to a file system, as a clause; `isData`: data lies on it, so services end. */
export function withoutWriting(view: View, host: Host, { mounted, holds }: FileSystem): { isData: boolean; follows: string } {
  const platform: Platform | undefined = view.platform(host.name);
  const data = platform === undefined ? [] : dataPlaces({ host, platform, inventory: view.inventory });
  const isData = mounted === '/' || holds.some((path) => data.includes(path));
  if (isData)
    return {
      isData,
      follows: 'a server that cannot write its WAL stops, and a member of the store that cannot write its log leaves the quorum',
    };
  const logs = holds.includes('/var/log');
  return {
    isData,
    follows: logs ? 'logs end, so nobody sees what happens from now on' : 'programs that need temporary files fail, pgprov among them',
  };
}

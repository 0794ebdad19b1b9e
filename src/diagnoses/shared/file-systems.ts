import { dataDirectoryOf, fileSystems, type Observation, type RoleContext } from '../../index.js';
import { dcsOf } from '../../../roles/shared/dcs-of.js';

/** The file systems that services of a host write to. */
export function writtenFileSystems({ host, platform, inventory }: RoleContext): Observation {
  const store = dcsOf(inventory);
  const data = host.roles.includes('postgresql') ? dataDirectoryOf(host, platform) : undefined;
  return fileSystems([
    '/',
    '/var/log',
    '/tmp',
    ...(data === undefined ? [] : [data, `${data}/pg_wal/.`]),
    ...(host.roles.includes(store.role) ? [store.dataRoot(host, platform)] : []),
  ]);
}

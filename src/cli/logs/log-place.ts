import { topologyOf } from '../../model/index.js';
import { dataDirectoryOf } from '../../plan/local-server.js';
import type { RoleContext } from '../../plan/role.js';
import type { LogPlace } from '../../resources/host-logs.js';

/** Where PostgreSQL of a host writes log files, if it writes any. */
export function logPlaceOf({ host, platform }: Pick<RoleContext, 'host' | 'platform'>): LogPlace {
  const { version, name } = host.vars['postgresql'] as { version: number; name: string };
  const { standalone } = platform.postgresql(version);
  return {
    data: dataDirectoryOf(host, platform),
    ...(topologyOf(host) !== 'patroni' && standalone.by === 'postgresql-common' ? { file: standalone.logFile(name) } : {}),
  };
}

import { topologyOf } from '../model/index.js';
import type { LogPlace } from '../resources/host-logs.js';
import { dataDirectoryOf } from './local-server.js';
import type { RoleContext } from './role.js';

/** Where PostgreSQL of a host writes log files, if it writes any, and the unit whose journal has what it writes else. */
export function logPlaceOf({ host, platform }: Pick<RoleContext, 'host' | 'platform'>): LogPlace & { unit: string } {
  const { version, name } = host.vars['postgresql'] as { version: number; name: string };
  const { standalone, unit } = platform.postgresql(version);
  const data = dataDirectoryOf(host, platform);
  if (topologyOf(host) === 'patroni') return { data, unit: platform.patroni.unit };
  return { data, unit: unit(name), ...(standalone.by === 'postgresql-common' ? { file: standalone.logFile(name) } : {}) };
}

import type { Host } from '../model/index.js';
import type { Platform } from '../platform/index.js';
import type { LocalServer } from '../resources/psql.js';

/** How the PostgreSQL of a host with the role `postgresql` is reached on that host. */
export function localServer({ vars }: Host, platform: Platform): LocalServer {
  const { version, port } = vars['postgresql'] as { version: number; port: number };
  const { binDirectory, socketDirectory, user, home } = platform.postgresql(version);
  return { binDirectory, socketDirectory, port, user, home };
}

import { topologyOf, type Host } from '../model/index.js';
import type { Platform } from '../platform/index.js';
import type { LocalServer } from '../resources/psql.js';

/** How the PostgreSQL of a host with the role `postgresql` is reached on that host. */
export function localServer(host: Host, platform: Platform): LocalServer {
  const { version, port, superuser } = host.vars['postgresql'] as { version: number; port: number; superuser?: string };
  const { binDirectory, socketDirectory, user, home } = platform.postgresql(version);
  // Only Patroni makes clusters with a superuser of another name.
  const isOther = superuser !== undefined && superuser !== user && topologyOf(host) === 'patroni';
  return { binDirectory, socketDirectory, port, user, home, ...(isOther ? { superuser } : {}) };
}

/** What stands for the major version in `postgresql.data_dir`. */
export const VERSION_IN_PATH = '{version}';

/** Where PostgreSQL's data is on a host; never with a slash at the end, because other names are made by adding to it. */
export function dataDirectoryOf({ vars }: Host, platform: Platform): string {
  const { version, name, data_dir } = vars['postgresql'] as { version: number; name: string; data_dir?: string };
  return (
    data_dir?.replaceAll(VERSION_IN_PATH, String(version)).replace(/(?<=[^/])\/+$/u, '') ?? platform.postgresql(version).dataDirectory(name)
  );
}

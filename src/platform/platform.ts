/** What differs between operating systems: names, paths, units and users. Roles read it instead of branching. */
export interface Platform {
  /** e.g. `debian13` */
  id: PlatformId;
  /** For people: `Debian 13 (trixie)`. */
  title: string;
  family: 'debian';
  codename: string;
  pgdg: { keyPath: string };
  postgresql(version: number): PostgresqlLayout;
  etcd: ServiceLayout & { environmentFile: string; dataRoot: string };
  patroni: ServiceLayout & { configFile: string };
}

export type PlatformId = 'debian12' | 'debian13';

/** Where PostgreSQL of one major version is. */
export interface PostgresqlLayout {
  /** Must be there, and configured, before the server packages. */
  commonPackages: readonly string[];
  serverPackages: readonly string[];
  binDirectory: string;
  /** Data directory of a cluster named `name`. */
  dataDirectory(name: string): string;
  /** Configuration directory of a cluster named `name` that PostgreSQL's own service runs. */
  configDirectory(name: string): string;
  /** systemd unit of a cluster named `name` that runs without Patroni. */
  unit(name: string): string;
  socketDirectory: string;
  user: string;
  group: string;
  home: string;
}

/** Where a service is. */
export interface ServiceLayout {
  packages: readonly string[];
  unit: string;
  /** Configuration directory. */
  directory: string;
  user: string;
  group: string;
}

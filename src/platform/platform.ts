/** What differs between operating systems: names, paths, units and users. Roles read it instead of branching. */
export interface Platform {
  /** e.g. `debian13`, `rocky9` */
  id: PlatformId;
  /** For people: `Debian 13 (trixie)`. */
  title: string;
  /** `ID` of its os-release. */
  os: string;
  /** `VERSION_ID` of its os-release, or what comes before a dot in it: `13`, `24.04`. */
  version: string;
  /** Title of the system whose table this is, where pgprov was not tested on this one; undefined: it was. */
  takenFor?: string;
  family: 'debian' | 'el';
  packageManager: 'apt' | 'dnf';
  /** Packages that a host needs before the roles, unless the inventory names others. */
  prerequisites: readonly string[];
  pgdg: PgdgLayout;
  postgresql(version: number): PostgresqlLayout;
  etcd: ServiceLayout & {
    environmentFile: string;
    dataRoot: string;
    /** What Patroni needs beside its own packages to use it. */
    patroniPackages: readonly string[];
  };
  /** Of its package, which no system here brings: the inventory names it. */
  consul: Omit<ServiceLayout, 'packages'> & {
    configFile: string;
    dataDirectory: string;
    /** Only root reads these: the token that may do all, and Patroni's. */
    managementTokenFile: string;
    patroniTokenFile: string;
    patroniPackages: readonly string[];
  };
  patroni: ServiceLayout & {
    configFile: string;
    /** A drop-in that makes the unit `Type=simple`, where the packaged one may wait for a notification that never comes. */
    simpleDropIn?: string;
  };
  pgbackrest: ServiceLayout & {
    configFile: string;
    logDirectory: string;
    /** Where WAL waits that is archived asynchronously. */
    spoolDirectory: string;
    /** Where backups are unless the inventory says otherwise; the package makes it. */
    repositoryDirectory: string;
  };
  pgbouncer: ServiceLayout & {
    program: string;
    /** Where the package has its configuration, and its unit looks for it. */
    configFile: string;
    /** The names and passwords that it does not ask a server for. */
    userFile: string;
    /** Its unit has it write nothing of its own accord, so it is to write to syslog. */
    isQuiet?: true;
  };
}

export type PlatformId =
  | 'debian12'
  | 'debian13'
  | 'rocky8'
  | 'rocky9'
  | `${'almalinux' | 'rhel' | 'ol'}${8 | 9}`
  | `ubuntu${'24.04' | '26.04'}`;

/** How PGDG publishes packages for a platform. */
export interface PgdgLayout {
  baseUrl: string;
  /** What the repository calls this system: a code name, or EL's major version. */
  release: string;
  /** Where the host keeps the key. */
  keyPath: string;
  /** The keys that PGDG signs with; more than one where it depends on the architecture. */
  keys: readonly PinnedKey[];
}

/** A public key that is trusted by its fingerprint, wherever it is fetched from. */
export interface PinnedKey {
  /** 40 hex digits, upper case. */
  fingerprint: string;
  url: string;
  /** `uname -m` of the hosts it is meant for; without one, all the others. */
  architecture?: string;
}

/** Where PostgreSQL of one major version is. */
export interface PostgresqlLayout {
  serverPackages: readonly string[];
  /** psql, for a host without a server. */
  clientPackages: readonly string[];
  binDirectory: string;
  /** Data directory of a cluster named `name`. */
  dataDirectory(name: string): string;
  /** The data directory that the server package itself brings, with the one above it. */
  packagedData?: string;
  /** How a cluster that runs without Patroni is made, and where its configuration is. */
  standalone: StandaloneLayout;
  /** systemd unit of a cluster named `name` that runs without Patroni. */
  unit(name: string): string;
  /** The package that has that unit's file. */
  unitPackage: string;
  socketDirectory: string;
  user: string;
  group: string;
  home: string;
}

/** How the platform's packages make and run a cluster of their own. */
export type StandaloneLayout =
  | {
      /** Debian's tools, which register clusters by version and name. */
      by: 'postgresql-common';
      /** What installing the server packages reads to decide whether to make a cluster; must be there before them. */
      policyFile: string;
      configDirectory(name: string): string;
      /** What pg_ctlcluster has a server write its log to, unless that has a collector of its own. */
      logFile(name: string): string;
    }
  | {
      /** PGDG's script for EL, which runs initdb in the PGDATA of a unit; configuration lies with the data. */
      by: 'setup-script';
      script: string;
      /** File of the one unit that the package brings; further clusters have a copy of it. */
      packagedUnit: string;
    };

/** Where a service is. */
export interface ServiceLayout {
  packages: readonly string[];
  unit: string;
  /** Directory for its certificate and key, which its user must be able to enter. */
  tlsDirectory: string;
  user: string;
  group: string;
}

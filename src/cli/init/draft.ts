/** A host of a first inventory. */
export interface DraftHost {
  name: string;
  address: string;
  /** Where the other members reach it, if not at `address`. */
  clusterAddress?: string;
  /** Only where they differ from those of all hosts. */
  roles?: readonly string[];
  /** Settings of its section `ssh`, where they differ from those of all hosts. */
  ssh?: Readonly<Record<string, unknown>>;
}

/** What goes into a first inventory. */
export interface Draft {
  cluster: string;
  leader?: string;
  /** Roles of all hosts; the default ones where there are none. */
  roles?: readonly string[];
  /** Settings of the section `ssh`. */
  ssh: Readonly<Record<string, unknown>>;
  hosts: readonly DraftHost[];
  groups: Readonly<Record<string, readonly string[]>>;
  /** Settings of the section `postgresql`. */
  postgresql: Readonly<Record<string, unknown>>;
  /** Networks of the clients of PostgreSQL. */
  clients: readonly string[];
}

/** Roles of a server without Patroni. */
export const STANDALONE_ROLES: readonly string[] = ['base', 'firewall', 'pgdg', 'postgresql', 'replication'];

/** A major version that is well settled, also on the systems that pgprov supports. */
export const USUAL_VERSION = 17;

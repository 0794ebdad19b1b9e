import type { Secret } from '../lib/secret.js';
import type { SecretReference } from '../secrets/reference.js';
import type { Problem } from './problem.js';
import type { Entrance, RolePort, RoleProtocol } from './role-port.js';

/** One hop on the way to a host, or the host itself. */
export interface SshHop {
  /** IP address or name. */
  address: string;
  port: number;
  user: string;
  /** Absolute path of a private key, which must be usable; no other is tried. */
  identityFile?: string;
  /** Absolute paths of private keys that may be there, from OpenSSH's configuration; `only`: no others are tried. */
  identities?: { files: readonly string[]; only: boolean };
  /** Opens an encrypted private key. */
  keyPassphrase?: Secret;
  /** Socket of another agent than the usual one; empty for none. */
  agent?: string;
  password?: Secret;
  /** The name that the host has in known_hosts, where it is not its address. */
  hostKeyAlias?: string;
  /** A hop's own, where they differ from the host's. */
  hostKeys?: HostKeySettings;
}

/** How host keys are checked; the files' paths are absolute. */
export interface HostKeySettings {
  policy: 'ask' | 'strict' | 'accept-new';
  files: readonly string[];
}

/** How to get into a host and become root there; all paths are absolute. */
export interface SshSettings extends SshHop {
  /** Configuration files of OpenSSH that were looked into, as written. */
  config: readonly string[];
  /** Where SSH connects: the inventory's address, or what OpenSSH's configuration makes of it. */
  address: string;
  /** Hops to go through, nearest first. They use the host's key file, never its password. */
  jump: readonly SshHop[];
  become: { method: 'sudo' | 'doas' | 'none'; password?: Secret };
  hostKeys: HostKeySettings;
  /** Seconds for TCP, handshake and authentication together. */
  connectTimeout: number;
  /** Seconds between signs of life, 0 for none, and how many may stay without an answer. */
  keepalive: { interval: number; count: number };
  /** Seconds without a word after which a script is given up; 0 for never. */
  commandTimeout: number;
}

/** Where a resolved value came from. */
export interface Provenance {
  /** `default`: the schema; `file`: the inventory; `set`: a `--set` option; `ssh-config`: OpenSSH's configuration; `role`: another role. */
  kind: 'default' | 'file' | 'set' | 'ssh-config' | 'role';
  /** The inventory as the user named it, or a configuration file; only for `file` and `ssh-config`. */
  file?: string;
  line?: number;
  column?: number;
  /** `top level`, `group replicas`, `host pg1`, `--set postgresql.port=5433`, `role pg_cron`. */
  via?: string;
  /** Where a secret is kept that is not given in place. */
  reference?: SecretReference;
  /** Where each entry of a list is, 1-based; only for `file`. */
  entries?: readonly { line: number; column: number }[];
}

/** Values of one role's section on one host; secrets are `Secret`. Frozen. */
export type Variables = Readonly<Record<string, unknown>>;

/** One machine of the cluster, everything about it resolved. */
export interface Host {
  name: string;
  /** Where SSH connects, as the inventory has it; may be an alias of OpenSSH's configuration. */
  address: string;
  /** Where the other members reach it. */
  clusterAddress: string;
  ssh: SshSettings;
  /** The groups it is in, in the order they are listed. */
  groups: string[];
  roles: string[];
  /** While an operation gives its member another name or address: the name and the cluster address that it had. */
  formerly?: { name?: string; address?: string };
  /** Its server streams to those of other hosts, or from them, without Patroni. */
  streams?: true;
  /** Section of each of the host's roles; keys are role names. */
  vars: Readonly<Record<string, Variables>>;
  /** TCP ports that its roles listen on, in the order in which the roles are applied. */
  ports: readonly RolePort[];
  /** IP protocols without ports that its roles speak. */
  protocols: readonly RoleProtocol[];
  /** Addresses besides its own by which clients get in, which it may have at the moment. */
  entrances: readonly Entrance[];
  /** How many times longer than usual it is waited for, by what its roles say. */
  patience: number;
  /** Dotted path of each resolved leaf (`postgresql.version`, `ssh.port`, `roles`) to where it came from. */
  provenance: ReadonlyMap<string, Provenance>;
}

/** One inventory file, validated and resolved: one cluster. */
export interface Inventory {
  /** Absolute path. */
  file: string;
  /** Its directory; relative paths in the inventory start here. */
  dir: string;
  /** The cluster's name. */
  cluster: string;
  /** Absolute paths of the directories with roles of the user's own. */
  rolesPath: readonly string[];
  /** Name of the host that is the first leader of a new cluster. */
  leader: string;
  /** The line of the file that names it; absent where it is the first host that can be it. */
  leaderLine?: number;
  /** In the order of the file. */
  hosts: Host[];
  /** Hosts that are not to be part of the cluster any more, though it may still have them (`absent: true`); in the order of the file. */
  absent: Host[];
  /** Those of `absent`, by their names, that the operation at hand leaves to a later one: that the cluster has them yet speaks against nothing. */
  leftForLater?: readonly string[];
  /** In the order of the file. */
  groups: { name: string; hosts: string[] }[];
  /** What works but is probably not meant. */
  warnings: Problem[];
}

/** What a transport needs to reach a host. */
export interface HostTarget extends SshSettings {
  /** Inventory name, for messages. */
  name: string;
}

/** The host as a transport takes it. */
export function toTarget(host: Host): HostTarget {
  return { name: host.name, ...host.ssh };
}

import type { Secret } from '../lib/secret.js';
import type { Problem } from './problem.js';

/** One hop on the way to a host, or the host itself. */
export interface SshHop {
  /** IP address or name. */
  address: string;
  port: number;
  user: string;
  /** Absolute path of a private key. */
  identityFile?: string;
  password?: Secret;
}

/** How to get into a host and become root there; all paths are absolute. */
export interface SshSettings {
  user: string;
  port: number;
  identityFile?: string;
  password?: Secret;
  /** Hops to go through, nearest first. They use the host's key file, never its password. */
  jump: readonly SshHop[];
  become: { method: 'sudo' | 'none'; password?: Secret };
  hostKeys: { policy: 'strict' | 'accept-new'; files: readonly string[] };
  /** Seconds for TCP, handshake and authentication together. */
  connectTimeout: number;
}

/** Where a resolved value came from. */
export interface Provenance {
  /** `default`: the schema; `file`: the inventory; `set`: a `--set` option. */
  kind: 'default' | 'file' | 'set';
  /** The inventory as the user named it; only for `file`. */
  file?: string;
  line?: number;
  column?: number;
  /** `top level`, `group replicas`, `host pg1`, `--set postgresql.port=5433`. */
  via?: string;
}

/** Values of one role's section on one host; secrets are `Secret`. Frozen. */
export type Variables = Readonly<Record<string, unknown>>;

/** One machine of the cluster, everything about it resolved. */
export interface Host {
  name: string;
  /** Where SSH connects. */
  address: string;
  /** Where the other members reach it. */
  clusterAddress: string;
  ssh: SshSettings;
  /** The groups it is in, in the order they are listed. */
  groups: string[];
  roles: string[];
  /** Section of each of the host's roles; keys are role names. */
  vars: Readonly<Record<string, Variables>>;
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
  /** Name of the host that is the first leader of a new cluster. */
  leader: string;
  /** In the order of the file. */
  hosts: Host[];
  /** In the order of the file. */
  groups: { name: string; hosts: string[] }[];
  /** What works but is probably not meant. */
  warnings: Problem[];
}

/** What a transport needs to reach a host. */
export interface HostTarget extends SshSettings {
  /** Inventory name, for messages. */
  name: string;
  address: string;
}

/** The host as a transport takes it. */
export function toTarget(host: Host): HostTarget {
  return { name: host.name, address: host.address, ...host.ssh };
}

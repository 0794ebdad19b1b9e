import type { LabHost, System } from '../../lab/index.js';
import type { Finished } from '../lib/child.js';
import type { ContenderName } from './names.js';

/** Where a host's sshd is reached. */
export interface Endpoint {
  address: string;
  port: number;
}

/** A cluster to be made or kept: its hosts, and the folder where a contender has its inventory and what it must remember. */
export interface Site {
  hosts: readonly LabHost[];
  os: System;
  /** Outlives a run, so that the next one finds what this one knew. */
  directory: string;
  /** Other ways to the hosts' sshd than port 22 of their own addresses, by name. */
  through?: ReadonlyMap<string, Endpoint>;
  /** Hosts in front of the members, with roles of their own; none are the rule. */
  proxies?: { hosts: readonly LabHost[]; roles: readonly string[]; sections: Readonly<Record<string, object>> };
  /** Access lines that the cluster is to have for clients; none are the rule. */
  hba?: readonly string[];
  /** The one PostgreSQL parameter that is changed, e.g. `8MB`. */
  workMem: string;
}

/** Somebody who makes clusters. */
export interface ClusterContender {
  name: ContenderName;
  /** Versions, for the results. @throws Error with the reason when it cannot take part */
  version(): Promise<string>;
  /** Brings the hosts to what the site says, as a process of its own. */
  apply(site: Site): Promise<Finished>;
  /** Whether a run says that it changed nothing; undefined of a contender that cannot be run again. */
  unchanged?(run: Finished): boolean;
}

/** The members, and the proxies where there are any. */
export function allHosts({ hosts, proxies }: Site): LabHost[] {
  return [...hosts, ...(proxies?.hosts ?? [])];
}

/** Where a host of a site is reached. */
export function endpointOf({ through }: Site, host: LabHost): Endpoint {
  return through?.get(host.name) ?? { address: host.address, port: 22 };
}

import type { Finding } from '../lib/finding.js';
import type { Topology } from '../model/index.js';
import type { Observation } from '../resources/resource.js';
import type { LoggedLine } from '../resources/recent-log.js';
import type { GoneHost } from './gone-host.js';
import type { RoleContext } from './role-context.js';
import type { View } from './view.js';

/** Everything that was gathered of a cluster, whatever of it is up. */
export interface Examination {
  readonly view: View;
  /** When it was gathered, in milliseconds since 1970. */
  readonly now: number;
  /** Why hosts could not be asked, as a clause, by their names. */
  readonly unseen: ReadonlyMap<string, string>;
  /** Machines that were part of the cluster and are none any more: they are meant to be refused. */
  readonly gone: readonly GoneHost[];
  /**
   * What a host's journal and PostgreSQL's own log have of these units, named as `pgprov logs` names them (`patroni`, `postgresql`), without
   * units: of all; oldest first. Empty where the host was not seen.
   */
  log(host: string, ...units: readonly string[]): readonly LoggedLine[];
}

/** Knows one thing that can be wrong with a cluster. Pure: it decides from what was gathered. */
export interface Diagnosis {
  /** In lower case with dashes, unique: `disk-full`. */
  name: string;
  /** What it looks at, as a noun: it is listed under what was found well. `free space of the file systems` */
  looksAt: string;
  /** It concerns clusters with hosts of this role; absent: every cluster. */
  role?: string;
  /** It concerns clusters whose servers are run in this way; absent: in any. */
  topology?: Topology;
  /** What it asks of each host with its role besides what the roles ask. */
  asks?(context: RoleContext): readonly Observation[];
  /** What is wrong; nothing: it is well, as far as could be seen. */
  find(examination: Examination): readonly Finding[];
}

/** Names a diagnosis; gives types to its literal. */
export function defineDiagnosis(diagnosis: Diagnosis): Diagnosis {
  return diagnosis;
}

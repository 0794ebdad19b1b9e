import type { Observation } from '../resources/resource.js';
import type { LoggedLine } from '../resources/recent-log.js';
import type { RoleContext } from './role-context.js';
import type { View } from './view.js';

/**
 * How much a finding matters. `broken`: clients or data suffer now. `danger`: all works, and the next failure, or the next days, will
 * show that it should not be so. `notice`: worth knowing, and no reason to act at once.
 */
export type FindingLevel = 'broken' | 'danger' | 'notice';

/** The levels, the most important first. */
export const FINDING_LEVELS: readonly FindingLevel[] = ['broken', 'danger', 'notice'];

/** Something that was seen, as it was seen. */
export interface Evidence {
  host?: string;
  /** Milliseconds since 1970, by the clock of this machine; absent where what was seen has no time. */
  at?: number;
  /** Where it was seen: `journal of patroni`, `pg_controldata`, `df`. */
  source: string;
  /** The very line; secrets in it are masked when it is shown. */
  line: string;
}

/** One thing that is wrong. */
export interface Finding {
  level: FindingLevel;
  /** The host it is about; absent where it is the cluster's. */
  host?: string;
  /** What is wrong, as a clause without the host: `the file system of the data directory is full`. */
  what: string;
  /** Since when, in milliseconds since 1970; absent where nothing tells. */
  since?: number;
  evidence: readonly Evidence[];
  /** What follows for clients and data, as a clause: `PostgreSQL cannot write and stops`. */
  follows: string;
  /** The one thing to do about it, in the imperative, with the command between back-quotes. */
  mend: string;
  /** Names of diagnoses whose findings on the same host merely follow from this one: they are told with it, not beside it. */
  explains?: readonly string[];
}

/** Everything that was gathered of a cluster, whatever of it is up. */
export interface Examination {
  readonly view: View;
  /** When it was gathered, in milliseconds since 1970. */
  readonly now: number;
  /** Why hosts could not be asked, as a clause, by their names. */
  readonly unseen: ReadonlyMap<string, string>;
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
  /** What it asks of each host with its role besides what the roles ask. */
  asks?(context: RoleContext): readonly Observation[];
  /** What is wrong; nothing: it is well, as far as could be seen. */
  find(examination: Examination): readonly Finding[];
}

/** Names a diagnosis; gives types to its literal. */
export function defineDiagnosis(diagnosis: Diagnosis): Diagnosis {
  return diagnosis;
}

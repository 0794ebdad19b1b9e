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
  /** The unit of systemd it is about. */
  unit?: string;
  /**
   * Names of diagnoses whose findings on the same host merely follow from this one: they are told with it, not beside it. `unit-stopped/etcd` are those
   * about one unit.
   */
  explains?: readonly string[];
  /** Other hosts that suffer from it: what is told of them counts as what is told of its own host. */
  affects?: readonly string[];
}

/** A finding with the diagnosis that it is of. */
export interface Diagnosed extends Finding {
  diagnosis: string;
  /** Findings on the same host that merely follow from it. */
  consequences: readonly Diagnosed[];
}

/** What `pgprov doctor` has to say, the shape of its JSON. */
export interface DoctorAnswer {
  cluster: string;
  /** When the hosts were asked, in milliseconds since 1970. */
  at: number;
  /** The most important first. */
  findings: readonly Diagnosed[];
  /** What was looked at and found well. */
  well: readonly string[];
  /** Hosts that could not be asked, and why. */
  unseen: readonly { host: string; reason: string }[];
}

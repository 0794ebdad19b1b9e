/** One drill of a restore, as its history keeps it. */
export interface Drill {
  /** When it began, ISO 8601. */
  at: string;
  /** The host that restored. */
  on: string;
  /** The backup, and the repository that has it, by the inventory's name. */
  backup: string;
  repository: string;
  /** Where its recovery was to end, in words that follow "to". */
  to: string;
  /** It served, and nothing was found wrong. */
  ok: boolean;
  /** What was wrong, a clause each. */
  problems: readonly string[];
  /** Bytes of the database, by the backup's own word. */
  size: number;
  /** Seconds from its begin until the data was restored, and until a server served it: the recovery time. */
  restoreSeconds?: number;
  rtoSeconds?: number;
  /** Seconds of the whole drill. */
  seconds?: number;
  /** Seconds before its begin from which commits were not in the repository, at most: the recovery point. Absent where it was to end earlier. */
  rpoSeconds?: number;
  /** When the last transaction in it was committed, ISO 8601. */
  lastCommit?: string;
  /** Bytes of WAL that were replayed. */
  walReplayed?: number;
  /** Bytes of WAL that the cluster had written when it began, and the repository had not. */
  walBehind?: number;
  /** What its user's own query gave. */
  answer?: readonly string[];
}

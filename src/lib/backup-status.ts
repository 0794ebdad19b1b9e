import type { Drill } from './drill.js';

/** What there is of a cluster to be restored, in all of its repositories. */
export interface BackupStatus {
  cluster: string;
  /** Its file. */
  inventory: string;
  /** What pgBackRest calls the cluster. */
  stanza: string;
  /** Hours after which the last good backup is too old. */
  maxAgeHours: number;
  repositories: readonly RepositoryBackups[];
  /** Backups that are being taken. */
  running: readonly RunningBackup[];
  /** Units whose last run failed. */
  failures: readonly FailedBackup[];
  /** What is wrong, each in one clause. */
  problems: readonly string[];
  /** The last drill of a restore; absent: none that this machine knows of. */
  drill?: Drill;
}

/** What is in one repository. */
export interface RepositoryBackups {
  /** As the inventory calls it. */
  name: string;
  /** pgBackRest's: N of `repoN-path`. */
  number: number;
  /** The host that was asked. */
  host: string;
  /** `unseen`: the host could not be asked. */
  status: 'ok' | 'noStanza' | 'noBackup' | 'failed' | 'unseen';
  /** pgBackRest's own words where it cannot be read. */
  message?: string;
  encrypted: boolean;
  /** The oldest first. */
  backups: readonly StoredBackup[];
  window?: RestoreWindow;
  /** WAL that is missing between the oldest backup and the end; undefined: the archive could not be listed. */
  gaps?: readonly WalGap[];
}

/** One backup. */
export interface StoredBackup {
  label: string;
  type: 'full' | 'diff' | 'incr';
  /** ISO 8601, by the clock of the host that took it. */
  started: string;
  ended: string;
  /** Bytes: of the database; of what was copied; of what it takes in the repository. */
  size: number;
  copied: number;
  stored: number;
  timeline?: number;
  walFirst?: string;
  walLast?: string;
  /** The backups that it builds on. */
  needs: readonly string[];
  /** Page checksums did not match in it. */
  damaged: boolean;
  /** WAL files that a restore of it needs are not there. */
  incomplete: boolean;
}

/** To what a restore can go. */
export interface RestoreWindow {
  /** ISO 8601: the end of the oldest backup that can be restored. */
  from: string;
  /** When the last WAL file arrived; what was committed before that is in the repository. Absent: not known. */
  to?: string;
  walFirst: string;
  walLast: string;
  /** Of `walLast`. */
  timeline: number;
}

/** WAL files that are missing, so that no restore goes beyond the first of them from a backup before it. */
export interface WalGap {
  timeline: number;
  walFirst: string;
  walLast: string;
  files: number;
  /** The last backup before it and the first one after it, by their labels. */
  before?: string;
  after?: string;
}

/** A backup that is being taken. */
export interface RunningBackup {
  host: string;
  /** Absent: somebody runs pgBackRest by hand. */
  type?: string;
  /** Bytes, as far as pgBackRest has told. */
  size?: number;
  copied?: number;
}

/** A unit that failed. */
export interface FailedBackup {
  host: string;
  type: string;
  /** ISO 8601: when it began. */
  at?: string;
  /** pgBackRest's own words. */
  error: string;
}

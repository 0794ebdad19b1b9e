/** Told wherever the cluster is shown or changed while Patroni is paused. */
export const MAINTENANCE = 'maintenance mode (pause: true): Patroni fails nothing over and restarts nothing until `patronictl resume`';

/** A cluster as it was found. */
export interface ClusterStatus {
  cluster: string;
  /** Patroni's scope. */
  scope: string;
  /** Who holds the leader lock; undefined: nobody. */
  leader?: string;
  /** Patroni is paused (`pause: true`): nothing is failed over or restarted until `patronictl resume`. */
  maintenance?: boolean;
  members: readonly MemberStatus[];
  etcd: readonly EtcdStatus[];
  certificates: readonly CertificateStatus[];
  /** Patroni's dynamic configuration. */
  dynamic?: Readonly<Record<string, unknown>>;
  /** What is wrong beyond what the fields above tell. */
  problems: readonly string[];
}

/** One PostgreSQL host. */
export interface MemberStatus {
  name: string;
  address: string;
  /** As Patroni names it: `leader`, `replica`, `sync_standby`. */
  role?: string;
  /** As Patroni names it: `running`, `streaming`, `stopped`. */
  state?: string;
  timeline?: number;
  /** Bytes of WAL behind the leader, as received. */
  lagBytes?: number;
  /** Bytes of WAL behind the leader, as replayed: what a query on the standby does not see yet. */
  replayLagBytes?: number;
  /** The standby receives, and replays nothing (`pg_wal_replay_pause`, or recovery_target_action). */
  replayPaused?: boolean;
  pendingRestart: boolean;
  systemIdentifier?: string;
  /** Whether data checksums are on. */
  checksums?: boolean;
  postgresVersion?: string;
  patroniVersion?: string;
  problem?: string;
}

/** One etcd host. */
export interface EtcdStatus {
  name: string;
  healthy: boolean;
  /** Members this one knows of. */
  members?: number;
  /** Whether a client without a certificate is turned away. */
  refusesStrangers?: boolean;
  /** Files that change etcd's unit and come neither from a package nor from pgprov. */
  dropIns?: readonly string[];
  problem?: string;
}

/** The certificate of one host. */
export interface CertificateStatus {
  host: string;
  /** ISO 8601. */
  notAfter: string;
  /** Whole days until then; 0 or less: expired. */
  daysLeft: number;
}

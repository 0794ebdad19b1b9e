import { pgprov } from './pgprov-command.js';
/**
 * Told wherever the cluster is shown or changed while Patroni is paused.
 * @param inventory its file, for the command that ends it
 */
export function maintenanceWords(inventory = 'INVENTORY'): string {
  return `maintenance mode (pause: true): Patroni fails nothing over and starts nothing until ${pgprov`resume ${inventory}`}`;
}

/** A switchover that Patroni is to carry out later. */
export interface ScheduledStatus {
  /** ISO 8601 with its zone, as Patroni has it. */
  at: string;
  from?: string;
  /** Absent: Patroni takes the best standby. */
  to?: string;
}

/**
 * That a switchover is to come, told wherever the cluster is shown.
 * @param inventory its file, for the command that cancels it
 */
export function scheduledWords({ at, from, to = 'the best standby' }: ScheduledStatus, inventory = 'INVENTORY'): string {
  const utc = Number.isNaN(Date.parse(at)) ? at : `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  return `scheduled: a switchover${from === undefined ? '' : ` from ${from}`} to ${to} at ${utc}; ${pgprov`switchover ${inventory} --cancel`} takes it back`;
}

/** A cluster as it was found. */
export interface ClusterStatus {
  cluster: string;
  /** Patroni's scope. */
  scope: string;
  /** Servers that stream without Patroni: `leader` is the primary. Absent: any other. */
  topology?: 'streaming';
  /** Who holds the leader lock; undefined: nobody, or `leaderUnknown`. */
  leader?: string;
  /** No host that was asked could tell who leads, and one that was not may lead. */
  leaderUnknown?: true;
  /** Hosts that could not be asked, and why; nothing is known of what is on them. Absent where every host was. */
  unseen?: readonly UnseenHost[];
  /** These are all hosts: nothing at all is known of the cluster. */
  allUnseen?: true;
  /** There is no cluster yet: no host has data, no etcd knows of any, and no Patroni runs. What else is wrong follows from that. */
  absent?: true;
  /** Patroni is paused (`pause: true`): nothing is failed over or started until `pgprov resume`. */
  maintenance?: boolean;
  /** What was begun with the cluster and is not finished, in a sentence with the commands that end it; absent where there is nothing. */
  unfinished?: string;
  /** How that is ended, in a clause: until then an apply is refused. Absent where nothing is unfinished, and while it is carried out. */
  waysOut?: string;
  /** The switchover that is to come; absent where none is. */
  scheduled?: ScheduledStatus;
  /** How patronictl is called on a member, with Patroni's file there: `patronictl -c /etc/patroni/config.yml`. */
  patronictl?: string;
  /** The inventory's file, for commands that messages name; absent in what was written down before it was told. */
  inventory?: string;
  members: readonly MemberStatus[];
  /** Who received the lead last, by failover or switchover; absent where there was none yet, or nobody tells. */
  lastPromotion?: Promotion;
  /** Replication as each server that answers sees it; absent where none was asked. */
  replication?: readonly ReplicationStatus[];
  /** What the store of Patroni is called, for people; absent in what was written down before it was told. */
  store?: string;
  etcd: readonly EtcdStatus[];
  certificates: readonly CertificateStatus[];
  /** What roles say of their services; absent where none has anything to say. */
  services?: readonly ServiceStatus[];
  /** What is stored under Patroni's scope; absent where nobody tells. */
  keys?: readonly StoredKey[];
  /** Patroni's dynamic configuration. */
  dynamic?: Readonly<Record<string, unknown>>;
  /** What is wrong beyond what the fields above show. */
  problems: readonly string[];
  /** What a person should know and is no problem, e.g. a setting that somebody else made. */
  remarks?: readonly string[];
  /** How many changes an apply would make; absent where that was not asked. */
  differences?: number;
  /** Why an apply would refuse to make them, or where there are none, would be refused all the same; absent: as far as was seen, it would not. */
  refusal?: string;
}

/** A host that could not be asked. */
export interface UnseenHost {
  host: string;
  /** A sentence that names it. */
  reason: string;
}

/** One PostgreSQL host. */
export interface MemberStatus {
  name: string;
  address: string;
  /** Its host could not be asked: nothing else is known of it, whatever others say of it. */
  unseen?: true;
  /** As Patroni names it: `leader`, `replica`, `sync_standby`; without Patroni `primary` or `standby`. */
  role?: string;
  /** As Patroni names it: `running`, `streaming`, `stopped`. */
  state?: string;
  timeline?: number;
  /** Bytes of WAL behind the leader, as received. */
  lagBytes?: number;
  /** Bytes of WAL behind the leader, as replayed: what a query on the standby does not see yet. */
  replayLagBytes?: number;
  /** Seconds since the last transaction that it replayed was committed; 0 where it has replayed all that it receives. */
  replayLagSeconds?: number;
  /** The standby receives, and replays nothing (`pg_wal_replay_pause`, or recovery_target_action). */
  replayPaused?: boolean;
  pendingRestart: boolean;
  /** What waits for the restart, as Patroni tells since its version 4: the parameters, with their values as text. */
  pendingReasons?: Readonly<Record<string, { from: string; to: string }>>;
  systemIdentifier?: string;
  /** Whether data checksums are on. */
  checksums?: boolean;
  postgresVersion?: string;
  patroniVersion?: string;
  problem?: string;
}

/** The end of a timeline, by which another member began to lead. */
export interface Promotion {
  /** The timeline that began. */
  timeline: number;
  /** ISO 8601; absent where Patroni does not tell. */
  at?: string;
  /** Who led before; absent where Patroni does not tell. */
  from?: string;
  to?: string;
  /** As PostgreSQL has it in the timeline's history: `no recovery target specified` for a promotion. */
  reason: string;
  /** Where the timeline before ended, as PostgreSQL writes it: `0/3000148`. */
  lsn: string;
}

/** Replication as one server sees it. */
export interface ReplicationStatus {
  host: string;
  /** It replays what another server wrote. */
  standby: boolean;
  /** Of a standby: seconds since the last transaction that it replayed; 0 where it has replayed all that it receives. Absent: unknown. */
  behindSeconds?: number;
  /** Of a standby: where its WAL comes from; absent where no receiver runs. */
  receives?: ReplicationSource;
  /** Who receives from it. */
  sends: readonly ReplicationTarget[];
  slots: readonly SlotStatus[];
  /** Bytes that a slot may hold (max_slot_wal_keep_size); absent: no limit. */
  slotLimitBytes?: number;
  /** Bytes of WAL that the server means to keep (max_wal_size). */
  usualWalBytes: number;
}

/** A WAL receiver, from pg_stat_wal_receiver. */
export interface ReplicationSource {
  /** `streaming`, `waiting`, `starting`. */
  status: string;
  timeline?: number;
  /** `10.0.0.11:5432` */
  from?: string;
  slot?: string;
  /** Since the sender said something. */
  lastMessageSeconds?: number;
}

/** A standby or another receiver, from pg_stat_replication. */
export interface ReplicationTarget {
  name: string;
  address?: string;
  /** `streaming`, `catchup`, `backup`. */
  state: string;
  /** `async`, `sync`, `quorum`, `potential`. */
  sync: string;
  /** Bytes that it was not sent yet. */
  sentLagBytes?: number;
  /** Bytes that it has not replayed, by its own word. */
  replayLagBytes?: number;
  /** Seconds until it had written, flushed and replayed recent WAL; absent while there is nothing to measure by. */
  writeLagSeconds?: number;
  flushLagSeconds?: number;
  replayLagSeconds?: number;
}

/** A replication slot, from pg_replication_slots. */
export interface SlotStatus {
  name: string;
  type: 'physical' | 'logical';
  database?: string;
  active: boolean;
  temporary: boolean;
  /** PostgreSQL's wal_status: `reserved`, `extended`, `unreserved`, `lost`. */
  wal?: string;
  /** Bytes of WAL that it keeps the server from removing; absent where it holds none. */
  heldBytes?: number;
  /** Bytes that may still be written before it is in danger of losing WAL; absent: no limit. */
  safeBytes?: number;
  /** Since when nobody uses it, ISO 8601; PostgreSQL tells since 17. */
  inactiveSince?: string;
  /** Why it is of no use any more; PostgreSQL tells since 17. */
  invalidated?: string;
}

/** A key below Patroni's scope. */
export interface StoredKey {
  /** Without the scope: `members/pg1`. */
  key: string;
  /** The value's size. */
  bytes: number;
  value: string;
}

/** One etcd host. */
export interface EtcdStatus {
  name: string;
  /** Absent where its host could not be asked. */
  healthy?: boolean;
  /** Members this one knows of. */
  members?: number;
  /** Whether a client without a certificate is turned away. */
  requiresClientCertificate?: boolean;
  /** etcd's version. */
  version?: string;
  /** It leads the others. */
  leader?: boolean;
  /** Bytes of the database's file. */
  databaseBytes?: number;
  /** Bytes of it that hold something; the rest comes back only by defragmentation. */
  databaseUsedBytes?: number;
  /** Bytes from which on etcd refuses writes. */
  quotaBytes?: number;
  /** Alarms of this member: `NOSPACE`, `CORRUPT`. */
  alarms?: readonly string[];
  /** Files that change etcd's unit and come neither from a package nor from pgprov. */
  dropIns?: readonly string[];
  problem?: string;
}

/** The certificate of one host, or one that the inventory gives for a service there. */
export interface CertificateStatus {
  host: string;
  /** The role of the service whose certificate is given; absent: it is the host's, of the cluster's authority. */
  given?: string;
  /** ISO 8601. */
  notAfter: string;
  /** Whole days until then; 0 or less: expired. */
  daysLeft: number;
}

/** How lines of a role may be meant. */
export const STATUS_LEVELS = ['ok', 'warning', 'problem'] as const;

/** How a line of a role is meant: `problem` makes the cluster not healthy. */
export type StatusLevel = (typeof STATUS_LEVELS)[number];

/** A line that a role says of its service on a host. */
export interface ServiceStatus {
  host: string;
  role: string;
  text: string;
  level: StatusLevel;
}

import type { CheckResult, Drift } from '../events.js';
import type { StatusLevel } from '../lib/cluster-status.js';
import type { Secret } from '../lib/secret.js';
import type { Host, Inventory, RoleSchema } from '../model/index.js';
import type { Platform } from '../platform/index.js';
import type { PackagesOptions } from '../resources/packages-state.js';
import type { Gate, Observation, Resource } from '../resources/resource.js';
import type { SavedPart, SnapshotForm } from '../resources/saved.js';
import type { ClusterCredentials } from '../store/cluster-credentials.js';
import type { Diagnosis } from './diagnosis.js';
import type { RoleContext } from './role-context.js';
import type { View } from './view.js';

export type { RoleContext } from './role-context.js';

/**
 * How a stage crosses the cluster.
 *
 * `independent`: every host proceeds without waiting for the others.
 * `rolling`: services that are down are started side by side (one before the others where
 * `startsFirst` names it); a host where something that runs must be restarted, or what it has open be changed, waits its
 * turn, one at a time, those that do not work first and the present leader last; one that failed, in this stage or before it,
 * stops the rest, unless the stage's guard shows that another restart does no harm.
 */
export type Crossing = 'independent' | 'rolling';

/** One host's part of a stage. */
export interface Stage {
  /** Unique in its role, e.g. `start`. */
  name: string;
  /** For people, without the host: `start etcd`. */
  title: string;
  crossing: Crossing;
  /**
   * With `rolling`: the host that has to be started before the others, asked of the first host's part; undefined: none has to. One that
   * cannot be started holds up those that are down as well.
   */
  startsFirst?(view: View, stage: StageStart): First | undefined;
  /**
   * With `independent`, for what the cluster has once: one host of the run carries it out, the first that can, in inventory order; where
   * none can, the first of all. Told by what a host answered.
   */
  byOne?(states: ReadonlyMap<string, unknown>): boolean;
  /**
   * Whether the host takes part in the stage, told by what all hosts of the run answered, by their names: where who does what is known only then.
   * Default: it does. A stage that was foreseen before they answered is shown for all hosts that have it.
   */
  takesPart?(states: ReadonlyMap<string, ReadonlyMap<string, unknown>>): boolean;
  /** In the order in which they are applied. */
  resources: readonly Resource[];
  /** Must open after a change before the stage is over. */
  gates?: readonly Gate[];
  /** It changes nothing, and its gates wait for what goes on by itself: other runs may change the host meanwhile. */
  onlyWatches?: true;
  /** With `rolling`: must open after a change of something that works, before the next host has its turn. */
  proofs?: readonly StageProof[];
  /** With `rolling`: whether the host's unit may be started or restarted; default: the stage's own failures stop what comes after. */
  unitGuard?: UnitGuard;
}

/** A stage whose units are about to be started. */
export interface StageStart {
  /** The hosts of the run that have the stage and have answered. */
  hosts: readonly string[];
  /** Whether the host's step would start something that is down. */
  starts(host: string): boolean;
}

/** A host without which none of the others may be started. */
export interface First {
  host: string;
  /** What it is, as a clause after its name: `which has the last commits`. */
  what: string;
  /** The inventory says as much, so a plan does not tell why. */
  asInventory?: true;
}

/** Who leads the others, of hosts where one does. */
export interface Leadership {
  /** Whether a host says that it leads; its turn comes last where hosts go one at a time. */
  leads(view: View, host: string): boolean;
  /**
   * What a plan that changes anything tells of the leader, as a sentence, given the names of the units that it restarts; undefined:
   * nothing. `PostgreSQL keeps running on every member, and pg1 stays the leader`
   */
  stays(leader: string, restarted: ReadonlySet<string>): string | undefined;
}

/**
 * Whether a host's unit may be started or restarted now. It is asked when a run is planned, and again right before each of the
 * two, of what all hosts of the stage see at that moment: whatever failed before, and whoever has fallen silent.
 */
export interface UnitGuard {
  /** Asked anew of every host that has the stage; of a host that does not answer nothing is known. */
  asks: readonly Observation[];
  /** Seconds for which it is asked again where it objects, because another host's unit may just be coming up; default 2. */
  patience?: number;
  /** Why not; undefined: it may. */
  objection(view: View, move: UnitMove): Objection | undefined;
}

/** What is about to happen to a unit. */
export interface UnitMove {
  host: string;
  /** A restart takes down what runs; a start brings up what does not. */
  action: 'start' | 'restart';
  /** While it is planned: hosts where the run starts the unit before it comes to this one. */
  before: ReadonlySet<string>;
}

/** That a change on one host is well received, maybe by another. */
export interface StageProof {
  /** The host to ask; one that is not part of the run is not asked. */
  on: string;
  gate: Pick<Gate, 'id' | 'title' | 'wait'>;
}

/** What a role installs. */
export interface Installation extends Omit<PackagesOptions, 'name'> {
  /** For people, after `install`: `PostgreSQL 17`. */
  what: string;
  /** What scripts of the packages read, in the order in which it is applied; all of it comes before any package. */
  before?: readonly Resource[];
}

/** Why a run must not continue. */
export interface Objection {
  /** `refuse`: continuing could lose or mix up data (exit 4). `preflight`: the host is not fit (exit 1). */
  kind: 'refuse' | 'preflight';
  host?: string;
  message: string;
  hint: string;
  /** What a refusal is about, for the kind of its error (`refused/obstacle`); default: data. */
  about?: 'data' | 'obstacle' | 'roles';
  /** What other refusals follow from: only decisive ones are told where there are any. */
  decisive?: true;
  /** It may pass by itself, and shows that it moves: it counts only when it gets no further. */
  settles?: Settling;
}

/** What is on its way by itself while something objects. */
export interface Settling {
  /** Seconds, on hosts of the usual patience, for which it is waited while it gets no further. */
  within: number;
  /** The inventory's variable that has these seconds; default: none has. */
  variable?: string;
  /**
   * What is seen of it, as a clause, by the host that it is on: `PostgreSQL on pg1 recovers from a crash, replaying WAL file 0…05`. It gets
   * further where one of them was not seen before.
   */
  moves: ReadonlyMap<string, string>;
  /** Hosts where it has failed: what is seen on its way there once more goes round in circles, and is not waited for. */
  failed: readonly string[];
}

/** What a run takes part of the cluster in. */
export interface RunScope {
  hosts: ReadonlySet<string>;
  roles: ReadonlySet<string>;
}

/** A password that is kept for the cluster, and that a person may ask for. */
export interface KeptPassword {
  /** What a person calls it: `replication`. */
  name: string;
  /** Where the inventory may give it: `replication.password`. */
  path: string;
}

/** A password of something that the inventory declares on a host, such as a role of an application. */
export interface DeclaredPassword extends KeptPassword {
  /** What the inventory gives; undefined: it is made, and kept. */
  given: Secret | undefined;
  /** Why there is none, as a clause after the name; default: there is one. */
  none?: string;
}

/** A password that members know each other by, and that can be changed on a cluster that runs. */
export interface ClusterPassword extends KeptPassword {
  /** From one host: fresh logins to all others, with the new password and with the former one. */
  logins(context: RoleContext, passwords: { password: Secret; former: Secret }): Observation;
}

/** A service's own copies, on a host, of the host's key pair and of the authorities that it trusts. Paths are absolute. */
export interface TlsCopies {
  /** Made for the files with mode 0750. */
  directory: string;
  /** The certificates of all authorities that the cluster trusts; mode 0644. */
  ca: string;
  /** Mode 0644. */
  certificate: string;
  /** Mode 0600. */
  key: string;
  owner: string;
  group: string;
  /** The systemd unit that uses them, without `.service`. */
  unit: string;
  /** The unit reads them for every connection, so it need not be told of new ones. */
  readAnew?: true;
}

/** What a role's service needs of the host's key pair, which the cluster's authority signs. A host has one pair, whatever its roles. */
export interface TlsIdentity {
  /** The pair that the inventory gives in place of the host's own, which is nobody's here to renew; default: the host's own. */
  given?: { certificate: string; key: Secret };
  /** PEM of the authorities that the copies have in place of the cluster's; default: the cluster's. */
  authorities?: string;
  /** DNS names and IP addresses that the certificate must have besides the host's name and addresses; default: none. */
  names?: readonly string[];
  /** Where the service has its copies on a host of this system. The role's stages bring them, see `tlsResources`. */
  copies(platform: Platform): TlsCopies;
  /**
   * Whether the running service uses what is in its copies, from what the role observes (`inspections`); undefined: unknown.
   * @param fingerprint SHA-256 of the certificate in the copy, upper-case and with colons; undefined: it cannot be read
   */
  inUse?(view: View, host: Host, fingerprint: string | undefined): boolean | undefined;
}

/** One thing to say of a role's service on a host. */
export interface StatusLine {
  /** `2 of 3 backends up`. */
  text: string;
  /** `warning` is pointed out; `problem` makes the cluster not healthy, and `pgprov status` end with 1. Default `ok`. */
  level?: StatusLevel;
}

/** One role: its variables, what it wants of a host, and what it objects to. */
export interface Role extends RoleSchema {
  /** Roles that are applied before it where a host has them. */
  after?: readonly string[];
  /** Roles that are applied after it; without it a role of the user's own comes after all that come with pgprov. */
  before?: readonly string[];
  /**
   * Packages of the host's own package manager. Those of all roles that a run has for a host are installed at once, in a stage
   * `packages` of the first of them, ahead of its own stages; so a repository that any of them needs belongs to an earlier role.
   */
  install?(context: RoleContext): Installation;
  stages(context: RoleContext): Stage[];
  /** Asked of every host of the role, at the start and after each step. */
  observations?(context: RoleContext): Observation[];
  /** Asked in addition by commands that are about certificates. */
  inspections?(context: RoleContext): Observation[];
  /**
   * What `pgprov snapshot` keeps of the role on a host; with the form `light` only what takes no time, because an operation waits for it.
   * @param view what was seen of the cluster, parts of which may be down
   */
  saves?(context: RoleContext, about: { form: SnapshotForm; view: View }): readonly SavedPart[];
  /**
   * That the role's service on a host has copies of the host's key pair; undefined: not on this host.
   * @param inventory all hosts, whatever their roles
   */
  tls?(host: Host, inventory: Pick<Inventory, 'hosts'>): TlsIdentity | undefined;
  /** Which of the hosts leads; asked in every run, whichever roles it selects. At most one role of a catalog says so. */
  leadership?: Leadership;
  /** Whether a host has data that a person would miss: a run that changes anything then asks first. Asked in every run. */
  holdsData?(view: View, host: string): boolean;
  /** The passwords that applying the role changes on all hosts at once. */
  passwords?(): readonly ClusterPassword[];
  /** Passwords of the role's service that no other host depends on: applying the role changes them like any other variable. */
  ownPasswords?: readonly KeptPassword[];
  /** Passwords of what the inventory declares on a host. Where one has a name of the others, its path names it. */
  declaredPasswords?(host: Host): readonly DeclaredPassword[];
  /** Asked once, before the first change. */
  preflight?(view: View): Objection[];
  /** Asked once when a run selects a part of the cluster: what must be there first that the run leaves out? */
  missingPrerequisites?(view: View, part: RunScope): Objection[];
  /** Asked before the first change and again before every stage. */
  guards?(view: View, credentials: ClusterCredentials): Objection[];
  /**
   * What the cluster has that the files of this machine do not know, so that bringing it what they have would take something back. Asked with `guards`,
   * and of every operation that changes something before its first step, but for one that must be possible in an emergency (`bears`).
   */
  outdated?(view: View, credentials: ClusterCredentials): Objection[];
  /**
   * Members that the cluster has and the inventory has not, or not by that name, as the guards and the preflight tell of them; asked before the first change of every
   * operation that does not say otherwise (`bears`), because such a member may take the lead, or acts on what it is not asked about.
   * @param bears whether the operation goes on beside a member of that name, which is '' where it has none yet
   */
  strangers?(view: View, bears: (name: string) => boolean): Objection[];
  /** What a person should know before anything is changed, told ahead of the plan. */
  notices?(view: View): string[];
  /** What a plan that changes anything leads to besides what it does to services, a sentence each. */
  effects?(view: View): string[];
  /** What is in force otherwise than the inventory says, though the stages would not change it; told by every command that looks. */
  drift?(view: View): Drift[];
  /** Asked at the end: is the cluster what was asked for? */
  checks?(view: View): CheckResult[];
  /** Things a person should know about a host at the end of a run. */
  remarks?(view: View, host: string): string[];
  /**
   * What `pgprov status` and the report of a run say of the role's service on a host that answered. A run of a part may not have asked the
   * role's observations, so what was not seen is no line.
   */
  status?(view: View, host: Host): readonly StatusLine[];
  /** What `pgprov doctor` finds out about the role's service; each concerns hosts of the role unless it names another. */
  diagnoses?: readonly Diagnosis[];
}

/** Names a role for the catalog; gives types to its literal. */
export function defineRole(role: Role): Role {
  return role;
}

import type {
  DcsKeys,
  Gate,
  Host,
  JsonObject,
  Observation,
  Platform,
  Resource,
  RoleContext,
  Script,
  Secret,
  StageProof,
  StoreLeft,
  StoreWrites,
  View,
} from '../../src/index.js';
import type { FixedVariable } from './fixed-variable.js';

/** A member of a store that is to go. */
export interface LeavingMember {
  name: string;
  /** Undefined where the inventory does not have it. */
  host: Host | undefined;
}

/**
 * A store that Patroni keeps its cluster in (its documentation: "distributed configuration store"). All that is about the store of Patroni
 * asks for it through this, by `dcsOf`; what is about running the store belongs to its own role. Each is a file, and has its place in
 * `stores.ts`.
 */
export interface Dcs {
  /** What people call it: `etcd`. */
  readonly name: string;
  /**
   * The role that runs it. Its guards tell the cluster's name and the addresses that its hosts were made with, so the role patroni does not
   * on those.
   */
  readonly role: string;
  /** The name of its section in patroni.yml: `etcd3`. */
  readonly sectionName: string;
  /** Its unit of systemd. */
  readonly unit: string;
  /** How a person changes a key, as words that follow "correct it": `with … as root on pg1`. */
  editing(view: View, key: string): string;
  /** How a person gives a key a value of one word, as words with the commands. */
  putting(view: View, key: string, value: string): string;
  /** Lines of Patroni's journal about it that more waiting will not fix, as extended regular expressions. */
  readonly fatalLogPatterns: readonly string[];
  /** On EL its packages are in PGDG's repository of extra packages. */
  readonly inExtras: boolean;
  /** What of its role's variables no run of apply changes. */
  readonly fixedVariables: readonly FixedVariable[];
  /** What Patroni needs beside its own packages to use it. */
  packages(platform: Platform): readonly string[];
  /** What a host that runs it has of packages; the first brings the program. */
  serverPackages(context: Pick<RoleContext, 'host' | 'inventory' | 'platform'>): readonly string[];
  /** The version that the inventory wants of it on a host; undefined: it says none. */
  wantedVersion(host: Host): string | undefined;
  /** Its section of patroni.yml, in YAML with a line end. */
  section(context: RoleContext): string;
  /** What Patroni keeps in it, read and written by root on the host with Patroni's own files. */
  keys(context: RoleContext): DcsKeys;
  /** What must be open on the host before Patroni is started there. */
  gates(context: RoleContext): Gate[];
  /** That it lets Patroni in with the files that the host has now. */
  proofs(context: RoleContext): StageProof[];
  /** Where a host that runs it listens for clients such as Patroni. */
  clientPort(host: Host): number;
  /** A directory on the file system that its data is to be on. */
  dataRoot(host: Host, platform: Platform): string;
  /** Whether it has data on a host that runs it; undefined: it was not asked. */
  hasData(view: View, host: string): boolean | undefined;
  /** Why its member cannot go on with its data on a host, as a clause; undefined: it can, as far as is known, or has none. */
  spoilt(view: View, host: string): string | undefined;
  /** Whether it works on a host that runs it; undefined: it was not asked. */
  isHealthy(view: View, host: string): boolean | undefined;
  /** Whether its process runs on a host, whatever it does; undefined: it was not asked. */
  runs(view: View, host: string): boolean | undefined;
  /** Open when its member on the host works, which takes a quorum. */
  worksGate(context: RoleContext): Gate;
  /** How a new store is made where too few members have data for a quorum; undefined: `pgprov recover` makes none. */
  readonly anew?: {
    /** Its data on the host put aside; the next start makes a new store. */
    dataAside(context: RoleContext): Resource;
    /** That the store on a host without data is begun anew with the others when it starts, whatever it joined before. */
    beginsAnew(context: RoleContext): Resource;
  };
  /**
   * What a person does where a store that works does not tell Patroni’s keys, or has lost its contents while Patroni runs, as a clause in the
   * imperative; undefined: nothing comes before what pgprov says anyhow.
   */
  letIn?(view: View): string;
  /** What its data on the host, in its place or put aside, has of Patroni's cluster, where the store itself does not tell that. */
  left(context: RoleContext): Observation<StoreLeft>;
  /** Whether its member on the host takes writes. */
  writes(context: RoleContext): Observation<StoreWrites>;
  /** What a person does where it answers and takes no writes, and nothing else is wrong with it; a sentence. */
  readonly notWriting: string;
  /** What Patroni's dynamic configuration was before, as far as the store remembers that. */
  formerConfigs(context: RoleContext): Observation<readonly JsonObject[]>;
  /** How its members are restarted one after the other. */
  readonly restart: {
    /** Asked of a host that runs it, for `leads`. */
    observations(context: RoleContext): Observation[];
    /** Whether the host's member leads the others, so that it comes last. */
    leads(view: View, host: string): boolean;
    /** Fails, with a sentence, where the host's member must not be restarted right now. */
    unless(context: RoleContext): Script;
    /** Open when the member is back and all others work. */
    gates(context: RoleContext): Gate[];
  };
  /** Whether something of it runs on a host: a member, or what leads to the members. */
  runsOn(host: Host): boolean;
  /** How one of its members is taken out of it while the others work; undefined: pgprov takes none out. */
  readonly leaving?: {
    /** It is stopped before the others take it out, who would have it back while it runs. */
    readonly stopsFirst?: true;
    /** Whether the others list it, or what leads to them there, by the host where the inventory has that; undefined: none of them tells. */
    lists(view: View, leaving: LeavingMember): boolean | undefined;
    /** It counts on the member no more; on the host of another one that works. */
    removed(context: RoleContext, leaving: LeavingMember): Resource;
  };
  /** How it refuses the certificates of hosts that were taken out; undefined: it has no list of them. */
  readonly refusing?: {
    /** The serials on the list of its member on the host; undefined: it was not seen. */
    listed(view: View, host: string): readonly string[] | undefined;
    /** Open when its member on the host refuses these pairs, which were the named host's, and accepts the host's own. */
    refuses(context: RoleContext, former: { name: string; pairs: readonly { certificate: string; key: Secret }[] }): Gate;
    /** No connection from these addresses, which are the named host's alone, to its member on the host. */
    cut(context: RoleContext, former: { name: string; addresses: readonly string[] }): Resource;
  };
  /** How one of its members gets another address while the others work; undefined: pgprov gives none another. */
  readonly moving?: {
    /**
     * The host's member as the others list it, by its name, a former name, or its address.
     * @returns undefined: none of them tells, or lists it
     */
    listed(view: View, host: Host): { name: string; isAtAddress: boolean } | undefined;
    /** The others have it at the address that the inventory says; on the host of another one that works. */
    readdressed(context: RoleContext, host: Host): Resource;
  };
  /** The names of its members, by its own word. */
  memberNames(view: View): readonly string[];
}

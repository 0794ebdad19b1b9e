import type { Host, Inventory } from './inventory.js';
import type { Entrance, RolePort, RoleProtocol } from './role-port.js';

/**
 * What it means to change a variable on a cluster that exists.
 *
 * `free`: nothing that runs has to take it over. `reload`: the running services take it over, nothing restarts. `restart`: what
 * reads it restarts, one host at a time. `context`: a parameter of PostgreSQL, which itself says whether it takes a reload or a
 * restart (`context` in pg_settings). `recreate`: fixed when the cluster was made. `operation`: changed by this operation, never
 * by a run of `apply`.
 */
export type ChangeMeaning = 'free' | 'reload' | 'restart' | 'context' | 'recreate' | { readonly operation: string };

/** Names of the JSON types, as JSON Schema spells them. */
export type JsonType = 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array' | 'null';

/**
 * JSON Schema (draft-07) of one variable, with the few keywords of our own that drive resolution and messages.
 * An object with `properties` is closed: other keys are errors unless `additionalProperties` says otherwise.
 */
export interface VariableSchema {
  /** Short name for editors; default: the key. */
  title?: string;
  /** What the variable is for, with its unit, in one or two sentences; the reference page shows it. */
  description?: string;
  type?: JsonType | readonly JsonType[];
  /** Value of a host that nothing else gives one. */
  default?: unknown;
  examples?: readonly unknown[];
  enum?: readonly (string | number | boolean | null)[];
  const?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  items?: VariableSchema;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  properties?: Readonly<Record<string, VariableSchema>>;
  required?: readonly string[];
  additionalProperties?: boolean | VariableSchema;
  propertyNames?: VariableSchema;
  minProperties?: number;
  maxProperties?: number;
  anyOf?: readonly VariableSchema[];
  oneOf?: readonly VariableSchema[];
  /** What a value must be, in words that follow "must be", for schemas that words say better than a pattern. */
  expects?: string;
  /** The value becomes a `Secret`; the inventory may also say where it is kept, such as `{env: NAME}`. */
  secret?: true;
  /** Beside `secret`: it is none, and only given and kept like one, so everyone may read its file. */
  public?: true;
  /** `cluster`: every host that has the role must resolve to the same value. */
  scope?: 'cluster';
  /**
   * Other roles may add to it (`contributes`): keys to a mapping, entries to a list, words to a comma-separated string. What
   * the inventory gives stays.
   */
  additive?: true;
  /**
   * What a change of the value means on a cluster that exists; every variable of pgprov's own roles says it, or the mapping that it is in.
   */
  change?: ChangeMeaning;
}

/** Schema of one role's section: a closed mapping of variables. */
export interface VariablesSchema extends VariableSchema {
  type: 'object';
  properties: Readonly<Record<string, VariableSchema>>;
}

/** What a role adds to variables of other roles: section, then variables, as an inventory has them. */
export type Contribution = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What is wrong with a resolved value that its schema takes. */
export interface VariableProblem {
  host: Host;
  /** Dotted path of the value: `postgresql.parameters.port`. */
  path: string;
  /** Which entry, where the value is a list; 0-based. */
  entry?: number;
  /** In words that follow the path. */
  message: string;
  hint?: string;
}

/** A cluster as far as it is known when its variables are resolved. */
export type NamedHosts = Pick<Inventory, 'cluster' | 'hosts' | 'leader'>;

/** What the model must know of a role. */
export interface RoleSchema {
  /** Name of the role and of its section in the inventory. */
  name: string;
  /** One sentence for `pgprov roles` and the reference page. */
  description: string;
  variables: VariablesSchema;
  /** It runs a store that Patroni can keep its cluster in, which works while more than half of its members do. */
  isStore?: true;
  /** Roles that must be on the same host too; they are applied before it. */
  requires?: readonly string[];
  /**
   * What the role adds to variables of the host's other roles that take additions (`pgprov roles NAME` marks them). `host` is
   * as the inventory has it, without what other roles add. Variables of roles that the host does not have are left out.
   * @param cluster the cluster's name
   */
  contributes?(host: Host, cluster: string): Contribution;
  /** Why it adds a value, by its dotted path, as `pgprov show` has it behind the role's name; `host` as for `contributes`. Default: nothing is said. */
  reasons?(host: Host): ReadonlyMap<string, string>;
  /**
   * TCP ports on which the role's services listen on the host. The role firewall opens them, and before the first change base checks
   * that nothing else holds them and that the members reach theirs.
   * @param host resolved, with what roles add
   */
  ports?(host: Host): readonly RolePort[];
  /**
   * IP protocols without ports by which the role's services speak with each other. The role firewall lets them through between the hosts
   * that have them.
   * @param host resolved, with what roles add
   */
  protocols?(host: Host): readonly RoleProtocol[];
  /**
   * Addresses besides those of the hosts by which clients get in; hosts that share one give the same. `pgprov dsn` prints them.
   * @param host resolved, with what roles add
   */
  entrances?(host: Host): readonly Entrance[];
  /** How many times longer than usual everything that waits for the host waits; a whole number. The largest of its roles' counts; default 1. */
  patience?(host: Host): number;
  /**
   * What is wrong with values of the hosts that have the role which a schema cannot say, such as the syntax of a line. Asked
   * without a connection, once everything meets its schema; `hosts` are resolved, with what roles add.
   * @param inventory its name, and all of its hosts, whatever their roles
   */
  problems?(hosts: readonly Host[], inventory: NamedHosts): readonly VariableProblem[];
  /** The same for what works and is probably not meant, such as a value without an effect. */
  warnings?(hosts: readonly Host[], inventory: NamedHosts): readonly VariableProblem[];
}

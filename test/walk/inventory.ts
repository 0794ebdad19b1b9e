import type { Random } from './random.js';

type Mapping = Record<string, unknown>;

/** A change of the inventory that is to come true. */
export interface InventoryChange {
  /** What it sets, for the log. */
  says: string;
  /** The sections of the inventory that are now to be written over the lab's. */
  sections: Mapping;
}

/** Settings that may be in an inventory, each with values that are right; an absent one is the default. */
const SETTINGS: readonly { path: readonly [section: string, key: string, inner?: string]; values: readonly unknown[] }[] = [
  { path: ['postgresql', 'parameters', 'work_mem'], values: ['5MB', '6MB', '16MB'] },
  { path: ['postgresql', 'parameters', 'log_min_duration_statement'], values: [250, '1s', -1] },
  { path: ['postgresql', 'parameters', 'max_connections'], values: [90, 100, 120, 150] },
  { path: ['postgresql', 'parameters', 'autovacuum_naptime'], values: ['30s', '1min'] },
  { path: ['patroni', 'loop_wait'], values: [5, 8, 10] },
  { path: ['patroni', 'maximum_lag_on_failover'], values: [1048576, 2097152] },
  { path: ['patroni', 'dynamic', 'failsafe_mode'], values: [true, false] },
  { path: ['patroni', 'dynamic', 'member_slots_ttl'], values: ['10min', '1h'] },
  { path: ['patroni', 'tags', 'clonefrom'], values: [true, false] },
  { path: ['etcd', 'heartbeat_interval'], values: [100, 150, 200] },
  { path: ['etcd', 'quota_backend_bytes'], values: [2147483648, 1073741824] },
];

/** Access lines that an application might need, beside the one that the walk's own client comes in by. */
const ACCESS = [
  'host app app 10.99.0.0/16 scram-sha-256',
  'hostssl all all 10.98.0.0/16 scram-sha-256',
  'host all all 10.97.1.1/32 reject',
];

/** Settings that were fixed when the cluster was made: pgprov is to refuse them on a cluster that lives. */
const FIXED: readonly (readonly [section: string, key: string, value: unknown])[] = [
  ['postgresql', 'data_dir', '/srv/elsewhere'],
  ['postgresql', 'name', 'other'],
  ['postgresql', 'version', 16],
  ['patroni', 'scope', 'other'],
  ['postgresql', 'port', 5444],
];

/** The inventory of a walk: settings come and go, one or two at a time. */
export class WalkingInventory {
  readonly #random: Random;
  readonly #client: string;
  readonly #set = new Map<string, { path: readonly string[]; value: unknown }>();
  #access: readonly string[] = [];

  /** @param client the access line of the walk's client, which always stays */
  constructor(random: Random, client: string) {
    this.#random = random;
    this.#client = client;
  }

  /** As it stands. */
  sections(): Mapping {
    const sections: Mapping = { postgresql: { hba: [...this.#access, this.#client] } };
    for (const { path, value } of this.#set.values()) put(sections, path, value);
    return sections;
  }

  /** Sets, changes or takes back one or two settings, or the access lines. */
  change(): InventoryChange {
    const says: string[] = [];
    for (let left = this.#random.between(1, 2); left > 0; left--) {
      if (this.#random.next() < 0.2) {
        this.#access = this.#random.shuffle(ACCESS).slice(0, this.#random.between(0, ACCESS.length));
        says.push(`${this.#access.length} access lines`);
        continue;
      }
      const { path, values } = this.#random.pick(SETTINGS);
      const name = path.join('.');
      if (this.#set.has(name) && this.#random.next() < 0.3) {
        this.#set.delete(name);
        says.push(`without ${name}`);
      } else {
        const value = this.#random.pick(values);
        this.#set.set(name, { path: path as readonly string[], value });
        says.push(`${name}=${String(value)}`);
      }
    }
    return { says: says.join(', '), sections: this.sections() };
  }

  /** A change that pgprov is to refuse; the inventory stays as it was. */
  forbidden(): InventoryChange {
    const [section, key, value] = this.#random.pick(FIXED);
    const sections = this.sections();
    put(sections, [section, key], value);
    return { says: `${section}.${key}=${String(value)}`, sections };
  }
}

function put(mapping: Mapping, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) mapping[key] = value;
  else put((mapping[key] ??= {}) as Mapping, rest, value);
}

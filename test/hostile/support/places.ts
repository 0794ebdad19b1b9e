import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { CATALOG } from '../../../roles/index.js';
import type { Host, Inventory } from '../../../src/model/index.js';
import type { VariableSchema } from '../../../src/model/role-schema.js';
import { inventorySchemas } from '../../../src/model/schema.js';
import { typesOf } from '../../../src/model/words.js';
import { Secret } from '../../../src/lib/secret.js';

type Step = string | number;
type Draft = Record<string, unknown>;

/** One place of an inventory where a string may stand. */
export interface Place {
  /** `postgresql.data_dir`, `patroni.tags.<key>`, `hosts.<name>.address`. */
  name: string;
  /** An inventory that is right but for the value at this place. */
  draft(value: string): Draft;
  /** What a loaded inventory has there; undefined where it does not show. */
  read(inventory: Inventory): unknown;
  /** It takes only what is on a list, names something that is not there, or is refused without what goes with it, as a key without its certificate. */
  closed: boolean;
  /** Values of a kind that the schema may take, for comparison. */
  benign: readonly string[];
}

/** Variables that are paths of this machine, relative to the inventory; all others arrive as they are. */
const LOCAL_PATHS = /^(?:ssh\.(?:identity_file|known_hosts)|rolesPath)/u;

/** What a place is to hold once its value was read from an inventory in `directory`. */
export function resolved({ name }: Place, value: string, directory: string): string {
  return LOCAL_PATHS.test(name) ? resolve(directory, value.replace(/^~(?=\/|$)/u, '/home/op')) : value;
}

/** A cluster and a server without Patroni. */
function base(): Draft {
  return {
    cluster: 'demo',
    // Not what this machine's user has there.
    ssh: { config: false },
    hosts: {
      pg1: { address: '192.0.2.1', cluster_address: '10.0.0.1' },
      alone: { address: '192.0.2.4', roles: ['base', 'firewall', 'pgdg', 'postgresql', 'replication'], firewall: { backend: 'ufw' } },
    },
    groups: { some: { hosts: ['pg1'] } },
  };
}

/** `assignment` would take a key `__proto__` for something else. */
function put(target: object, key: Step, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

/** The base inventory with a value at a path. */
function draftWith(path: readonly Step[], value: unknown): Draft {
  const draft = base();
  let at: Record<Step, unknown> = draft;
  path.forEach((step, index) => {
    const next = path[index + 1];
    if (next === undefined) put(at, step, value);
    else if (!Object.hasOwn(at, step) || typeof at[step] !== 'object') put(at, step, typeof next === 'number' ? [] : {});
    at = at[step] as Record<Step, unknown>;
  });
  return draft;
}

function valueAt(value: unknown, path: readonly Step[]): unknown {
  return path.reduce<unknown>(
    (at, step) => (typeof at === 'object' && at !== null && Object.hasOwn(at, step) ? (at as Record<Step, unknown>)[step] : undefined),
    value,
  );
}

function opened(value: unknown): unknown {
  return value instanceof Secret ? value.reveal() : value;
}

/** A word of each kind that schemas ask for; the first that is accepted is compared with. */
const BENIGN = [
  'benign',
  '/benign',
  '/srv/benign',
  '/dev/benign',
  'http://benign',
  '10.99.99.99',
  '10.99.99.99/24',
  '2027-01-31',
  'A'.repeat(40),
  '-----BEGIN PGP PUBLIC KEY BLOCK-----\nbenign\n',
  'pg1',
  'pg2',
  'auto',
  'base',
  'ldapsuffix',
  'off',
  'sudo',
  'strict',
  'benign.benign',
  '30min',
  '17.99',
  'local all all trust # benign',
];

function wordsFor(schema: VariableSchema): string[] {
  return [...(schema.enum ?? []).map(String), ...BENIGN];
}

/** How the resolved host keeps what stands under `ssh`. */
const SSH: Readonly<Record<string, (host: Host) => unknown>> = {
  user: ({ ssh }) => ssh.user,
  config: ({ ssh }) => ssh.config,
  identity_file: ({ ssh }) => ssh.identityFile,
  key_passphrase: ({ ssh }) => opened(ssh.keyPassphrase),
  password: ({ ssh }) => opened(ssh.password),
  jump: ({ ssh }) => ssh.jump.map(({ user, address }) => (user === ssh.user ? address : `${user}@${address}`)),
  become: ({ ssh }) => ssh.become.method,
  become_password: ({ ssh }) => opened(ssh.become.password),
  host_key_policy: ({ ssh }) => ssh.hostKeys.policy,
  known_hosts: ({ ssh }) => ssh.hostKeys.files,
};

function readSection(inventory: Inventory, [section = '', ...path]: readonly Step[]): unknown {
  const host = inventory.hosts[0];
  if (host === undefined) return undefined;
  if (section !== 'ssh') return opened(valueAt(host.vars[section], path));
  const [variable = '', ...rest] = path;
  const read = SSH[variable];
  if (read === undefined) throw new Error(`say in test/hostile how a resolved host keeps ssh.${variable}`);
  const value = read(host);
  return Array.isArray(value) ? value[Number(rest[0] ?? 0)] : value;
}

/** Every place below a schema; `name` is for people, `path` leads there. */
function placesIn(schema: VariableSchema, name: string, path: readonly Step[]): Place[] {
  const read = (inventory: Inventory): unknown => readSection(inventory, path);
  const value: Place = {
    name,
    draft: (text) => draftWith(path, text),
    read,
    benign: wordsFor(schema),
    closed: schema.enum !== undefined || /\.(?:env|file)$|\.tls_(?:certificate|key|ca)(?:\.|$)/u.test(name),
  };
  if (schema.anyOf !== undefined || schema.oneOf !== undefined) {
    return [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap((branch) => placesIn(branch, name, path));
  }
  const anything = Object.keys(schema).length === 0;
  const types = typesOf(schema);
  const children = Object.entries(schema.properties ?? {}).flatMap(([key, child]) => placesIn(child, `${name}.${key}`, [...path, key]));
  const items = schema.items === undefined ? [] : placesIn(schema.items, `${name}[]`, [...path, 0]);
  const isText = anything || types.includes('string');
  return [...(isText ? [value] : []), ...children, ...items, ...openPlaces(schema, name, path)];
}

/** Where a method that makes replicas is announced, whose settings then stand beside it. */
const METHODS = 'create_replica_methods';

/** Announces what stands beside the list of methods, where something does. */
function withMethods(place: Place): Place {
  const path = ['patroni', 'dynamic', 'postgresql'];
  if (!/^patroni\.dynamic\.postgresql\.(?:<|entry)/u.test(place.name)) return place;
  const draft = (value: string): Draft => {
    const made = place.draft(value);
    const section = valueAt(made, path) as Draft;
    put(section, METHODS, Object.keys(section));
    return made;
  };
  return { ...place, draft };
}

/** A key of such a mapping; none of the plain values, which are looked for in scripts. */
const ENTRY = 'entry';

/** What else a repository in a store of objects needs. */
const STORES: Readonly<Record<string, Draft>> = {
  s3: { bucket: 'near', endpoint: 's3.example.com', region: 'here', key: 'key', key_secret: 'secret' },
  azure: { account: 'near', container: 'here', key: 'a2V5' },
  gcs: { bucket: 'near', key_file: '/etc/gcs.json' },
};

/** Gives the first host the roles of backups, where the place is one of their variables, and a repository what else it needs. */
function withBackups(place: Place): Place {
  if (!/^backup(?:-repository)?\./u.test(place.name)) return place;
  const path = ['backup', 'repositories'];
  const roles = ['base', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni', 'backup'];
  const draft = (value: string): Draft => {
    const made = place.draft(value);
    const repositories = (valueAt(made, path) ?? {}) as Record<string, Draft>;
    const [name] = Object.keys(repositories);
    const isOnHost = name === undefined || completed(repositories, name)['host'] !== undefined;
    const hosts = made['hosts'] as Record<string, Draft>;
    return { ...made, hosts: { ...hosts, pg1: { ...hosts['pg1'], roles: [...roles, ...(isOnHost ? ['backup-repository'] : [])] } } };
  };
  if (!place.name.endsWith('.<key>')) return { ...place, draft };
  return { ...place, draft, read: ({ hosts }) => Object.keys((valueAt(hosts[0]?.vars, path) ?? {}) as object)[0] };
}

/** Has the hosts stream without Patroni, where the place is a variable that only these have; the first one streams from another standby. */
function withStreaming(place: Place): Place {
  if (!/^replication\.(?:upstream|synchronous)/u.test(place.name)) return place;
  const draft = (value: string): Draft => {
    const { replication, ...made } = place.draft(value);
    const section = replication as Draft;
    const addresses = { pg2: '192.0.2.2', pg3: '192.0.2.3' };
    const pg1 = { address: '192.0.2.1', ...('upstream' in section ? { replication: section } : {}) };
    const roles = ['base', 'pgdg', 'postgresql', 'replication'];
    return { ...made, ...('upstream' in section ? {} : { replication }), roles, leader: 'pg3', hosts: { pg1, ...addresses } };
  };
  return { ...place, draft };
}

/** What an inventory has besides, where the place is a variable of a role that the first host has not by itself. */
const WITH_ROLE: Readonly<Record<string, { pg1: Draft } & Draft>> = {
  haproxy: { pg1: { roles: ['base', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni', 'haproxy'] } },
  pgbouncer: { pg1: { roles: ['base', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni', 'haproxy', 'pgbouncer'] } },
  vip: {
    pg1: { roles: ['base', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni', 'haproxy', 'vip'] },
    vip: { address: '10.0.0.99/24' },
    second: { address: '192.0.2.5', roles: ['base', 'pgdg', 'haproxy', 'vip'] },
  },
  consul: { pg1: { roles: ['base', 'pgdg', 'postgresql', 'replication', 'consul', 'patroni'] }, dcs: 'consul' },
  'consul-agent': {
    pg1: { roles: ['base', 'pgdg', 'postgresql', 'replication', 'consul-agent', 'patroni'] },
    dcs: 'consul',
    second: { address: '192.0.2.5', roles: ['base', 'consul'] },
  },
};

/** Gives the first host the role that the place is a variable of: without it nobody reads the value. */
function withRole(place: Place): Place {
  const needs = WITH_ROLE[place.name.split('.')[0] ?? ''];
  if (needs === undefined) return place;
  const { pg1, second, ...top } = needs;
  const draft = (value: string): Draft => {
    const made = place.draft(value);
    const hosts = made['hosts'] as Record<string, Draft>;
    return {
      ...made,
      ...top,
      hosts: { ...hosts, pg1: { ...hosts['pg1'], ...pg1 }, ...(second === undefined ? {} : { second: second as Draft }) },
      ...(top['vip'] === undefined ? {} : { vip: { ...(top['vip'] as Draft), ...(made['vip'] as Draft) } }),
    };
  };
  return { ...place, draft };
}

/** A database of PgBouncer has a name, whatever else it has. */
function withPools(place: Place): Place {
  if (!place.name.startsWith('pgbouncer.databases[].')) return place;
  const draft = (value: string): Draft => {
    const made = place.draft(value);
    const [entry] = valueAt(made, ['pgbouncer', 'databases']) as [Draft];
    entry['name'] ??= 'named';
    return made;
  };
  return { ...place, draft };
}

/** Says who may connect from where, whatever the place is of that. */
function withAccess(place: Place): Place {
  if (!place.name.startsWith('postgresql.access[].')) return place;
  const draft = (value: string): Draft => {
    const made = place.draft(value);
    const [entry] = valueAt(made, ['postgresql', 'access']) as [Draft];
    entry['users'] ??= ['reader'];
    entry['from'] ??= ['10.0.0.0/24'];
    const { [ENTRY]: option, ...others } = (entry['options'] ?? {}) as Draft;
    if (entry['options'] !== undefined)
      Object.assign(entry, {
        method: 'ldap',
        options: { ldapserver: 'ldap.example.com', ...others, ...(option === undefined ? {} : { [OPTION]: option }) },
      });
    return made;
  };
  if (!place.name.endsWith('.options.<value>')) return { ...place, draft };
  return { ...place, draft, read: ({ hosts }) => valueAt(hosts[0]?.vars, ['postgresql', 'access', 0, 'options', OPTION]) };
}

/** An option whose value may be anything. */
const OPTION = 'ldapprefix';

/** Gives a grant what it needs besides what the place has. */
function withGrants(place: Place): Place {
  if (!/^postgresql\.databases\..*\.grants\[\]/u.test(place.name)) return place;
  const draft = (value: string): Draft => {
    const made = place.draft(value);
    for (const database of Object.values(valueAt(made, ['postgresql', 'databases']) as Record<string, Draft>)) {
      const [grant] = database['grants'] as [Draft];
      grant['to'] ??= 'reader';
      grant['on'] ??= 'tables';
      grant['privileges'] ??= ['SELECT'];
    }
    return made;
  };
  return { ...place, draft };
}

/** Gives a repository what it needs besides what the place has. */
function completed(repositories: Record<string, Draft>, name: string): Draft {
  const given = repositories[name] ?? {};
  const store = Object.keys(given).find((key) => Object.hasOwn(STORES, key));
  const rest = store === undefined ? {} : { [store]: { ...STORES[store], ...(given[store] as Draft) } };
  const host = store === undefined && given['directory'] === undefined ? { host: given['host'] ?? 'pg1' } : {};
  const whole = { ...given, ...rest, ...host };
  put(repositories, name, whole);
  return whole;
}

/** Keys and values of a mapping whose keys the inventory chooses. */
function openPlaces(schema: VariableSchema, name: string, path: readonly Step[]): Place[] {
  const open = schema.additionalProperties;
  if (typeof open !== 'object') return [];
  const filler = Object.keys(open).length === 0 || typesOf(open).includes('string') ? 'x' : {};
  const keyPlace = (label: string, before: readonly Step[]): Place => ({
    name: label,
    draft: (text) => draftWith([...before, text], filler),
    read: (inventory) =>
      isDeepStrictEqual(valueAt(inventory.hosts[0]?.vars, [...before, text(inventory, before)]), filler)
        ? text(inventory, before)
        : undefined,
    benign: BENIGN,
    closed: false,
  });
  const text = (inventory: Inventory, before: readonly Step[]): string => {
    const mapping = valueAt(inventory.hosts[0]?.vars, before);
    return Object.keys((mapping ?? {}) as object).find((key) => key !== METHODS) ?? '';
  };
  const values = placesIn(open, `${name}.<value>`, [...path, ENTRY]);
  if (Object.keys(open).length > 0) return [keyPlace(`${name}.<key>`, path), ...values];
  // Any JSON: also further down.
  const deep = [...path, ENTRY, 'deep'];
  return [
    keyPlace(`${name}.<key>`, path),
    ...values,
    keyPlace(`${name}.${ENTRY}.deep.<key>`, deep),
    ...placesIn(open, `${name}.${ENTRY}.deep.<value>`, [...deep, 'value']),
    ...placesIn(open, `${name}.${ENTRY}.deep[]`, [...path, ENTRY, 'list', 0]),
  ];
}

const SCHEMAS = inventorySchemas(CATALOG);

/** Places that have a meaning of their own: names, and what stands directly under a host or a group. */
function namedPlaces(): Place[] {
  const names = Object.keys(base()['hosts'] as object);
  const host = (inventory: Inventory): Host | undefined => inventory.hosts.find(({ name }) => !names.includes(name));
  const group = (inventory: Inventory): Inventory['groups'][number] | undefined => inventory.groups.find(({ name }) => name !== 'some');
  const own: Readonly<Record<string, Place['read']>> = {
    cluster: ({ cluster }) => cluster,
    leader: ({ leader }) => leader,
    dcs: ({ hosts }) => hosts.flatMap(({ roles }) => roles).find((role) => role === 'etcd' || role === 'consul'),
    'hosts.<name>.address': (inventory) => host(inventory)?.address,
    'hosts.<name>.cluster_address': (inventory) => host(inventory)?.clusterAddress,
    'hosts.<name>.roles[]': (inventory) => host(inventory)?.roles[0],
    'groups.<name>.hosts[]': (inventory) => group(inventory)?.hosts[0],
    'groups.<name>.roles[]': (inventory) => inventory.hosts[0]?.roles[0],
    'roles[]': (inventory) => inventory.hosts[0]?.roles[0],
    rolesPath: ({ rolesPath }) => rolesPath[0],
    'rolesPath[]': ({ rolesPath }) => rolesPath[0],
  };
  const known = (places: readonly Place[]): Place[] =>
    places.map((place) => {
      const read = own[place.name];
      if (read === undefined) throw new Error(`say in test/hostile where a loaded inventory keeps ${place.name}`);
      return { ...place, read };
    });
  const without = (schema: VariableSchema): VariableSchema => ({
    ...schema,
    properties: Object.fromEntries(Object.entries(schema.properties ?? {}).filter(([key]) => !SCHEMAS.sections.has(key))),
    additionalProperties: false,
  });
  const below = (schema: VariableSchema, name: string, path: readonly string[]): Place[] =>
    Object.entries(without(schema).properties ?? {}).flatMap(([key, child]) =>
      placesIn(child, name === '' ? key : `${name}.${key}`, [...path, key]),
    );
  return [
    ...known(below(SCHEMAS.top, '', [])),
    ...known(below(SCHEMAS.host, 'hosts.<name>', ['hosts', 'zz'])).map((place) => ({
      ...place,
      draft: (value: string) => withAddress(place.draft(value)),
    })),
    ...known(below(SCHEMAS.group, 'groups.<name>', ['groups', 'zz'])).map((place) => ({
      ...place,
      draft: (value: string) => withMember(place.draft(value)),
    })),
    {
      name: 'hosts.<name>',
      draft: (value) => draftWith(['hosts', value], { address: '192.0.2.9' }),
      read: (inventory) => host(inventory)?.name,
      benign: BENIGN,
      closed: false,
    },
    {
      name: 'hosts.<name> in short',
      draft: (value) => draftWith(['hosts', 'zz'], value),
      read: (inventory) => host(inventory)?.address,
      benign: BENIGN,
      closed: false,
    },
    {
      name: 'groups.<name>',
      draft: (value) => draftWith(['groups', value], { hosts: ['pg1'] }),
      read: (inventory) => group(inventory)?.name,
      benign: BENIGN,
      closed: false,
    },
  ];
}

function withAddress(draft: Draft): Draft {
  const zz = (draft['hosts'] as Record<string, Draft>)['zz'] ?? {};
  zz['address'] ??= '192.0.2.9';
  return draft;
}

function withMember(draft: Draft): Draft {
  const zz = (draft['groups'] as Record<string, Draft>)['zz'] ?? {};
  zz['hosts'] ??= ['pg1'];
  return draft;
}

/** Every string of an inventory, found in the schemas that validation uses. */
export const PLACES: readonly Place[] = [
  ...namedPlaces(),
  ...[...SCHEMAS.sections]
    .flatMap(([name, schema]) => placesIn(schema, name, [name]))
    .map((place) => withRole(withAccess(withGrants(withPools(withStreaming(withBackups(withMethods(place)))))))),
];

/** Keys of mappings that the schemas do not describe further. */
export const OPAQUE: readonly string[] = Object.entries(SCHEMAS.top.properties)
  .filter(([key, schema]) => schema.type === 'object' && !SCHEMAS.sections.has(key))
  .map(([key]) => key);

/** A value that the place takes; undefined for a reference to a secret, which names something that is not there. */
export async function benignOf(
  { name, draft, benign, closed }: Place,
  load: (draft: unknown) => Promise<object>,
): Promise<string | undefined> {
  for (const value of benign) {
    if ('inventory' in (await load(draft(value)))) return value;
  }
  if (closed) return undefined;
  throw new Error(`no benign value for ${name}: add one of its kind to test/hostile/support/places.ts`);
}

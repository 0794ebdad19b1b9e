import {
  DATA_DIRECTORY, ETCD_MEMBER, DCS, PATRONI_MEMBER, type Database, type DataDirectoryState, type DcsState, type EtcdMemberState, type EtcdSettings, type Host, type PatroniMemberState, type PgRoleState, type Platform,
  type Postmaster, type RunningState, type View,
} from '../../src/index.js';
import { dataDirectoryOf, hostPort, scopeOf } from './layout.js';
import { variables } from './variables.js';

/** One host as it was seen. */
export interface Scene {
  view: View;
  host: Host;
  platform: Platform;
  running: RunningState;
}

/** A value that exists already, and the one that the inventory has. */
export interface Sight {
  wanted: string;
  seen: string;
  /** Where it was seen, as a clause that follows "but". */
  found: string;
}

/** A variable that no run of apply changes on a cluster that exists. */
export interface FixedVariable {
  /** Dotted, as in the inventory. */
  variable: string;
  /** The role whose guards ask for it. */
  role: string;
  /** Hosts may have values of their own; otherwise those of all hosts are one. */
  perHost?: true;
  /** What is wanted, and what runs or ran last; undefined where nothing exists yet, or nothing tells. */
  look(scene: Scene): Sight | undefined;
  /** What to do, given the value that exists. */
  hint(seen: string): string;
}

const BACK = 'it was fixed when the cluster was made';

/** Everything that the schemas call `recreate` or `operation`, with how its running value is read. */
export const FIXED_VARIABLES: readonly FixedVariable[] = [
  {
    variable: 'postgresql.version',
    role: 'postgresql',
    look: (scene) => {
      const { database, found } = existing(scene) ?? {};
      if (database === undefined || found === undefined) return undefined;
      return { wanted: String(variables(scene.host, 'postgresql').version), seen: database.version, found: `${found} is of version ${database.version}` };
    },
    hint: (seen) => `set it back to ${seen}; another major version takes pg_upgrade, which pgprov does not carry out`,
  },
  { variable: 'postgresql.name', role: 'postgresql', look: (scene) => place(scene, 'name'), hint: (seen) => `${BACK}: set it back to ${seen}` },
  {
    variable: 'postgresql.data_dir',
    role: 'postgresql',
    perHost: true,
    look: (scene) => place(scene, 'data_dir'),
    hint: (seen) => `set it back to ${seen}; pgprov does not move data`,
  },
  {
    variable: 'postgresql.port',
    role: 'postgresql',
    look: (scene) => {
      const wanted = String(variables(scene.host, 'postgresql').port);
      const { database, server } = existing(scene) ?? {};
      if (server !== undefined) return { wanted, seen: String(server.port), found: `PostgreSQL listens on ${server.port}` };
      const port = portOf(scene.running.patroniFile?.listen);
      return database === undefined || port === undefined ? undefined : { wanted, seen: port, found: `${fileName(scene)} says ${port}` };
    },
    hint: (seen) => `${BACK}: set it back to ${seen}`,
  },
  {
    variable: 'postgresql.encoding',
    role: 'postgresql',
    look: (scene) => {
      const wanted = variables(scene.host, 'postgresql').encoding;
      const { made } = scene.running;
      if (made === undefined || existing(scene) === undefined) return undefined;
      return { wanted, seen: made.isWantedEncoding ? wanted : made.encoding, found: `the cluster was made with ${made.encoding}` };
    },
    hint: (seen) => `set it back to ${seen}; it is for a new cluster, and a database of another encoding is made by CREATE DATABASE`,
  },
  {
    variable: 'postgresql.locale',
    role: 'postgresql',
    look: (scene) => {
      const wanted = variables(scene.host, 'postgresql').locale;
      const { made } = scene.running;
      if (made === undefined || existing(scene) === undefined) return undefined;
      return { wanted, seen: plainLocale(wanted) === plainLocale(made.locale) ? wanted : made.locale, found: `the cluster was made with ${made.locale}` };
    },
    hint: (seen) => `set it back to ${seen}; it is for a new cluster, and a database of another locale is made by CREATE DATABASE`,
  },
  account('postgresql.superuser', 'superuser', (host) => variables(host, 'postgresql').superuser),
  account('replication.username', 'replication', (host) => variables(host, 'replication').username),
  account('patroni.rewind_username', 'rewind', (host) => variables(host, 'patroni').rewind_username),
  {
    variable: 'patroni.scope',
    role: 'patroni',
    look: (scene) => (variables(scene.host, 'patroni').scope === undefined ? undefined : scopeSight(scene)),
    hint: (seen) => `${BACK}: set it back to ${seen}`,
  },
  {
    variable: 'cluster',
    role: 'patroni',
    // A host with etcd tells it by its token, and maybe the inventory is another cluster's.
    look: (scene) => (variables(scene.host, 'patroni').scope === undefined && !scene.host.roles.includes('etcd') ? scopeSight(scene) : undefined),
    hint: (seen) => `${BACK}: set it back to ${seen}, or give this inventory other hosts if it is another cluster’s`,
  },
  {
    variable: 'patroni.namespace',
    role: 'patroni',
    look: (scene) => {
      const { patroniFile } = scene.running;
      if (patroniFile === undefined || patroniFile.namespace === '' || existing(scene) === undefined || knowsScope(scene)) return undefined;
      const plain = (path: string): string => `/${path.split('/').filter((part) => part !== '').join('/')}`;
      const wanted = variables(scene.host, 'patroni').namespace;
      const seen = plain(wanted) === plain(patroniFile.namespace) ? wanted : patroniFile.namespace;
      return { wanted, seen, found: `${fileName(scene)} says ${patroniFile.namespace}` };
    },
    hint: (seen) => `${BACK}: set it back to ${seen}`,
  },
  {
    variable: 'patroni.restapi_port',
    role: 'patroni',
    look: (scene) => {
      const seen = existing(scene) === undefined ? undefined : portOf(scene.running.patroniFile?.restListen);
      const wanted = String(variables(scene.host, 'patroni').restapi_port);
      return seen === undefined ? undefined : { wanted, seen, found: `${fileName(scene)} has Patroni listen on ${seen}` };
    },
    hint: (seen) => `${BACK}: set it back to ${seen}`,
  },
  {
    variable: 'hosts',
    role: 'patroni',
    perHost: true,
    look: (scene) => {
      const { view, host } = scene;
      if (existing(scene) === undefined) return undefined;
      const member = view.read<PatroniMemberState>(host.name, PATRONI_MEMBER);
      if (member?.answers === true && member.name !== undefined) return { wanted: host.name, seen: member.name, found: `its Patroni is the member ${member.name}` };
      const seen = scene.running.patroniFile?.name ?? '';
      return seen === '' ? undefined : { wanted: host.name, seen, found: `${fileName(scene)} makes it the member ${seen}` };
    },
    hint: (seen) => `call the host ${seen} again: a member keeps the name that it was made with`,
  },
  {
    variable: 'cluster_address',
    role: 'patroni',
    perHost: true,
    look: (scene) => (scene.host.roles.includes('etcd') || existing(scene) === undefined ? undefined : addressSight(scene, scene.running.patroniFile?.connectAddress, fileName(scene))),
    hint: (seen) => `${BACK}: set it back to ${seen}`,
  },
  {
    variable: 'cluster_address',
    role: 'etcd',
    perHost: true,
    look: (scene) => {
      const { view, host } = scene;
      const listed = view
        .hosts('etcd')
        .flatMap(({ name }) => view.read<EtcdMemberState>(name, ETCD_MEMBER)?.members ?? [])
        .find(({ name }) => name === host.name)?.peerUrls[0];
      if (listed !== undefined) return addressSight(scene, withoutScheme(listed), 'etcd’s list of members');
      return addressSight(scene, withoutScheme(etcdSettings(scene)?.['ETCD_INITIAL_ADVERTISE_PEER_URLS']), scene.platform.etcd.environmentFile);
    },
    hint: (seen) => `${BACK}: set it back to ${seen}`,
  },
  etcdPort('etcd.client_port', 'ETCD_ADVERTISE_CLIENT_URLS', ({ host }) => variables(host, 'etcd').client_port),
  etcdPort('etcd.peer_port', 'ETCD_INITIAL_ADVERTISE_PEER_URLS', ({ host }) => variables(host, 'etcd').peer_port),
  {
    variable: 'etcd.data_dir',
    role: 'etcd',
    perHost: true,
    look: (scene) => {
      const { host, platform, view, running } = scene;
      const wanted = trimmed(variables(host, 'etcd').data_dir ?? `${platform.etcd.dataRoot}/${view.inventory.cluster}`);
      // Without the variable the cluster's name is in the path, and what is said of that name says it all.
      const isOthers = etcdSettings(scene)?.['ETCD_INITIAL_CLUSTER_TOKEN'] !== view.inventory.cluster;
      const seen = isOthers ? undefined : etcdSettings(scene)?.['ETCD_DATA_DIR'];
      if (seen === undefined) return undefined;
      return { wanted, seen: trimmed(seen), found: running.etcdProcess === undefined ? `the member’s data is in ${seen}` : `etcd runs in ${seen}` };
    },
    hint: (seen) => `${BACK}: set it back to ${seen}; in another directory the member would begin anew, without what it voted for`,
  },
];

/** The database that the host has for this cluster, wherever it is, and how that is known. */
function existing({ view, host, platform, running }: Scene): { database: Database; server: Postmaster | undefined; found: string } | undefined {
  const { postmasters, databases, patroniFile, patroniData, wantedDirectory } = running;
  if (host.roles.includes('patroni')) {
    // A server that no Patroni was set up for is somebody else's, and other guards say so.
    if (patroniFile === undefined) return undefined;
    const server =
      postmasters.find(({ unit }) => unit === `${platform.patroni.unit}.service`) ??
      postmasters.find(({ realDirectory }) => realDirectory === wantedDirectory || realDirectory === patroniData?.realDirectory);
    if (server !== undefined) return { database: server, server, found: `the database in ${server.dataDirectory}, which runs,` };
    if (patroniData === undefined) return undefined;
    return { database: patroniData, server: undefined, found: `the database in ${patroniData.dataDirectory}, which ran last,` };
  }
  if (!host.roles.includes('postgresql')) return undefined;
  const server = postmasters.find(({ ours }) => ours);
  if (server !== undefined) return { database: server, server, found: `the database in ${server.dataDirectory}, which runs,` };
  // Which of two databases is meant is for other guards to say.
  if (view.read<DataDirectoryState>(host.name, DATA_DIRECTORY)?.kind === 'cluster') return undefined;
  const [database] = databases;
  return database === undefined ? undefined : { database, server: undefined, found: `the database that pgprov made in ${database.dataDirectory}` };
}

/** Where the data is against where it would be, for the variable that makes the difference. */
function place(scene: Scene, variable: 'name' | 'data_dir'): Sight | undefined {
  const { host, platform, running } = scene;
  const { version, name, data_dir } = variables(host, 'postgresql');
  const { database, server } = existing(scene) ?? {};
  if (database === undefined || database.version !== String(version)) return undefined;
  const directory = dataDirectoryOf(host, platform);
  const isWanted = database.realDirectory === running.wantedDirectory || database.dataDirectory === directory;
  const named = data_dir === undefined ? nameIn(database.dataDirectory, scene) : undefined;
  const found = server === undefined ? `the database is in ${database.dataDirectory}` : `PostgreSQL runs in ${database.dataDirectory}`;
  if (variable === 'name') return named === undefined ? undefined : { wanted: name, seen: isWanted ? name : named, found };
  return named === undefined || isWanted ? { wanted: directory, seen: isWanted ? directory : database.dataDirectory, found } : undefined;
}

/** The name of the cluster whose data the platform has in this directory. */
function nameIn(directory: string, { host, platform }: Scene): string | undefined {
  const { dataDirectory } = platform.postgresql(variables(host, 'postgresql').version);
  const last = directory.slice(directory.lastIndexOf('/') + 1);
  return ['main', last].find((name) => dataDirectory(name) === directory);
}

function scopeSight(scene: Scene): Sight | undefined {
  const { view, host } = scene;
  const wanted = scopeOf(view.inventory, host);
  const member = view.read<PatroniMemberState>(host.name, PATRONI_MEMBER);
  if (existing(scene) === undefined) return undefined;
  if (member?.answers === true && member.scope !== '') return { wanted, seen: member.scope, found: `Patroni runs with the scope ${member.scope}` };
  const seen = scene.running.patroniFile?.scope ?? '';
  return seen === '' || knowsScope(scene) ? undefined : { wanted, seen, found: `${fileName(scene)} says ${seen}` };
}

/** etcd knows this host's database under the scope that is wanted, so that is the right one, whatever a file says. */
function knowsScope(scene: Scene): boolean {
  const store = scene.view.read<DcsState>(scene.host.name, DCS);
  return store?.reachable === true && store.initialize !== undefined && store.initialize === existing(scene)?.database.systemIdentifier;
}

/** A role of the database that Patroni logs in as: one that the server has may be named. */
function account(variable: string, part: 'superuser' | 'replication' | 'rewind', wantedOf: (host: Host) => string): FixedVariable {
  return {
    variable,
    role: 'patroni',
    look: (scene) => {
      const wanted = wantedOf(scene.host);
      const role = scene.view.read<PgRoleState>(scene.host.name, `pg-role:${wanted}`);
      const seen = scene.running.patroniFile?.[part] ?? '';
      if (seen === '' || existing(scene) === undefined) return undefined;
      const isThere = role !== undefined && role.server !== 'down' && role.exists;
      return { wanted, seen: isThere ? wanted : seen, found: `Patroni works as ${seen}, by ${fileName(scene)}` };
    },
    hint: (seen) => `${BACK}: set it back to ${seen}`,
  };
}

function etcdPort(variable: string, setting: string, wantedOf: (scene: Scene) => number): FixedVariable {
  return {
    variable,
    role: 'etcd',
    look: (scene) => {
      const seen = portOf(withoutScheme(etcdSettings(scene)?.[setting]));
      if (seen === undefined) return undefined;
      const found = scene.running.etcdProcess === undefined ? `${scene.platform.etcd.environmentFile} says ${seen}` : `etcd runs with ${seen}`;
      return { wanted: String(wantedOf(scene)), seen, found };
    },
    hint: (seen) => `${BACK}: set it back to ${seen}`,
  };
}

/** What etcd runs with, or ran with last; undefined where it has no data yet. */
function etcdSettings({ running: { etcdProcess, etcdFile, etcdHasData } }: Scene): EtcdSettings | undefined {
  if (etcdFile === undefined) return undefined;
  return etcdProcess ?? (etcdHasData ? etcdFile : undefined);
}

function addressSight({ host }: Scene, connect: string | undefined, where: string): Sight | undefined {
  const port = portOf(connect);
  if (connect === undefined || port === undefined) return undefined;
  const seen = connect.slice(0, -port.length - 1).replace(/^\[(.*)\]$/u, '$1');
  const isWanted = connect === hostPort(host.clusterAddress, Number(port));
  return { wanted: host.clusterAddress, seen: isWanted ? host.clusterAddress : seen, found: `${where} has the member at ${seen}` };
}

function fileName({ platform }: Scene): string {
  return platform.patroni.configFile;
}

function withoutScheme(url: string | undefined): string | undefined {
  return url?.split(',')[0]?.replace(/^https?:\/\//u, '');
}

function portOf(address: string | undefined): string | undefined {
  return /:(\d+)$/u.exec(address ?? '')?.[1];
}

function trimmed(path: string): string {
  return path.replace(/(?<=[^/])\/+$/u, '');
}

/** `C.UTF-8` and `C.utf8` are one locale, and POSIX is another name for C. */
function plainLocale(locale: string): string {
  const plain = locale.toLowerCase().replaceAll('-', '');
  return plain === 'posix' ? 'c' : plain;
}

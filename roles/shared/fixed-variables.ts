import {
  DATA_DIRECTORY,
  DCS,
  PATRONI_MEMBER,
  pgprov,
  topologyOf,
  pgRoleHandle,
  type Database,
  type Host,
  type Postmaster,
} from '../../src/index.js';
import { BACKUP_FIXED_VARIABLES } from './backup/fixed-variables.js';
import { dcsOf } from './dcs-of.js';
import { addressSight, BACK, portOf, readdressing, type FixedVariable, type Scene, type Sight } from './fixed-variable.js';
import { dataDirectoryOf, scopeOf } from './layout.js';
import { STORES } from './stores.js';
import { variables } from './variables.js';

/** Everything that the schemas call `recreate` or `operation`, with how its running value is read. */
export const FIXED_VARIABLES: readonly FixedVariable[] = [
  {
    variable: 'postgresql.version',
    role: 'postgresql',
    look: (scene) => {
      const { database, found } = existing(scene) ?? {};
      if (database === undefined || found === undefined) return undefined;
      return {
        wanted: String(variables(scene.host, 'postgresql').version),
        seen: database.version,
        found: `${found} is of version ${database.version}`,
      };
    },
    hint: (seen, { view, host, wanted }) => {
      if (topologyOf(host) !== 'patroni')
        return `set it back to ${seen}; another major version takes pg_upgrade, which pgprov carries out only under Patroni`;
      const isLater = Number(wanted) > Number(seen);
      return isLater
        ? `${pgprov`upgrade ${view.inventory} --to ${[wanted]}`} brings the cluster to it, or set it back to ${seen}`
        : `set it back to ${seen}; data of a later major version is not taken back to an earlier one, unless by the --undo of an upgrade`;
    },
  },
  {
    variable: 'cluster',
    role: 'postgresql',
    look: (scene) => {
      if (topologyOf(scene.host) === 'patroni') return undefined;
      const { database, found } = databaseInPlace(scene) ?? {};
      const wanted = scene.view.inventory.cluster;
      if (database === undefined || database.clusters.length === 0) return undefined;
      const seen = database.clusters.includes(wanted) ? wanted : (database.clusters[0] ?? wanted);
      return { wanted, seen, found: `${found} is that of ${seen}` };
    },
    hint: (seen) =>
      `set it back to ${seen}; if this is to be another instance on the host, give it a postgresql.name and a postgresql.port of its own`,
  },
  {
    variable: 'postgresql.name',
    role: 'postgresql',
    look: (scene) => place(scene, 'name'),
    hint: (seen) => `${BACK}: set it back to ${seen}`,
  },
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
      return {
        wanted,
        seen: plainLocale(wanted) === plainLocale(made.locale) ? wanted : made.locale,
        found: `the cluster was made with ${made.locale}`,
      };
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
    // A host of the store is told by the store's own guard, and maybe the inventory is another cluster's.
    look: (scene) => (variables(scene.host, 'patroni').scope === undefined && !hasStore(scene) ? scopeSight(scene) : undefined),
    hint: (seen) => `${BACK}: set it back to ${seen}, or give this inventory other hosts if it is another cluster’s`,
  },
  {
    variable: 'patroni.namespace',
    role: 'patroni',
    look: (scene) => {
      const { patroniFile } = scene.running;
      if (patroniFile === undefined || patroniFile.namespace === '' || existing(scene) === undefined || knowsScope(scene)) return undefined;
      const plain = (path: string): string =>
        `/${path
          .split('/')
          .filter((part) => part !== '')
          .join('/')}`;
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
    variable: 'dcs',
    role: 'patroni',
    look: (scene) => {
      const { sections = [] } = scene.running.patroniFile ?? {};
      const seen = STORES.find(({ sectionName }) => sections.includes(sectionName));
      if (seen === undefined || existing(scene) === undefined) return undefined;
      return { wanted: dcsOf(scene.view.inventory).role, seen: seen.role, found: `${fileName(scene)} has the cluster in ${seen.name}` };
    },
    hint: (seen) => `${BACK}: keep the store ${seen}, and the role ${seen} on the hosts that have it`,
  },
  {
    variable: 'hosts',
    role: 'patroni',
    perHost: true,
    look: (scene) => {
      const { view, host } = scene;
      if (existing(scene) === undefined) return undefined;
      const member = view.read(host.name, PATRONI_MEMBER);
      const formerly = host.formerly?.name;
      if (formerly !== undefined && member?.answers === true && member.name === formerly) return undefined;
      if (member?.answers === true && member.name !== undefined)
        return { wanted: host.name, seen: member.name, found: `its Patroni is the member ${member.name}` };
      const seen = scene.running.patroniFile?.name ?? '';
      return seen === '' || seen === formerly
        ? undefined
        : { wanted: host.name, seen, found: `${fileName(scene)} makes it the member ${seen}` };
    },
    hint: (seen, { view: { inventory }, wanted }) =>
      dcsOf(inventory).moving === undefined
        ? `call the host ${seen} again: a member keeps the name that it was made with`
        : `${pgprov`rename ${inventory} --host ${seen} --to ${wanted}`} gives the member that name; or call the host ${seen} again`,
  },
  {
    variable: 'cluster_address',
    role: 'patroni',
    perHost: true,
    look: (scene) =>
      hasStore(scene) || existing(scene) === undefined || scene.host.formerly?.address !== undefined
        ? undefined
        : addressSight(scene, scene.running.patroniFile?.connectAddress, fileName(scene)),
    hint: (seen, about) =>
      dcsOf(about.view.inventory).moving === undefined ? `${BACK}: set it back to ${seen}` : readdressing(seen, about),
  },
  ...BACKUP_FIXED_VARIABLES,
  ...STORES.flatMap(({ fixedVariables }) => fixedVariables),
];

/** The database that the host has for this cluster, wherever it is, and how that is known. */
function existing({
  view,
  host,
  platform,
  running,
}: Scene): { database: Database; server: Postmaster | undefined; found: string } | undefined {
  const { postmasters, databases, patroniFile, patroniData, wantedDirectory } = running;
  if (topologyOf(host) === 'patroni') {
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
  const own = postmasters.filter((database) => database.ours && isOfInventory(database, view.inventory.cluster, wantedDirectory));
  const server = own.find(({ realDirectory }) => realDirectory === wantedDirectory) ?? own[0];
  if (server !== undefined) return { database: server, server, found: `the database in ${server.dataDirectory}, which runs,` };
  // Which of two databases is meant is for other guards to say.
  if (view.read(host.name, DATA_DIRECTORY)?.kind === 'cluster') return undefined;
  const database = databases.find((each) => isOfInventory(each, view.inventory.cluster, wantedDirectory));
  return database === undefined
    ? undefined
    : { database, server: undefined, found: `the database that pgprov made in ${database.dataDirectory}` };
}

/** The database that pgprov made in the directory that the inventory names. */
function databaseInPlace({
  running: { postmasters, databases, wantedDirectory },
}: Scene): { database: Database; found: string } | undefined {
  const database = [...postmasters, ...databases].find(({ ours, realDirectory }) => ours && realDirectory === wantedDirectory);
  return database === undefined ? undefined : { database, found: `the database in ${database.dataDirectory}` };
}

/** Whether a database is not that of another inventory, which has an instance of its own on the host. */
function isOfInventory({ realDirectory, clusters }: Database, cluster: string, wantedDirectory: string): boolean {
  return realDirectory === wantedDirectory || clusters.length === 0 || clusters.includes(cluster);
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

/** The host runs the store as well, whose own role shows what it was made with. */
function hasStore({ host, view }: Scene): boolean {
  return host.roles.includes(dcsOf(view.inventory).role);
}

function scopeSight(scene: Scene): Sight | undefined {
  const { view, host } = scene;
  const wanted = scopeOf(view.inventory, host);
  const member = view.read(host.name, PATRONI_MEMBER);
  if (existing(scene) === undefined) return undefined;
  if (member?.answers === true && member.scope !== '')
    return { wanted, seen: member.scope, found: `Patroni runs with the scope ${member.scope}` };
  const seen = scene.running.patroniFile?.scope ?? '';
  return seen === '' || knowsScope(scene) ? undefined : { wanted, seen, found: `${fileName(scene)} says ${seen}` };
}

/** The store knows this host's database under the scope that is wanted, so that is the right one, whatever a file says. */
function knowsScope(scene: Scene): boolean {
  const store = scene.view.read(scene.host.name, DCS);
  return store?.reachable === true && store.initialize !== undefined && store.initialize === existing(scene)?.database.systemIdentifier;
}

/** A role of the database that Patroni logs in as: one that the server has may be named. */
function account(variable: string, part: 'superuser' | 'replication' | 'rewind', wantedOf: (host: Host) => string): FixedVariable {
  return {
    variable,
    role: 'patroni',
    look: (scene) => {
      const wanted = wantedOf(scene.host);
      const role = scene.view.read(scene.host.name, pgRoleHandle(wanted));
      const seen = scene.running.patroniFile?.[part] ?? '';
      if (seen === '' || existing(scene) === undefined) return undefined;
      const isThere = role !== undefined && role.server !== 'down' && role.exists;
      return { wanted, seen: isThere ? wanted : seen, found: `Patroni works as ${seen}, by ${fileName(scene)}` };
    },
    hint: (seen) => `${BACK}: set it back to ${seen}`,
  };
}

function fileName({ platform }: Scene): string {
  return platform.patroni.configFile;
}

/** `C.UTF-8` and `C.utf8` are one locale, and POSIX is another name for C. */
function plainLocale(locale: string): string {
  const plain = locale.toLowerCase().replaceAll('-', '');
  return plain === 'posix' ? 'c' : plain;
}

import {
  answerLines,
  asDatabaseUser,
  command,
  DATA_DIRECTORY,
  pgCluster,
  sh,
  handle,
  topologyOf,
  unitCopy,
  type Host,
  type Objection,
  type Observation,
  type Platform,
  type Resource,
  type RoleContext,
  type Script,
  type StandaloneLayout,
  type View,
} from '../../src/index.js';
import { dropIn } from './drop-in.js';
import { dataDirectoryOf } from './layout.js';
import { dataLabel } from './selinux.js';
import { variables } from './variables.js';

/** How a cluster without Patroni comes to be on the host's platform. */
export interface Standalone {
  /** The cluster that initdb makes. */
  database: Resource;
  /** In their order: what makes the platform's service run what is in the data directory. */
  registration: Resource[];
  /** Where postgresql.conf and pg_hba.conf are. */
  configDirectory: string;
  /** What the service has to be restarted for. */
  restartOn: Resource[];
  /** Whether the unit has to be enabled; Debian's start.conf has it start at boot by itself. */
  enable: boolean;
  /** The unit is the package's own. */
  isPackaged: boolean;
}

type Layout<By extends StandaloneLayout['by']> = Extract<StandaloneLayout, { by: By }>;

/** The host's own cluster, made the way its platform makes clusters. */
export function standaloneCluster(context: RoleContext): Standalone {
  const { host, platform } = context;
  const { standalone } = platform.postgresql(variables(host, 'postgresql').version);
  return standalone.by === 'postgresql-common' ? registered(context, standalone) : setUp(context, standalone);
}

/** initdb, then registration with Debian's tools. */
function registered(context: RoleContext, { configDirectory }: Layout<'postgresql-common'>): Standalone {
  const { version, name, port } = variables(context.host, 'postgresql');
  const data = dataDirectoryOf(context.host, context.platform);
  const configuration = configDirectory(name);
  return {
    database: initialised(context),
    registration: [
      command({
        name: `pg_createcluster-${version}-${name}`,
        summary: `register ${data} with postgresql-common as ${version}/${name}`,
        unless: sh`[ -e ${`${configuration}/postgresql.conf`} ]`,
        run: sh`${defaultFiles(context, data)}
pg_createcluster -d ${data} -p ${port} --start-conf auto ${version} ${name}`,
      }),
    ],
    configDirectory: configuration,
    restartOn: [],
    enable: false,
    isPackaged: true,
  };
}

/**
 * The configuration files that initdb writes, where the data has none: pg_createcluster moves them to their place, and a copy of another server has
 * left them behind.
 */
function defaultFiles({ host, platform }: RoleContext, data: string): Script {
  const { version } = variables(host, 'postgresql');
  const { binDirectory, user, group, home } = platform.postgresql(version);
  const initdb = asDatabaseUser({ user, home }, sh`${`${binDirectory}/initdb`} -D "$scratch/data" --no-sync ${initdbWords(host)}`);
  return sh`if [ ! -e ${`${data}/postgresql.conf`} ]; then
scratch=$(mktemp -d ${`${data}.pgprov-files.XXXXXX`})
chown ${`${user}:${group}`} "$scratch"
${initdb} >/dev/null
for each in postgresql.conf pg_hba.conf pg_ident.conf; do [ -e ${data}/"$each" ] || mv "$scratch/data/$each" ${data}; done
rm -r "$scratch"
fi`;
}

/** PGDG's setup script, and a unit that says where the data is: the package's with a drop-in, or a copy of it for a further instance. */
function setUp(context: RoleContext, { script, packagedUnit }: Layout<'setup-script'>): Standalone {
  const { host, platform, template } = context;
  const { version, name } = variables(host, 'postgresql');
  const data = dataDirectoryOf(host, platform);
  const unit = `${platform.postgresql(version).unit(name)}.service`;
  const isPackaged = packagedUnit.endsWith(`/${unit}`);
  const own = isPackaged
    ? dropIn(`${UNITS}/${unit}.d/pgprov.conf`, template('postgresql/pgdata.conf', { data }))
    : [unitCopy({ source: packagedUnit, path: `${UNITS}/${unit}`, data }) as Resource];
  return {
    database: initialised(context, script),
    registration: [...dataLabel(host, platform), ...own],
    configDirectory: data,
    restartOn: own.slice(-1),
    enable: true,
    isPackaged,
  };
}

/** Where an administrator's own units are, and what is added to those of packages. */
const UNITS = '/etc/systemd/system';

function initialised({ host, platform }: RoleContext, setupScript?: string): Resource {
  const { version } = variables(host, 'postgresql');
  const { binDirectory, user, group, home } = platform.postgresql(version);
  return pgCluster({
    version,
    dataDirectory: dataDirectoryOf(host, platform),
    binDirectory,
    user,
    group,
    home,
    initdb: initdbWords(host),
    ...(setupScript === undefined ? {} : { setupScript }),
  });
}

function initdbWords(host: Host): string[] {
  const { encoding, locale } = variables(host, 'postgresql');
  return [
    '--data-checksums',
    `--encoding=${encoding}`,
    `--locale=${locale}`,
    '--lc-messages=C',
    '--auth-local=peer',
    '--auth-host=scram-sha-256',
  ];
}

const SERVED_DATA = handle<string>('served-data');

/** Where the platform's service has a cluster now; '' when it has none. */
export function servedData({ host, platform }: RoleContext): Observation<string> {
  const { version, name } = variables(host, 'postgresql');
  const { standalone, unit } = platform.postgresql(version);
  const configured =
    standalone.by === 'postgresql-common'
      ? sh`sed -n ${"s/^ *data_directory *= *'\\(.*\\)'.*/\\1/p"} ${`${standalone.configDirectory(name)}/postgresql.conf`} 2>/dev/null | sed ${"s/''/'/g"} | tail -n 1`
      : sh`systemctl show -p Environment ${unit(name)} 2>/dev/null | sed 's/^Environment=//' | tr ' ' '\n' | sed -n 's/^PGDATA=//p' | tail -n 1`;
  return {
    ...SERVED_DATA,
    probe: () => sh`data=$(${configured})
[ ! -e "$data/PG_VERSION" ] || printf '%s\n' "$data"`,
    parse: (answer) => answerLines(answer)[0] ?? '',
  };
}

/** A service that was told of another data directory would come up with an empty database and look well. */
export function guardServedData(view: View, host: Host, platform: Platform): Objection[] {
  const served = view.read(host.name, SERVED_DATA) ?? '';
  const wanted = dataDirectoryOf(host, platform);
  if (served === '' || served.replace(/\/+$/u, '') === wanted.replace(/\/+$/u, '')) return [];
  return [
    {
      kind: 'refuse',
      host: host.name,
      message: `${host.name}: ${platform.postgresql(variables(host, 'postgresql').version).unit(variables(host, 'postgresql').name)} has its cluster in ${served}, the inventory says ${wanted}`,
      hint: `set postgresql.data_dir to ${served}, or move the data yourself first; pgprov does not move data`,
    },
  ];
}

/** What every file system of some kinds has at its top. */
const OF_FILE_SYSTEM = 'lost+found';

/** A mount point without data: a database gets its directory's name when it is whole, and nothing can be renamed to a mount point. */
export function mountedDirectory(view: View, host: Host): Objection[] {
  const data = view.read(host.name, DATA_DIRECTORY);
  const platform = view.platform(host.name);
  if (platform === undefined || (data?.kind !== 'empty' && data?.kind !== 'foreign') || data.mounted !== true) return [];
  const isVacant = data.kind === 'empty' || data.entries.every((entry) => entry === OF_FILE_SYSTEM);
  // Patroni has initdb work in the directory itself, which is content with an empty mount point.
  if (!isVacant || (data.kind === 'empty' && topologyOf(host) === 'patroni')) return [];
  const path = dataDirectoryOf(host, platform);
  const holds = data.kind === 'empty' ? '' : `, with ${OF_FILE_SYSTEM},`;
  return [
    {
      kind: 'refuse',
      host: host.name,
      message: `${host.name}: the data directory ${path} is the mount point of a file system of its own${holds} and a database can only be made below one`,
      hint: `give ${host.name} a directory in that file system: \`postgresql: {data_dir: ${path}/data}\` below its name in the inventory`,
    },
  ];
}

/** PGDG's script and systemd's Environment= split what holds these. */
export function awkwardDataDirectory(host: Host, platform: Platform): Objection[] {
  const { version } = variables(host, 'postgresql');
  const data = dataDirectoryOf(host, platform);
  if (platform.postgresql(version).standalone.by !== 'setup-script' || /^[A-Za-z0-9/._-]+$/u.test(data)) return [];
  return [
    {
      kind: 'preflight',
      host: host.name,
      message: `${host.name}: without Patroni, a data directory on ${platform.title} can hold only letters, digits and / . _ -, not ${JSON.stringify(data)}`,
      hint: 'give postgresql.data_dir a plainer path',
    },
  ];
}

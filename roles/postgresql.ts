import {
  command, DATA_DIRECTORY, dataDirectory, defineRole, digestOf, directory, editedFile, file, leaderInStore, PENDING_RESTART, pendingRestart, replaceBlock, service, sh,
  type CheckResult, type DataDirectoryState, type Host, type Installation, type Objection, type Platform, type RoleContext, type Stage, type View,
} from '../src/index.js';
import { guardChanges, whatRuns } from './shared/changes.js';
import { dropIn } from './shared/drop-in.js';
import { accessProblems, memberLines } from './shared/hba.js';
import { parameterProblems } from './shared/owned-parameters.js';
import { accountsOf, dataDirectoryOf, localServer } from './shared/layout.js';
import { DIRECTORY, PASSWORD, ROLE_NAME } from './shared/schemas.js';
import { portLabel } from './shared/selinux.js';
import { awkwardDataDirectory, guardServedData, servedData, standaloneCluster } from './shared/standalone.js';
import { variables } from './shared/variables.js';
import { installation } from './shared/packages.js';

const PARAMETER_VALUE = {
  type: ['string', 'number', 'boolean'],
  pattern: '^[^\\u0000-\\u001f\\u007f]*$',
  expects: 'a value without control characters',
} as const;

/** PostgreSQL reads a line that ends in a back-slash together with the next, and 13 none beyond 8 KiB; our own marks end a block. */
const HBA_LINE = {
  type: 'string',
  pattern: '^(?!# (?:BEGIN|END) pgprov )[^\\u0000-\\u001f\\u007f]*[^\\u0000-\\u001f\\u007f\\\\]$',
  maxLength: 2000,
  expects: 'one line of pg_hba.conf, of 2000 characters at most and without a back-slash at its end',
} as const;

export default defineRole({
  name: 'postgresql',
  description: 'PostgreSQL’s packages without a stray cluster; on a host without Patroni also a checksummed cluster and its service.',
  requires: ['pgdg'],
  variables: {
    type: 'object',
    description: 'The server. Under Patroni the parameters go to its dynamic configuration.',
    properties: {
      version: { change: { operation: 'pg_upgrade' }, type: 'integer', minimum: 13, maximum: 18, default: 17, scope: 'cluster', description: 'Major version.' },
      port: { change: 'recreate', type: 'integer', minimum: 1, maximum: 65535, default: 5432, scope: 'cluster', description: 'TCP port.' },
      name: {
        change: 'recreate',
        type: 'string',
        pattern: '^[A-Za-z0-9_]+$',
        expects: 'letters, digits and underscores',
        default: 'main',
        scope: 'cluster',
        description: 'What Debian calls the cluster: part of paths and of the unit’s name. On Rocky part of the data directory’s path, unless it is `main`.',
      },
      data_dir: {
        change: 'recreate',
        ...DIRECTORY,
        description: 'Data directory. Default: where the platform’s packages put it, /var/lib/postgresql/17/main on Debian and /var/lib/pgsql/17/data on Rocky.',
      },
      parameters: {
        change: 'context',
        type: 'object',
        properties: {
          shared_preload_libraries: {
            ...PARAMETER_VALUE,
            change: 'restart',
            additive: true,
            description: 'Libraries that the server loads when it starts, comma-separated. Those that roles need are added.',
          },
        },
        additionalProperties: PARAMETER_VALUE,
        additive: true,
        propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)?$', maxLength: 200, expects: 'a parameter name' },
        default: {},
        examples: [{ shared_buffers: '1GB', max_connections: 200 }],
        description: 'Configuration parameters, as in postgresql.conf. A parameter that differs between hosts is set on each host by itself.',
      },
      hba: {
        change: 'reload',
        type: 'array',
        items: HBA_LINE,
        default: [],
        additive: true,
        examples: [['host app app 10.0.0.0/24 scram-sha-256']],
        description: 'Lines of pg_hba.conf for your clients, after those that the members need.',
      },
      encoding: { change: 'recreate', type: 'string', pattern: '^[A-Za-z0-9_-]+$', default: 'UTF8', description: 'Encoding of a new cluster.' },
      locale: { change: 'recreate', type: 'string', pattern: '^[A-Za-z0-9_.@-]+$', default: 'C.UTF-8', description: 'Locale of a new cluster.' },
      superuser: {
        change: 'recreate',
        ...ROLE_NAME,
        default: 'postgres',
        description: 'The superuser that Patroni works as.',
      },
      superuser_password: { change: 'reload', ...PASSWORD, description: 'Its password. Generated on first use when not given.' },
    },
  },
  problems: (hosts) => [...hosts.flatMap(accessProblems), ...parameterProblems(hosts)],
  observations: (context) => {
    const { version } = variables(context.host, 'postgresql');
    const { binDirectory, user } = context.platform.postgresql(version);
    return [
      whatRuns(context),
      dataDirectory({ path: dataDirectoryOf(context.host, context.platform), binDirectory, user }),
      pendingRestart(localServer(context.host, context.platform)),
      ...(context.host.roles.includes('patroni') ? [] : [servedData(context)]),
    ];
  },
  install: serverInstallation,
  stages: (context) => (context.host.roles.includes('patroni') ? [] : standalone(context)),
  preflight: (view) => withoutPatroni(view).flatMap(({ host, platform }) => awkwardDataDirectory(host, platform)),
  guards: (view) => [
    ...guardChanges(view, 'postgresql'),
    ...view.hosts('postgresql').flatMap((host) => guardHost(view, host)),
    ...withoutPatroni(view).flatMap(({ host, platform }) => guardServedData(view, host, platform)),
  ],
  checks: (view) => view.hosts('postgresql').flatMap((host) => checkHost(view, host)),
  remarks: (view, host) => {
    const names = view.read<string[]>(host, PENDING_RESTART) ?? [];
    return names.length === 0 ? [] : [`restart pending for ${names.join(', ')}`];
  },
});

function serverInstallation({ host, platform, template }: RoleContext): Installation {
  const { version } = variables(host, 'postgresql');
  const { serverPackages, standalone: policy } = platform.postgresql(version);
  return installation({ host }, {
    what: `PostgreSQL ${version}`,
    packages: serverPackages,
    before: policy.by === 'postgresql-common' ? dropIn(policy.policyFile, template('postgresql/createcluster.conf', {})) : [],
  });
}

/** Without Patroni: a cluster of the platform's own, parameters, access, service. */
function standalone(context: RoleContext): Stage[] {
  const { host, platform, template, inventory } = context;
  const { version, name, port, parameters, hba } = variables(host, 'postgresql');
  const { user, group, unit } = platform.postgresql(version);
  const { resources, configDirectory: configuration, restartOn, enable } = standaloneCluster(context);
  const owned = { owner: user, group, mode: '0640' };
  const settings = file({
    ...owned,
    mode: '0644',
    path: `${configuration}/conf.d/pgprov.conf`,
    content: template('postgresql/parameters.conf', { parameters: { port, listen_addresses: '*', ...parameters } }),
  });
  const lines = [
    ...(host.roles.includes('replication')
      ? memberLines(inventory, 'replication', { replication: accountsOf(context).replication.name })
      : []),
    ...hba,
  ];
  const access = editedFile({
    ...owned,
    path: `${configuration}/pg_hba.conf`,
    edit: (current) => replaceBlock(current, inventory.cluster, lines),
    digest: digestOf(...lines),
  });
  return [
    { name: 'cluster', title: 'initialise PostgreSQL', crossing: 'independent', resources },
    {
      // A stage of its own: its files are edited as the cluster was made with them, so they must be there to be seen.
      name: 'configure',
      title: 'configure PostgreSQL',
      crossing: 'independent',
      resources: [
        directory({ path: `${configuration}/conf.d`, owner: user, group }),
        command({
          name: `include-dir-${version}-${name}`,
          summary: `let ${configuration}/postgresql.conf read conf.d`,
          unless: sh`grep -qE "^ *include_dir *=? *'conf.d'" ${`${configuration}/postgresql.conf`}`,
          run: sh`printf '%s\n' ${"include_dir = 'conf.d'"} >>${`${configuration}/postgresql.conf`}`,
        }),
        settings,
        access,
        ...portLabel(host, platform),
      ],
    },
    {
      name: 'start',
      title: 'start PostgreSQL',
      crossing: 'rolling',
      resources: [service({ unit: unit(name), enable, restartOn, reloadOn: [settings, access] })],
    },
  ];
}

function withoutPatroni(view: View): { host: Host; platform: Platform }[] {
  return view.hosts('postgresql').flatMap((host) => {
    const platform = view.platform(host.name);
    return platform === undefined || host.roles.includes('patroni') ? [] : [{ host, platform }];
  });
}

function guardHost(view: View, host: Host): Objection[] {
  const data = view.read<DataDirectoryState>(host.name, DATA_DIRECTORY);
  const { version } = variables(host, 'postgresql');
  const where = `${host.name}: the data directory${variables(host, 'postgresql').data_dir === undefined ? '' : ` ${variables(host, 'postgresql').data_dir}`}`;
  if (data?.kind === 'foreign') {
    return [
      {
        kind: 'refuse',
        host: host.name,
        message: `${where} is not empty and holds no PostgreSQL cluster (found ${data.entries.join(', ')})`,
        hint: 'give postgresql.data_dir an empty or new directory, or move what is there aside yourself; pgprov never deletes data',
      },
    ];
  }
  if (data?.kind !== 'cluster') return [];
  if (data.version !== String(version)) {
    if (isLoneReplica(view, host)) return [];
    return [
      {
        kind: 'refuse',
        host: host.name,
        message: `${where} holds a PostgreSQL ${data.version} cluster, the inventory says ${version}`,
        hint: 'set postgresql.version to what is there; changing the major version of data takes pg_upgrade',
      },
    ];
  }
  if (host.roles.includes('patroni') || data.ours) return [];
  return [
    {
      kind: 'refuse',
      host: host.name,
      message: `${where} holds a PostgreSQL cluster that pgprov did not make (system identifier ${data.systemIdentifier ?? 'unreadable'})`,
      hint: 'give postgresql.data_dir or postgresql.name another value; pgprov never touches data that it did not make',
    },
  ];
}

/** A member of a cluster that is led elsewhere, on data of the version that is wanted: it fails by itself (see `soundData`), and holds up nobody. */
function isLoneReplica(view: View, host: Host): boolean {
  if (!host.roles.includes('patroni')) return false;
  const others = view.hosts('patroni').filter(({ name }) => name !== host.name);
  const leader = leaderInStore(others.map(({ name }) => name), (name, id) => view.read(name, id));
  const led = view.read<DataDirectoryState>(leader ?? '', DATA_DIRECTORY);
  return leader !== host.name && led?.kind === 'cluster' && led.version === String(variables(host, 'postgresql').version);
}

function checkHost(view: View, host: Host): CheckResult[] {
  const data = view.read<DataDirectoryState>(host.name, DATA_DIRECTORY);
  if (data === undefined) return [];
  const checksums = data.kind === 'cluster' ? data.checksums : undefined;
  const detail = data.kind === 'cluster' ? `data page checksum version ${checksums ?? 'unknown'}` : `the data directory is ${data.kind}`;
  return [{ title: 'data checksums are on', ok: checksums === 1, detail, host: host.name }];
}


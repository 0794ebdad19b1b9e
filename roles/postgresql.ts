import {
  DATA_DIRECTORY,
  dataDirectory,
  defineRole,
  enumerate,
  migrationCopies,
  onlyThoroughly,
  PENDING_RESTART,
  pendingRestart,
  pgprov,
  serverAsked,
  serverReleased,
  serverReplication,
  standbyCopy,
  streamingServer,
  topologyOf,
  unapprovedData,
  type CheckResult,
  type Host,
  type Installation,
  type Objection,
  type Observation,
  type Platform,
  type Resource,
  type RoleContext,
  type Stage,
  type StatusLine,
  type UnapprovedData,
  type View,
} from '../src/index.js';
import { meaningProblems } from './shared/access.js';
import { guardChanges, whatRuns } from './shared/changes.js';
import { packagesOfExtensions } from './shared/contents/extensions.js';
import { contentsProblems, contentsWarnings } from './shared/contents/problems.js';
import { contents } from './shared/contents/stage.js';
import { passwordsOfUsers } from './shared/contents/wanted.js';
import { contentsCheck, contentsDrift, contentsRemarks } from './shared/contents/told.js';
import { dropIn } from './shared/drop-in.js';
import { guardParameters } from './shared/asked.js';
import { accessProblems, shadowedLines } from './shared/hba.js';
import {
  settingsCheck,
  settingsDrift,
  settingsInForceGate,
  settingsObservation,
  settingsRemarks,
  wantedSettings,
} from './shared/in-force.js';
import { parameterProblems } from './shared/owned-parameters.js';
import { dataDirectoryOf, localServer } from './shared/layout.js';
import { endOfLife, otherMajor } from './shared/end-of-life.js';
import { guardPort } from './shared/other-instances.js';
import { localeStage } from './shared/locale.js';
import { awkwardDataDirectory, guardServedData, mountedDirectory, servedData } from './shared/standalone.js';
import { directoryProblems, sameAccounts, unusedSuperuser } from './shared/collisions.js';
import { guardUnapproved } from './shared/unapproved.js';
import { takenBy } from './shared/streaming/stages.js';
import { isMade, isOfOurs } from './shared/streaming/seen.js';
import { unitServer } from './shared/streaming/server-unit.js';
import { withoutPatroni } from './shared/without-patroni.js';
import { serverSaves } from './shared/server-saves.js';
import { givenTlsProblems, givenTlsWarnings, guardGiven } from './shared/given-tls.js';
import { presentedCertificate, serverIdentity, tlsChecks, tlsStage } from './shared/server-tls.js';
import { slotLines } from './shared/slots.js';
import { migrationLines } from './shared/migration-lines.js';
import { leaderInStore } from './shared/leader-in-store.js';
import { holdStage, pinned, programOf, versionLines } from './shared/programs.js';
import { variables } from './shared/variables.js';
import { virtualAddresses } from './shared/vip/address.js';
import { poolerAccount } from './shared/pgbouncer/account.js';
import { guardTune } from './shared/tuning/guards.js';
import { tunedOf } from './shared/tuning/parameters.js';
import { installation } from './shared/packages.js';
import { POSTGRESQL_VARIABLES } from './shared/sections/postgresql.js';

export default defineRole({
  name: 'postgresql',
  description:
    'PostgreSQL’s packages without the cluster that they would create; on a host without Patroni also a checksummed cluster and its service.',
  requires: ['pgdg'],
  variables: POSTGRESQL_VARIABLES,
  contributes: (host) => ({ postgresql: { parameters: Object.fromEntries(tunedOf(host).map(({ name, value }) => [name, value])) } }),
  reasons: (host) => new Map(tunedOf(host).map(({ name, why }) => [`postgresql.parameters.${name}`, why])),
  problems: (hosts, { hosts: all }) => [
    ...otherMajor(hosts),
    ...hosts.flatMap((host) => [...meaningProblems(host, all), ...accessProblems(host, all)]),
    ...parameterProblems(hosts),
    ...sameAccounts(hosts),
    ...hosts.flatMap(directoryProblems),
    ...hosts.flatMap(contentsProblems),
    ...givenTlsProblems(hosts, 'postgresql'),
  ],
  warnings: (hosts, { hosts: all }) => [
    ...hosts.flatMap((host) => shadowedLines(host, all)),
    ...unusedSuperuser(hosts),
    ...endOfLife(hosts),
    ...hosts.flatMap(contentsWarnings),
    ...givenTlsWarnings(hosts, 'postgresql', ({ clusterAddress }) => [clusterAddress, ...virtualAddresses({ hosts: all })]),
  ],
  ports: (host) => {
    const { version, name, port } = variables(host, 'postgresql');
    const ofPackages = `postgresql-${version}${name === 'main' ? '' : `-${name}`}.service`;
    const units = ['patroni.service', `postgresql@${version}-${name}.service`, ofPackages];
    return [{ port, what: 'PostgreSQL', units, openTo: { members: true, clients: true }, leadsTo: 'itself' }];
  },
  observations: (context) => {
    const { version } = variables(context.host, 'postgresql');
    const { binDirectory, user } = context.platform.postgresql(version);
    return [
      whatRuns(context),
      dataDirectory({ path: dataDirectoryOf(context.host, context.platform), binDirectory, user }),
      pendingRestart(localServer(context.host, context.platform)),
      serverReplication(localServer(context.host, context.platform)),
      migrationCopies(localServer(context.host, context.platform)),
      settingsObservation(context),
      serverAsked(localServer(context.host, context.platform), wantedSettings(context)),
      ...presentedCertificate(context),
      onlyThoroughly(programOf(context, 'postgresql')),
      ...(topologyOf(context.host) === 'patroni' ? [] : [servedData(context), unapprovedWithoutPatroni(context)]),
      ...(topologyOf(context.host) === 'streaming'
        ? [
            streamingServer(localServer(context.host, context.platform), dataDirectoryOf(context.host, context.platform)),
            standbyCopy(dataDirectoryOf(context.host, context.platform)),
          ]
        : []),
    ];
  },
  tls: serverIdentity,
  declaredPasswords: passwordsOfUsers,
  inspections: presentedCertificate,
  saves: serverSaves,
  install: serverInstallation,
  stages: (context) => [
    ...holdStage(context, 'postgresql'),
    ...localeStage(context),
    ...tlsStage(context),
    ...(topologyOf(context.host) === 'patroni' ? [] : standalone(context)),
    ...(topologyOf(context.host) === 'single' ? poolerAccount(context) : []),
    // Under Patroni they are made once a member leads.
    ...(topologyOf(context.host) === 'patroni' ? [] : contents(context)),
  ],
  holdsData: (view, host) => view.read(host, DATA_DIRECTORY)?.kind === 'cluster',
  preflight: (view) => hostsWithoutPatroni(view).flatMap(({ host, platform }) => awkwardDataDirectory(host, platform)),
  guards: (view) => [
    ...guardUnapproved(
      view,
      hostsWithoutPatroni(view).map(({ host }) => host),
    ),
    ...guardChanges(view, 'postgresql'),
    ...guardGiven(view, 'postgresql', (host) => serverIdentity(host, view.inventory)),
    ...view
      .hosts('postgresql')
      .flatMap((host) => [...guardPort(view, host), ...guardHost(view, host), ...guardTune(view, host), ...guardParameters(view, host)]),
    ...hostsWithoutPatroni(view).flatMap(({ host, platform }) => guardServedData(view, host, platform)),
  ],
  drift: (view) => view.hosts('postgresql').flatMap((host) => [...settingsDrift(view, host), ...contentsDrift(view, host)]),
  status: (view, host) => [
    ...standalonePending(view, host),
    ...slotLines(view, host),
    ...migrationLines(view, host),
    ...versionLines(view, host, 'postgresql', 'PostgreSQL'),
  ],
  checks: (view) =>
    view
      .hosts('postgresql')
      .flatMap((host) => [...checkHost(view, host), ...settingsCheck(view, host), ...contentsCheck(view, host), ...tlsChecks(view, host)]),
  remarks: (view, host) => {
    const names = view.read(host, PENDING_RESTART) ?? [];
    const { hosts } = view.inventory;
    const altered = hosts
      .filter(({ name }) => name === host)
      .flatMap((found) => [...settingsRemarks(view, found), ...contentsRemarks(view, found)]);
    return [...(names.length === 0 ? [] : [`restart pending for ${names.join(', ')}`]), ...altered];
  },
});

function serverInstallation({ host, platform, template }: RoleContext): Installation {
  const { version } = variables(host, 'postgresql');
  const { serverPackages, standalone: policy } = platform.postgresql(version);
  return installation(
    { host },
    {
      what: `PostgreSQL ${version}`,
      packages: [...serverPackages, ...packagesOfExtensions({ host, platform })],
      ...pinned(variables(host, 'postgresql').minor, serverPackages),
      before: policy.by === 'postgresql-common' ? dropIn(policy.policyFile, template('postgresql/createcluster.conf', {})) : [],
    },
  );
}

/** Without Patroni: a cluster of the platform's own, parameters, access, service. */
function standalone(context: RoleContext): Stage[] {
  const { database, registration, configuration, service } = withoutPatroni(context);
  const started = topologyOf(context.host) === 'streaming' ? [service, serverReleased(unitServer(context)) as Resource] : [service];
  const stages: Stage[] = [
    { name: 'cluster', title: 'initialise PostgreSQL', crossing: 'independent', resources: [database, ...registration] },
    { name: 'configure', title: 'configure PostgreSQL', crossing: 'independent', resources: configuration },
    { name: 'start', title: 'start PostgreSQL', crossing: 'rolling', resources: started, gates: [settingsInForceGate(context)] },
  ];
  // New standbys get all of this once they have their data, from the role replication.
  return topologyOf(context.host) === 'streaming' ? takenBy(context, isMade, stages) : stages;
}

/** What a restore has put there that nobody has approved, or that it holds the server. */
function unapprovedWithoutPatroni({ host, platform }: RoleContext): Observation<UnapprovedData | undefined> {
  const { version, name } = variables(host, 'postgresql');
  return unapprovedData(dataDirectoryOf(host, platform), platform.postgresql(version).unit(name));
}

function hostsWithoutPatroni(view: View): { host: Host; platform: Platform }[] {
  return view.hosts('postgresql').flatMap((host) => {
    const platform = view.platform(host.name);
    return platform === undefined || topologyOf(host) === 'patroni' ? [] : [{ host, platform }];
  });
}

function guardHost(view: View, host: Host): Objection[] {
  const data = view.read(host.name, DATA_DIRECTORY);
  const { version } = variables(host, 'postgresql');
  const platform = view.platform(host.name);
  const isOwn = variables(host, 'postgresql').data_dir !== undefined && platform !== undefined;
  const where = `${host.name}: the data directory${isOwn ? ` ${dataDirectoryOf(host, platform)}` : ''}`;
  const mounted = mountedDirectory(view, host);
  if (mounted.length > 0) return mounted;
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
  if (topologyOf(host) === 'patroni' || data.ours || isOfOurs(view, host.name)) return [];
  return [
    {
      kind: 'refuse',
      host: host.name,
      message: `${where} holds a PostgreSQL cluster that pgprov did not make (system identifier ${data.systemIdentifier ?? 'unreadable'})`,
      hint: 'give postgresql.data_dir or postgresql.name another value; pgprov never touches data that it did not make',
    },
  ];
}

/**
 * A member of a cluster that is led elsewhere, on data of the version that is wanted: it fails by itself (see `soundData`), and holds up
 * nobody.
 */
function isLoneReplica(view: View, host: Host): boolean {
  if (topologyOf(host) !== 'patroni') return false;
  const others = view.hosts('patroni').filter(({ name }) => name !== host.name);
  const leader = leaderInStore(
    view,
    others.map(({ name }) => name),
  );
  const led = view.read(leader ?? '', DATA_DIRECTORY);
  return leader !== host.name && led?.kind === 'cluster' && led.version === String(variables(host, 'postgresql').version);
}

/** Under Patroni it is Patroni that tells of it. */
function standalonePending(view: View, host: Host): StatusLine[] {
  const names = view.read(host.name, PENDING_RESTART) ?? [];
  const platform = view.platform(host.name);
  if (names.length === 0 || platform === undefined || topologyOf(host) === 'patroni') return [];
  const { version, name } = variables(host, 'postgresql');
  const way =
    topologyOf(host) === 'streaming'
      ? pgprov`restart ${view.inventory} --pending`
      : `\`systemctl restart ${platform.postgresql(version).unit(name)}\`, as root there,`;
  return [{ level: 'warning', text: `a restart is pending for ${enumerate(names)}; ${way} does it` }];
}

function checkHost(view: View, host: Host): CheckResult[] {
  const data = view.read(host.name, DATA_DIRECTORY);
  if (data === undefined) return [];
  const checksums = data.kind === 'cluster' ? data.checksums : undefined;
  const detail = data.kind === 'cluster' ? `data page checksum version ${checksums ?? 'unknown'}` : `the data directory is ${data.kind}`;
  return [{ title: 'data checksums are on', ok: checksums === 1, detail, host: host.name }];
}

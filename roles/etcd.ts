import { isIP } from 'node:net';
import {
  defineRole,
  directory,
  enumerate,
  ETCD_MEMBER,
  etcdDatabase,
  etcdEnvironment,
  etcdJoined,
  etcdMember,
  etcdRunning,
  etcdVotes,
  onlyThoroughly,
  service,
  settingsText,
  tlsResources,
  unitInForce,
  fileHandle,
  serviceHandle,
  type CheckResult,
  type Host,
  type ClusterCredentials,
  type Objection,
  type RoleContext,
  type Stage,
  type UnitInForce,
  type View,
} from '../src/index.js';
import { guardChanges, unknownMembers, whatRuns } from './shared/changes.js';
import { etcdClient } from './shared/etcd/client.js';
import { etcdDataDirectory } from './shared/etcd/data-directory.js';
import { databaseLines } from './shared/etcd/database.js';
import { quorumGate } from './shared/etcd/health.js';
import { memberHandshakes, memberUsesItsFiles, seenByNextMember } from './shared/etcd/handshakes.js';
import { etcdSaves } from './shared/etcd/saves.js';
import { timingProblems } from './shared/etcd/timing.js';
import { etcdStrangers, membersDrift, membershipObjections, membershipEffects } from './shared/etcd/members-change.js';
import { peerUrl } from './shared/etcd/peer-url.js';
import { guardTakenRole } from './shared/etcd/without-role.js';
import { etcdUnitGuard } from './shared/etcd/unit-guard.js';
import { guardRevoked, revocationFile, revocationList } from './shared/etcd/refusing.js';
import { besidesNewcomers, membershipOf, ofNewcomers } from './shared/etcd/membership.js';
import { hostPort, hostsWith, tlsCopies, tlsFiles } from './shared/layout.js';
import { quorumElsewhere } from './shared/elsewhere.js';
import { foreignAuthority, madeForOther } from './shared/other-cluster.js';
import { reachesPeers } from './shared/peers.js';
import { holdStage, pinned, programOf, versionLines } from './shared/programs.js';
import { variables } from './shared/variables.js';
import { installation, unitPackage } from './shared/packages.js';
import { ETCD_VARIABLES } from './shared/sections/etcd.js';

/** The first line of every file that pgprov writes whole. */
const MANAGED = '# Managed by pgprov';

export default defineRole({
  name: 'etcd',
  description: 'An etcd member on every host: TLS for clients and peers, client certificates required, a quorum formed all at once.',
  isStore: true,
  variables: ETCD_VARIABLES,
  problems: timingProblems,
  ports: (host) => {
    const { client_port, peer_port } = variables(host, 'etcd');
    const shared = { units: ['etcd.service'], openTo: { members: true } } as const;
    return [
      { port: client_port, what: 'etcd clients', usedBy: ['etcd', 'patroni'], ...shared },
      { port: peer_port, what: 'etcd peers', usedBy: ['etcd'], ...shared },
    ];
  },
  inspections: (context) => [memberHandshakes(context)],
  observations: (context) => [
    whatRuns(context),
    etcdRunning(context.platform.etcd.environmentFile),
    etcdMember(etcdClient(context, files(context)), etcdDataDirectory(context)),
    etcdDatabase(etcdClient(context, files(context))),
    onlyThoroughly(programOf(context, 'etcd')),
    reachesPeers(context.host, context.inventory),
  ],
  saves: (context, about) => etcdSaves(context, etcdDataDirectory(context), about),
  tls: () => ({ copies: ({ etcd }) => tlsCopies(etcd), inUse: memberUsesItsFiles }),
  // Debian's package enables it at once; until it is configured it would come up at boot as a cluster of its own.
  install: ({ host, platform: { etcd } }) =>
    installation(
      { host },
      { what: 'etcd', packages: etcd.packages, ...pinned(variables(host, 'etcd').version, etcd.packages), disable: [etcd.unit] },
    ),
  stages: (context) => [...holdStage(context, 'etcd'), ...configureAndStart(context)],
  preflight: (view) => [...membershipObjections(view), ...view.hosts('etcd').flatMap((host) => overridden(view, host))],
  missingPrerequisites: quorumElsewhere,
  guards: (view, credentials) => [
    ...guardTakenRole(view),
    ...guardChanges(view, 'etcd'),
    ...view.hosts('etcd').flatMap((host) => [...guardConfiguration(view, host), ...guardAuthority(view, host, credentials)]),
  ],
  outdated: (view, credentials) => view.hosts('etcd').flatMap((host) => guardList(view, host, credentials)),
  strangers: (view, bears) => unknownMembers(view, 'etcd', { bears, others: etcdStrangers }),
  effects: membershipEffects,
  drift: membersDrift,
  status: (view, host) => [...databaseLines(view, host), ...versionLines(view, host, 'etcd', 'etcd')],
  checks: (view) => view.hosts('etcd').flatMap((host) => checkHost(view, host)),
  remarks: (view, name) =>
    view
      .hosts('etcd')
      .filter((host) => host.name === name)
      .flatMap((host) =>
        (inForceOf(view, host)?.dropIns ?? []).map((path) => `etcd’s unit has a drop-in that pgprov does not know: ${path}`),
      ),
});

function files({ platform }: RoleContext): ReturnType<typeof tlsFiles> {
  return tlsFiles(platform.etcd);
}

function configureAndStart(context: RoleContext): Stage[] {
  const { platform, template } = context;
  const { user, group, unit, environmentFile } = platform.etcd;
  const tls = tlsResources(context, tlsCopies(platform.etcd));
  const wanted = settings(context);
  const membership = membershipOf(context);
  const environment = etcdEnvironment({
    path: environmentFile,
    content: template('etcd/etcd.env', { settings: wanted }),
    dataDirectory: etcdDataDirectory(context),
  });
  const inForce = unitInForce({
    unit,
    environmentFile,
    variables: { ...lasting(wanted), ETCD_CONFIG_FILE: undefined },
    variableOf: (option) => `ETCD_${option.toUpperCase().replaceAll('-', '_')}`,
  });
  // etcd reads its certificate and key anew for every connection, but its authorities only when it starts.
  const list = revocationList(context);
  const brought = [tls.authority, ...tls.pair, ...(list === undefined ? [] : [list.kept])];
  const running = service({
    unit,
    cluster: context.inventory.cluster,
    restartOn: [tls.authority, environment],
    noBlock: true,
    inForce,
    broughtBy: unitPackage(platform, platform.etcd.packages),
  });
  const start = {
    crossing: 'rolling',
    unitGuard: etcdUnitGuard(context, etcdDataDirectory(context)),
    gates: [quorumGate(context)],
  } as const;
  return [
    {
      name: 'configure',
      title: 'configure etcd',
      crossing: 'independent',
      resources: [
        tls.directory,
        directory({ path: etcdDataDirectory(context), owner: user, group, mode: '0700' }),
        ...(list === undefined ? [] : [list.first]),
        environment,
      ],
    },
    besidesNewcomers(context, {
      ...start,
      name: 'start',
      title: 'start etcd',
      resources: [...brought, running],
      proofs: seenByNextMember(context),
    }),
    ofNewcomers(context, {
      ...start,
      name: 'join',
      title: 'join etcd',
      resources: [...brought, etcdJoined(membership), running, etcdVotes(membership)],
    }),
  ];
}

/** etcd's environment; names as in its documentation. */
function settings(context: RoleContext): Record<string, string> {
  const { host, inventory } = context;
  const { client_port, peer_port, heartbeat_interval, election_timeout, quota_backend_bytes } = variables(host, 'etcd');
  const { ca, certificate, key } = files(context);
  const listen = isIP(host.clusterAddress) === 0 ? '0.0.0.0' : host.clusterAddress;
  const own = `https://${hostPort(listen, client_port)}`;
  return {
    ETCD_NAME: host.name,
    ETCD_DATA_DIR: etcdDataDirectory(context),
    ETCD_LISTEN_CLIENT_URLS: listen === '0.0.0.0' ? own : `${own},https://127.0.0.1:${client_port}`,
    ETCD_ADVERTISE_CLIENT_URLS: `https://${hostPort(host.clusterAddress, client_port)}`,
    ETCD_LISTEN_PEER_URLS: `https://${hostPort(listen, peer_port)}`,
    ETCD_INITIAL_ADVERTISE_PEER_URLS: peerUrl(host),
    ETCD_INITIAL_CLUSTER: hostsWith(inventory, 'etcd')
      .map((member) => `${member.name}=${peerUrl(member)}`)
      .join(','),
    ETCD_INITIAL_CLUSTER_STATE: 'new',
    ETCD_INITIAL_CLUSTER_TOKEN: inventory.cluster,
    ETCD_CERT_FILE: certificate,
    ETCD_KEY_FILE: key,
    ETCD_TRUSTED_CA_FILE: ca,
    ETCD_CLIENT_CERT_AUTH: 'true',
    // Peers have none: who was taken out is refused there by its member's ID, and ends when it hears that.
    ...(context.credentials.revocationList === undefined ? {} : { ETCD_CLIENT_CRL_FILE: revocationFile(context.platform.etcd) }),
    ETCD_PEER_CERT_FILE: certificate,
    ETCD_PEER_KEY_FILE: key,
    ETCD_PEER_TRUSTED_CA_FILE: ca,
    ETCD_PEER_CLIENT_CERT_AUTH: 'true',
    ETCD_HEARTBEAT_INTERVAL: String(heartbeat_interval),
    ETCD_ELECTION_TIMEOUT: String(election_timeout),
    ETCD_QUOTA_BACKEND_BYTES: String(quota_backend_bytes),
    ETCD_AUTO_COMPACTION_MODE: 'periodic',
    ETCD_AUTO_COMPACTION_RETENTION: '1h',
    ETCD_LOGGER: 'zap',
  };
}

/** Settings that count for a member that has its data. */
function lasting(all: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith('ETCD_INITIAL_')));
}

/** A drop-in, or a unit file of somebody's, that makes of etcd something else than its configuration says: a restart would not fix it. */
function overridden(view: View, host: Host): Objection[] {
  const inForce = inForceOf(view, host);
  if (inForce === undefined || inForce.next.length === 0) return [];
  const from = inForce.dropIns.length === 0 ? 'its unit' : enumerate(inForce.dropIns);
  return [
    {
      kind: 'preflight',
      host: host.name,
      message: `${host.name}: ${from} overrides the configuration of etcd, which so starts with other settings: ${settingsText(inForce.next)}`,
      hint: 'pgprov leaves drop-ins alone: take out what overrides etcd’s settings, run `systemctl daemon-reload` there, then run again',
    },
  ];
}

function inForceOf(view: View, host: Host): UnitInForce | undefined {
  return view.read(host.name, serviceHandle(view.platform(host.name)?.etcd.unit ?? ''))?.inForce;
}

/** An etcd that somebody else configured, or that belongs to another of our clusters, is left alone. */
function guardConfiguration(view: View, host: Host): Objection[] {
  const text = fileText(view, host, view.platform(host.name)?.etcd.environmentFile);
  const name = setting(text, 'ETCD_NAME');
  const token = setting(text, 'ETCD_INITIAL_CLUSTER_TOKEN');
  const managed = text.startsWith(MANAGED);
  // EL's package comes with the example of a member called `default`.
  if (name === undefined || (name === 'default' && !managed)) return [];
  if (!managed) {
    return [
      {
        kind: 'refuse',
        host: host.name,
        message: `${host.name} is configured as a member of an etcd cluster that pgprov did not make (ETCD_NAME=${name})`,
        hint: 'leave that etcd alone and give the cluster other hosts, or remove it yourself if it is not needed',
      },
    ];
  }
  return madeForOther(view, host, token);
}

function guardAuthority(view: View, host: Host, credentials: ClusterCredentials): Objection[] {
  const platform = view.platform(host.name);
  const ca = fileText(view, host, platform === undefined ? undefined : tlsFiles(platform.etcd).ca);
  return view.read(host.name, ETCD_MEMBER)?.hasData === true ? foreignAuthority(view, host, ca, credentials) : [];
}

/** The list of a store that knows less than the hosts would let in who was taken out. */
function guardList(view: View, host: Host, credentials: ClusterCredentials): Objection[] {
  const platform = view.platform(host.name);
  const text = fileText(view, host, platform?.etcd.environmentFile);
  if (platform === undefined || !text.startsWith(MANAGED)) return [];
  const path = revocationFile(platform.etcd);
  return setting(text, 'ETCD_CLIENT_CRL_FILE') === path ? guardRevoked(view, host, credentials, path) : [];
}

function fileText(view: View, host: Host, path: string | undefined): string {
  const state = path === undefined ? undefined : view.read(host.name, fileHandle(path));
  return state?.type === 'file' ? state.content.toString('utf8') : '';
}

function setting(text: string, name: string): string | undefined {
  return new RegExp(`^\\s*${name}="?([^"\\n]*)"?`, 'mu').exec(text)?.[1];
}

/** What a client without a certificate was told; one that is told nothing in time may be told later. */
const CLIENT_CERTIFICATE_WORDS = {
  true: 'refused in the TLS handshake',
  false: 'it accepted a client without a certificate',
  undefined: 'it did not answer one without a certificate in time',
} as const;

function checkHost(view: View, host: Host): CheckResult[] {
  const member = view.read(host.name, ETCD_MEMBER);
  if (member === undefined) return [];
  const count = `${member.members.length} members`;
  const inForce = inForceOf(view, host);
  const different = [...(inForce?.running ?? []), ...(inForce?.next ?? [])];
  return [
    ...(inForce === undefined
      ? []
      : [
          {
            title: 'etcd runs with its settings',
            ok: different.length === 0,
            detail: different.length === 0 ? 'as its process has them' : settingsText(different),
            host: host.name,
          },
        ]),
    {
      title: 'etcd is healthy',
      ok: member.healthy,
      detail: member.healthy ? count : 'the member does not answer or has no quorum',
      host: host.name,
      settles: true,
    },
    {
      title: 'etcd requires client certificates',
      ok: member.requiresClientCertificate === true,
      detail: CLIENT_CERTIFICATE_WORDS[String(member.requiresClientCertificate) as 'true' | 'false' | 'undefined'],
      host: host.name,
      ...(member.requiresClientCertificate === undefined ? { settles: true as const } : {}),
    },
  ];
}

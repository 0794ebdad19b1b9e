import { dirname } from 'node:path/posix';
import {
  answerText, DCS, dcs, defineRole, digestOf, directory, enabledAfterFirstStart, file, findRows, firstConfiguration, gate, inConcert, interruptedBootstrap, interruptedCopy, joinScripts, leads, MAINTENANCE, notesFirstStart, patroniAnew,
  patroniConfig, PATRONI_MEMBER, patroniMember, patroniQuestion, pgpassPasswords, pgRole, psql, reachability, readMember, Secret, service, sh, soundData, sqlQuestion, tellShared, wakeLeader,
  type CheckResult, type DcsState, type FirstStart, type Gate, type JsonObject, type Objection, type PatroniConfigState, type PatroniMemberState, type Resource, type RoleContext, type Stage, type View,
} from '../src/index.js';
import { replicationAccount } from './shared/accounts.js';
import { dynamicConfiguration, hostParameters } from './shared/dynamic.js';
import { guardChanges, whatRuns } from './shared/changes.js';
import { DYNAMIC_PROPERTIES, dynamicProblems } from './shared/dynamic-schema.js';
import { mixedCollations } from './shared/collations.js';
import { dropIn } from './shared/drop-in.js';
import { etcdAgreement } from './shared/etcd-agreement.js';
import { leaderElsewhere } from './shared/elsewhere.js';
import { letInByMembers } from './shared/handshakes.js';
import { localLines, memberLines } from './shared/hba.js';
import { memberPeers } from './shared/member-ports.js';
import { accountsOf, dataDirectoryOf, etcdClient, etcdEndpoints, hostPort, hostsWith, localServer, restApiUrl, scopeOf, scopePrefix, tlsFiles } from './shared/layout.js';
import { guardLeftMembers } from './shared/left-members.js';
import { databasePassword, REST_PASSWORD } from './shared/logins.js';
import { guardCluster } from './shared/patroni-guards.js';
import { guardKept } from './shared/kept-passwords.js';
import { guardPasswords } from './shared/password-guards.js';
import { pendingRestarts, restartParameters } from './shared/pending-restarts.js';
import { PASSWORD, ROLE_NAME } from './shared/schemas.js';
import { dataLabel, portLabel } from './shared/selinux.js';
import { patroniUnitGuard } from './shared/second-member.js';
import { receiverPasswordFile, settingsGate } from './shared/settings-gate.js';
import { tlsResources } from './shared/tls.js';
import { variables } from './shared/variables.js';
import { missingWatchdog, requiredWatchdog } from './shared/watchdog.js';
import { installation } from './shared/packages.js';

/** Journal lines of Patroni and PostgreSQL that more waiting will not mend. */
const HOPELESS = [
  'system ID mismatch',
  'CERTIFICATE_VERIFY_FAILED',
  'certificate verify failed',
  'x509',
  'no pg_hba.conf entry',
  'pg_hba.conf rejects',
  'password authentication failed',
  'Address already in use',
  'could not bind',
  'has invalid permissions',
  'has wrong ownership',
  'Permission denied',
  'EtcdKeyNotFound|EtcdException.*404',
  'removing initialize key after failed attempt',
  'No space left on device',
  'PANIC: ',
  'invalid value for parameter',
  'could not (create|map) (shared memory|anonymous shared memory)',
  'unrecognized configuration parameter',
];

export default defineRole({
  name: 'patroni',
  description: 'Patroni runs PostgreSQL on every host: the chosen leader first, then the replicas side by side until they stream.',
  requires: ['postgresql', 'replication'],
  variables: {
    type: 'object',
    description: 'High availability: who leads, when a member counts as lost, and what the members agree on.',
    properties: {
      scope: { change: 'recreate', type: 'string', pattern: '^[A-Za-z0-9_.-]+$', scope: 'cluster', description: 'Name of the cluster in etcd. Default: the inventory’s `cluster`.' },
      namespace: { change: 'recreate', type: 'string', pattern: '^/[A-Za-z0-9_./-]*$', expects: 'a path such as /service/', default: '/service/', scope: 'cluster', description: 'Prefix of the keys in etcd.' },
      ttl: { change: 'reload', type: 'integer', minimum: 20, default: 30, scope: 'cluster', description: 'Seconds that the leader’s lease lasts. At least loop_wait + 2 × retry_timeout.' },
      loop_wait: { change: 'reload', type: 'integer', minimum: 1, default: 10, scope: 'cluster', description: 'Seconds between two rounds of a member’s loop.' },
      retry_timeout: { change: 'reload', type: 'integer', minimum: 3, default: 10, scope: 'cluster', description: 'Seconds for which etcd and PostgreSQL are tried again before a leader gives up.' },
      maximum_lag_on_failover: { change: 'reload', type: 'integer', minimum: 0, default: 1048576, scope: 'cluster', description: 'Bytes that a replica may be behind and still become leader.' },
      synchronous_mode: { change: 'reload', type: 'boolean', default: false, scope: 'cluster', description: 'Commits wait for a synchronous standby, and only such a one is promoted.' },
      synchronous_mode_strict: { change: 'reload', type: 'boolean', default: false, scope: 'cluster', description: 'With synchronous_mode: no writes at all while no synchronous standby is there.' },
      watchdog: { change: 'reload', type: 'string', enum: ['off', 'automatic', 'required'], default: 'automatic', description: 'Whether a leader is reset by a watchdog when it hangs.' },
      watchdog_device: { change: 'reload', type: 'string', pattern: '^/dev/[A-Za-z0-9_-]+$', default: '/dev/watchdog', description: 'The watchdog device.' },
      tags: {
        change: 'reload',
        type: 'object',
        additionalProperties: { type: ['string', 'number', 'boolean'] },
        propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]*$' },
        default: {},
        additive: true,
        examples: [{ nofailover: true }],
        description: 'Tags of a member, e.g. nofailover, noloadbalance, clonefrom.',
      },
      restapi_port: { change: 'recreate', type: 'integer', minimum: 1, maximum: 65535, default: 8008, scope: 'cluster', description: 'TCP port of the REST API.' },
      restapi_username: { change: 'reload', ...ROLE_NAME, default: 'patroni', description: 'User for the REST API’s unsafe endpoints.' },
      restapi_password: { change: 'reload', ...PASSWORD, description: 'Its password. Generated on first use when not given.' },
      rewind_username: { change: 'recreate', ...ROLE_NAME, default: 'rewind_user', description: 'Role for pg_rewind.' },
      rewind_password: { change: 'reload', ...PASSWORD, description: 'Its password. Generated on first use when not given.' },
      dynamic: {
        change: 'context',
        type: 'object',
        properties: DYNAMIC_PROPERTIES,
        default: {},
        scope: 'cluster',
        additive: true,
        examples: [{ failsafe_mode: true }],
        description: 'More of Patroni’s dynamic configuration, merged over what the other variables give.',
      },
    },
  },
  problems: dynamicProblems,
  observations: (context) => [
    whatRuns(context),
    restartParameters(context),
    ...requiredWatchdog(context),
    patroniMember(restApiUrl(context.host)),
    dcs(etcdClient(context, files(context)), scopePrefix(context.inventory, context.host)),
    reachability(memberPeers(context.host, context.inventory)),
  ],
  // Until the member has its data it must not start at boot: after a power failure in the middle of initdb Patroni would take
  // the half-made cluster for a whole one.
  install: ({ host, platform: { patroni } }) => installation({ host }, { what: 'Patroni', packages: patroni.packages, disable: [patroni.unit] }),
  stages: (context) => [configure(context), start(context), enable(context), settle(context)],
  passwords: () => [
    databasePassword('superuser', 'postgresql.superuser_password', 'superuser'),
    databasePassword('rewind', 'patroni.rewind_password', 'rewind'),
    REST_PASSWORD,
  ],
  preflight: (view) => [...missingWatchdog(view), ...timing(view), ...mixedCollations(view)],
  needs: leaderElsewhere,
  guards: (view, material) => [...guardChanges(view, 'patroni'), ...guardLeftMembers(view), ...guardCluster(view), ...guardKept(view, material, 'patroni'), ...guardPasswords(view, material)],
  notices: (view) => (isPaused(view) ? [MAINTENANCE] : []),
  effects: (view) => pendingRestarts(view),
  checks: (view) => checkCluster(view),
  remarks: (view, host) => {
    const member = view.read<PatroniMemberState>(host, PATRONI_MEMBER);
    return member?.answers === true && member.pendingRestart
      ? [`Patroni holds a restart pending; \`patronictl restart ${member.scope} ${host}\` carries it out`]
      : [];
  },
});

/** True in maintenance mode, as etcd has it. */
function isPaused(view: View): boolean {
  return view.hosts('patroni').some((host) => {
    const store = view.read<DcsState>(host.name, DCS);
    return store?.reachable === true && store.config?.['pause'] === true;
  });
}

function files({ platform }: RoleContext): ReturnType<typeof tlsFiles> {
  return tlsFiles(platform.patroni);
}

function configure(context: RoleContext): Stage {
  const { host, platform } = context;
  const { user, group } = platform.patroni;
  const server = localServer(host, platform);
  const data = dataDirectoryOf(host, platform);
  const ownership = { owner: user, group, mode: '0700' };
  const bootstrap = interruptedBootstrap({
    ...firstStart(context),
    binDirectory: server.binDirectory,
    first: host.name === context.inventory.leader,
    unit: platform.patroni.unit,
    configFile: platform.patroni.configFile,
    ownership,
    url: restApiUrl(host),
    client: etcdClient(context, files(context)),
    prefix: scopePrefix(context.inventory, host),
  });
  return {
    name: 'configure',
    title: 'configure Patroni',
    crossing: 'independent',
    resources: [
      tlsResources(context, files(context), { owner: user, group }).directory,
      ...dataParent(context),
      interruptedCopy({ path: data, ownership, binDirectory: server.binDirectory }),
      bootstrap,
      soundData({ path: data, version: variables(host, 'postgresql').version, user, group, seen: bootstrap }),
      directory({ path: data, ...ownership, orMode: '0750', ifThere: platform.postgresql(variables(host, 'postgresql').version).packagedData === data }),
      ...dataLabel(host, platform),
      ...portLabel(host, platform),
      ...simpleUnit(context),
    ],
    gates: etcdAgreement(context),
  };
}

/** How the host notes that Patroni is started there for the first time. */
function firstStart({ host, inventory, platform }: RoleContext): FirstStart {
  return { scope: scopeOf(inventory, host), member: host.name, path: dataDirectoryOf(host, platform) };
}

/** The roles that the members know each other by, and the files that hold their passwords. */
function accounts(context: RoleContext): Resource[] {
  const server = localServer(context.host, context.platform);
  const { superuser, rewind } = accountsOf(context);
  return [
    pgRole({ server, ...superuser, attributes: ['SUPERUSER'], madeBy: 'patroni' }),
    pgRole({ server, ...rewind, attributes: [], madeBy: 'patroni' }),
    ...replicationAccount(context),
    inConcert(configFile(context)),
  ];
}

function simpleUnit({ platform, template }: RoleContext): Resource[] {
  const { simpleDropIn } = platform.patroni;
  return simpleDropIn === undefined ? [] : dropIn(simpleDropIn, template('patroni/simple.conf', {}));
}

/**
 * Where the platform's own layout is used, the directory above the data belongs to PostgreSQL: Patroni has
 * to remove and make the data directory when it builds a member anew.
 */
function dataParent({ host, platform }: RoleContext): Resource[] {
  const { version, data_dir } = variables(host, 'postgresql');
  const { user, group } = platform.patroni;
  if (data_dir !== undefined) return [];
  const { dataDirectory, packagedData } = platform.postgresql(version);
  const data = dataDirectory(variables(host, 'postgresql').name);
  return [directory({ path: dirname(data), owner: user, group, orMode: '0700', ifThere: packagedData === data })];
}

function configFile(context: RoleContext): Resource {
  const { platform } = context;
  const { user, group, configFile: path } = platform.patroni;
  return file({ path, owner: user, group, mode: '0600', content: renderConfig(context, firstConfiguration(dynamicConfiguration(context))) });
}

function renderConfig(context: RoleContext, bootstrap: JsonObject): string {
  const { host, inventory, platform, template } = context;
  const { version, port, hba, encoding, locale } = variables(host, 'postgresql');
  const { restapi_port, namespace, watchdog, watchdog_device, tags } = variables(host, 'patroni');
  const { superuser, replication, rewind, restApi } = accountsOf(context);
  const { binDirectory, socketDirectory } = platform.postgresql(version);
  const open = ({ name, password }: { name: string; password: Secret }): object => ({ name, password: password.reveal() });
  return template('patroni/patroni.yml', {
    scope: scopeOf(inventory, host),
    namespace,
    name: host.name,
    restapi: {
      listen: host.clusterAddress.includes(':') ? `[::]:${restapi_port}` : `0.0.0.0:${restapi_port}`,
      connectAddress: hostPort(host.clusterAddress, restapi_port),
      username: restApi.name,
      password: restApi.password.reveal(),
    },
    etcd: {
      hosts: etcdEndpoints(inventory, host).map((url) => url.replace(/^https:\/\//u, '')),
      ca: files(context).ca,
      certificate: files(context).certificate,
      key: files(context).key,
    },
    dcs: bootstrap,
    initdb: [{ encoding }, { locale }, { 'lc-messages': 'C' }, 'data-checksums'],
    postgresql: {
      listen: `*:${port}`,
      connectAddress: hostPort(host.clusterAddress, port),
      dataDirectory: dataDirectoryOf(host, platform),
      binDirectory,
      pgpass: receiverPasswordFile(context),
      parameters: { unix_socket_directories: socketDirectory, ...hostParameters(context) },
      hba: [
        ...localLines(replication.name),
        ...memberLines(inventory, 'patroni', { replication: replication.name, rewind: rewind.name, superuser: superuser.name }),
        ...hba,
      ],
    },
    superuser: open(superuser),
    replication: open(replication),
    rewind: open(rewind),
    watchdog: { mode: watchdog, device: watchdog === 'off' ? '' : watchdog_device },
    tags,
  });
}

function start(context: RoleContext): Stage {
  const { platform } = context;
  const { user, group, unit } = platform.patroni;
  const tls = tlsResources(context, files(context), { owner: user, group });
  // The bootstrap section counts only for a cluster that does not exist yet, so a change of it is no reason to reload.
  const live = digestOf(renderConfig(context, {}));
  return {
    name: 'start',
    title: 'start Patroni',
    crossing: 'rolling',
    leaderFirst: true,
    // Patroni reads its files anew for every connection to etcd, so it need not be told.
    // Accounts first: members that wait for a new password are to do so soon after each other.
    resources: [
      ...accounts(context),
      tls.authority,
      ...tls.pair,
      patroniAnew({ unit, url: restApiUrl(context.host), path: dataDirectoryOf(context.host, platform), binDirectory: localServer(context.host, platform).binDirectory, user }),
      notesFirstStart(service({ unit, enable: false, reloadOn: [{ digest: () => live }] }), firstStart(context)),
    ],
    proofs: letInByMembers(context, platform.patroni),
    unitGuard: patroniUnitGuard(context),
    gates: [memberGate(context), settingsGate(context)],
  };
}

function enable(context: RoleContext): Stage {
  const { platform } = context;
  const { replication, rewind } = accountsOf(context);
  return {
    name: 'enable',
    title: 'enable Patroni',
    crossing: 'independent',
    resources: [
      enabledAfterFirstStart(platform.patroni.unit),
      // A reload has Patroni write what its WAL receiver logged in with last; it looks again only when that fails.
      pgpassPasswords(receiverPasswordFile(context), [replication, rewind].map(({ name: user, password }) => ({ user, password }))),
    ],
  };
}

/** Open when the member leads with the lock, or is a standby whose WAL receiver streams. */
function memberGate(context: RoleContext): Gate {
  const { host, inventory, platform } = context;
  const { restApi } = accountsOf(context);
  const url = restApiUrl(host);
  const receiver = "SELECT CASE WHEN pg_is_in_recovery() THEN coalesce((SELECT status FROM pg_stat_wal_receiver), 'not streaming yet') ELSE 'primary without the leader lock' END";
  const rest = patroniQuestion(url);
  const rows = sqlQuestion(localServer(host, platform), receiver);
  return gate({
    name: 'patroni-member',
    title: `${host.name} leads or streams`,
    unit: platform.patroni.unit,
    hopeless: HOPELESS,
    timeout: 300,
    // The leader makes a new member's replication slot when its loop comes round, and a receiver that finds none tries
    // again only after five seconds.
    nudge: wakeLeader({ urls: hostsWith(inventory, 'patroni').filter(({ name }) => name !== host.name).map(restApiUrl), user: restApi.name, password: restApi.password }),
    // Whoever does not hold the lock says there as well what it is about.
    check: sh`command -v curl >/dev/null || exit 1
answer=$(curl -s -m 2 -w ' %{http_code}' ${`${url}/leader`})
case "$answer" in
*' 200')
echo leader
exit 0
;;
*'"state": "running"'*|*'"state": "streaming"'*) ;;
*)
printf %s "$answer" | sed -n 's/.*"state": "\([^"]*\)".*/PostgreSQL: \1/p'
exit 1
;;
esac
receiver=$(${psql(localServer(host, platform), ['-c', receiver])} 2>/dev/null)
echo "$receiver"
[ "$receiver" = streaming ]`,
    look: {
      shares: [rest, rows],
      probe: () => joinScripts([tellShared(rest), tellShared(rows)]),
      parse: (answer) => {
        const text = answerText(answer);
        const member = readMember(text, url);
        if (leads(member, host.name)) return { open: true, seen: 'leader' };
        const state = member.answers ? member.state : '';
        const [seen = ''] = findRows(text, receiver) ?? [];
        return { open: (state === 'running' || state === 'streaming') && seen === 'streaming', seen: seen || state };
      },
    },
  });
}

/** Dynamic configuration is one for the cluster, and any member of the run whose Patroni answers can carry it out, whoever leads. */
function settle(context: RoleContext): Stage {
  const { host, inventory } = context;
  const { restApi } = accountsOf(context);
  const configuration = patroniConfig({
    url: restApiUrl(host),
    scope: scopeOf(inventory, host),
    user: restApi.name,
    password: restApi.password,
    desired: dynamicConfiguration(context),
  });
  return {
    name: 'settle',
    title: 'set the dynamic configuration',
    crossing: 'independent',
    byOne: (states) => (states.get(configuration.id) as PatroniConfigState | undefined)?.answers === true,
    resources: [configuration],
  };
}

/** Patroni adjusts a lease that is too short by itself and silently; better to say so. */
function timing(view: View): Objection[] {
  const [host] = view.hosts('patroni');
  if (host === undefined) return [];
  const { ttl, loop_wait, retry_timeout } = variables(host, 'patroni');
  const least = loop_wait + 2 * retry_timeout;
  if (ttl >= least) return [];
  return [
    {
      kind: 'preflight',
      message: `patroni.ttl is ${ttl} s, but loop_wait + 2 × retry_timeout is ${least} s: a leader would lose its lease while it still tries`,
      hint: `raise patroni.ttl to at least ${least}, or lower the other two`,
    },
  ];
}

function checkCluster(view: View): CheckResult[] {
  const hosts = view.hosts('patroni');
  const members = hosts.map((host) => ({ host, state: view.read<PatroniMemberState>(host.name, PATRONI_MEMBER) }));
  const answering = members.flatMap(({ host, state }) => (state?.answers === true ? [{ host, state }] : []));
  const cluster = answering[0]?.state.cluster ?? [];
  const leader = cluster.find(({ role }) => role === 'leader' || role === 'master');
  if (hosts.length === 0) return [];
  const running = members.map(({ host, state }): CheckResult => ({
    title: 'Patroni’s member runs',
    ok: state?.answers === true && (state.state === 'running' || state.state === 'streaming'),
    detail: state?.answers === true ? `${state.role}, ${state.state}, timeline ${state.timeline ?? '?'}` : 'the REST API does not answer',
    host: host.name,
  }));
  const leading = answering.find(({ host }) => host.name === leader?.name)?.state;
  return [
    { title: 'the cluster has a leader', ok: leader !== undefined, detail: leader?.name ?? 'none holds the lock' },
    ...running,
    ...(leading === undefined ? [] : streaming(view, leading)),
  ];
}

function streaming(view: View, leading: Extract<PatroniMemberState, { answers: true }>): CheckResult[] {
  const connected = new Set(leading.replication.filter(({ state }) => state === 'streaming').map(({ application }) => application));
  const seen = leading.replication.map(({ application, state }) => `${application} ${state}`).join(', ') || 'none';
  return view
    .hosts('patroni')
    .filter((host) => view.read<PatroniMemberState & { role?: string }>(host.name, PATRONI_MEMBER)?.role === 'replica')
    .map((host) => ({
      title: 'the replica streams',
      ok: connected.has(host.name),
      detail: connected.has(host.name) ? 'as the leader sees it' : `the leader has no streaming connection of it (it has: ${seen})`,
      host: host.name,
    }));
}


import { fileHandle } from '../resources/file.js';
import type { Handle } from '../resources/handle.js';
import { serviceHandle } from '../resources/service.js';
import { X509Certificate } from 'node:crypto';
import type { Drift } from '../events.js';
import type { CertificateStatus, ClusterStatus, EtcdStatus, ServiceStatus, UnseenHost } from '../lib/cluster-status.js';
import type { PgprovError } from '../lib/errors.js';
import { redact } from '../lib/secret.js';
import { pgprov } from '../lib/pgprov-command.js';
import { topologyOf, type Host, type Inventory } from '../model/index.js';
import type { Role, TlsIdentity } from '../plan/role.js';
import { certificatePlaces } from '../plan/tls.js';
import { patronictlOn } from '../platform/index.js';
import type { View } from '../plan/view.js';
import { DATA_DIRECTORY, type DataDirectoryState } from '../resources/data-directory.js';
import { DCS, type DcsState } from '../resources/dcs.js';
import { RECORD_KEY } from '../resources/dynamic-config.js';
import { ETCD_DATABASE, type EtcdDatabase } from '../resources/etcd/database.js';
import { SERVER_REPLICATION } from '../resources/server-replication.js';
import { ETCD_MEMBER, type EtcdMemberState } from '../resources/etcd/member.js';
import type { PathState } from '../resources/file.js';
import { PATRONI_MEMBER, type PatroniMemberState } from '../resources/patroni/member.js';
import type { ServiceState } from '../resources/service.js';
import { settingsText, type UnitInForce } from '../resources/unit-in-force.js';
import { REPLICATION_LOGIN, type ReplicationLogin } from '../resources/replication-login.js';
import { STREAMING_SERVER } from '../resources/streaming/server.js';
import { isSilent, memberStatus, mostLag, unseenMember, type Reader } from './member-status.js';
import { streamingStatus } from './streaming-status.js';

const DAY = 86_400_000;

/** What a run saw of the cluster; hosts and services that it did not ask about are left out. */
export function statusSeen(inventory: Inventory, catalog: readonly Role[], view: View): Omit<ClusterStatus, 'dynamic' | 'keys'> {
  const {
    dynamic: _dynamic,
    keys: _keys,
    ...seen
  } = statusOf(inventory, catalog, view, [], { counts: ({ name }, seen) => view.read(name, seen) !== undefined });
  return seen;
}

/** What a status is read with. */
interface StatusOptions {
  /** Whether what a host was asked, or not, is to be shown; default: always. */
  counts?: (host: Host, observation: Handle<unknown>) => boolean;
  /** An operation that is not finished has members stopped, and none may be started. */
  isHeldUp?: boolean;
}

/** Reads a survey as the state of the cluster; of hosts that could not be asked it says that, once, with the reason. */
export function statusOf(
  inventory: Inventory,
  catalog: readonly Role[],
  view: View | undefined,
  errors: readonly PgprovError[],
  { counts = () => true, isHeldUp = false }: StatusOptions = {},
): ClusterStatus {
  const unseen = unseenHosts(inventory, errors);
  const isUnseen = ({ name }: Host): boolean => unseen.some(({ host }) => host === name);
  const read: Reader = (host, seen) => view?.read(host.name, seen);
  const stores = inventory.hosts.map((host) => read(host, DCS));
  const store = stores.find((state): state is Extract<DcsState, { reachable: true }> => state?.reachable === true);
  const listed = inventory.hosts
    .map((host) => read(host, PATRONI_MEMBER))
    .flatMap((member) => (member?.answers === true ? member.cluster : []));
  const patroni = inventory.hosts.filter((host) => topologyOf(host) === 'patroni');
  // A failed login to a host where nothing runs is reported once, for that host.
  const silent = new Set(inventory.hosts.filter((host) => isSilent(host, read)).map(({ clusterAddress }) => clusterAddress));
  const isLed = store?.leader !== undefined || listed.some(({ role }) => role === 'leader');
  const streaming = streamingStatus(inventory, view, { isUnseen, counts: (host) => counts(host, STREAMING_SERVER) });
  const services = view === undefined ? [] : inventory.hosts.flatMap((host) => servicesOf(host, catalog, view));
  return {
    cluster: inventory.cluster,
    inventory: inventory.file,
    scope: String(patroni[0]?.vars['patroni']?.['scope'] ?? inventory.cluster),
    ...streaming,
    ...(store?.leader === undefined ? {} : { leader: store.leader }),
    ...(store === undefined && !isLed && patroni.some((host) => read(host, PATRONI_MEMBER) === undefined)
      ? { leaderUnknown: true as const }
      : {}),
    ...(unseen.length === 0 ? {} : { unseen }),
    ...(unseen.length === inventory.hosts.length ? { allUnseen: true as const } : {}),
    ...(errors.length === 0 && isAbsent(inventory, view) ? { absent: true as const } : {}),
    ...(store?.config?.['pause'] === true ? { maintenance: true } : {}),
    ...scheduledOf(patroni.map((host) => read(host, PATRONI_MEMBER))),
    ...patronictlOf(view, patroni),
    members:
      streaming?.members ??
      patroni
        .filter((host) => counts(host, PATRONI_MEMBER))
        .map((host) =>
          isUnseen(host)
            ? unseenMember(host)
            : memberStatus(host, read, {
                listed,
                identifier: store?.initialize,
                mostLag: mostLag(store?.config),
                inventoryFile: inventory.file,
                down: notRunning(unitOf(view, host, 'patroni'), { isHeldUp, ...(isLed ? {} : { start: pgprov`start ${inventory}` }) }),
              }),
        ),
    ...(store?.lastPromotion === undefined ? {} : { lastPromotion: store.lastPromotion }),
    ...replicationOf(inventory, read),
    ...storeOf(inventory, catalog),
    etcd: inventory.hosts
      .filter((host) => host.roles.includes('etcd') && counts(host, ETCD_MEMBER))
      .map((host) =>
        isUnseen(host)
          ? { name: host.name }
          : etcdStatus(host, read(host, ETCD_MEMBER), read(host, ETCD_DATABASE), unitOf(view, host, 'etcd')),
      ),
    certificates: inventory.hosts.flatMap((host) =>
      certificateStatus(
        host,
        certificatePlaces(catalog, { hosts: [host] })
          .map(({ tls }) => certificateSeen(host, tls, view))
          .find((state) => state?.type === 'file'),
      ),
    ),
    ...(services.length === 0 ? {} : { services }),
    ...(store?.keys === undefined ? {} : { keys: store.keys.map((key) => ({ ...key, value: redact(key.value) })) }),
    ...(store?.config === undefined ? {} : { dynamic: withoutRecord(store.config) }),
    problems: [
      ...errors.filter(({ host }) => !unseen.some((entry) => entry.host === host)).map(({ message }) => message),
      ...(store?.unreadable ?? []),
      ...unknownMembers(store, patroni),
      ...inventory.hosts.flatMap((host) => loginProblems(host, read(host, REPLICATION_LOGIN), silent)),
    ],
  };
}

function scheduledOf(members: readonly (PatroniMemberState | undefined)[]): Pick<ClusterStatus, 'scheduled'> {
  const [scheduled] = members.flatMap((member) => (member?.answers === true ? (member.scheduled ?? []) : []));
  return scheduled === undefined ? {} : { scheduled };
}

/** Each host that an error is about, with the first of its reasons. */
function unseenHosts({ hosts }: Inventory, errors: readonly PgprovError[]): UnseenHost[] {
  return hosts.flatMap(({ name }) => {
    const error = errors.find(({ host }) => host === name);
    return error === undefined ? [] : [{ host: name, reason: error.message }];
  });
}

function patronictlOf(view: View | undefined, hosts: readonly Host[]): Pick<ClusterStatus, 'patronictl'> {
  const [platform] = hosts.flatMap(({ name }) => view?.platform(name) ?? []);
  return platform === undefined ? {} : { patronictl: patronictlOn(platform) };
}

/** Whether every host was looked at, and none shows anything of a cluster that is or was. */
function isAbsent({ hosts }: Inventory, view: View | undefined): boolean {
  const databases = hosts.filter(({ roles }) => roles.includes('postgresql'));
  if (view === undefined || databases.length === 0) return false;
  const hasNoData = databases.every((host) => {
    const data = view.read<DataDirectoryState>(host.name, DATA_DIRECTORY);
    const unit = unitOf(view, host, 'patroni')?.state.active;
    return (data?.kind === 'absent' || data?.kind === 'empty') && (unit === undefined || unit === 'inactive' || unit === 'failed');
  });
  return (
    hasNoData &&
    hosts.every(({ name }) => {
      const store = view.read<DcsState>(name, DCS);
      return store?.reachable === true ? store.initialize === undefined : view.read<EtcdMemberState>(name, ETCD_MEMBER)?.hasData !== true;
    })
  );
}

/** What pgprov keeps of its own among the settings is none. */
function withoutRecord({ [RECORD_KEY]: _, ...settings }: Record<string, unknown>): Record<string, unknown> {
  return settings;
}

/**
 * The status with what is in force otherwise than the inventory says.
 * @param differences how many changes an apply would make
 */
export function withDrift(status: ClusterStatus, drift: readonly Drift[], differences = 0): ClusterStatus {
  return {
    ...status,
    differences,
    problems: [...status.problems, ...drift.filter(({ waits, allowed }) => waits !== true && allowed !== true).map(driftText)],
    remarks: drift.filter(({ allowed }) => allowed === true).map(driftText),
  };
}

function driftText({ host, what, mend }: Drift): string {
  return `${host}: ${what}\n${mend}`;
}

/** A service's unit on a host, by its name. */
interface Unit {
  name: string;
  state: ServiceState;
}

function unitOf(view: View | undefined, { name: host }: Host, service: 'etcd' | 'patroni'): Unit | undefined {
  const name = view?.platform(host)?.[service].unit;
  const state = name === undefined ? undefined : view?.read(host, serviceHandle(name));
  return name === undefined || state === undefined ? undefined : { name, state };
}

/**
 * Why a service does nothing, where systemd tells, as a clause with the command that starts it.
 * @param start what starts it where the order matters: without a leader, the first member to come up would lead, whatever it lacks
 * @param isHeldUp nothing may start it now
 */
function notRunning(unit: Unit | undefined, { start, isHeldUp = false }: { start?: string; isHeldUp?: boolean } = {}): string | undefined {
  if (unit === undefined) return undefined;
  const {
    name,
    state: { active, masked, loaded },
  } = unit;
  if (!loaded && masked === undefined) return undefined;
  if (active !== 'inactive' && active !== 'failed') return undefined;
  const how = `${masked === undefined ? '' : `masked and `}${active === 'failed' ? 'failed' : 'stopped'}`;
  if (isHeldUp) return `the unit ${name} is ${how}`;
  if (start !== undefined)
    return `the unit ${name} is ${how}; ${masked === undefined ? '' : `run \`systemctl unmask ${name}\` on the host, then `}${start} starts the member with the last commits first`;
  return `the unit ${name} is ${how}; run \`${masked === undefined ? '' : `systemctl unmask ${name} && `}systemctl start ${name}\` on the host`;
}

function etcdStatus(
  host: Host,
  member: EtcdMemberState | undefined,
  database: EtcdDatabase | undefined,
  unit: Unit | undefined,
): EtcdStatus {
  if (member === undefined) return { name: host.name };
  const down = notRunning(unit);
  return {
    name: host.name,
    healthy: member.healthy,
    members: member.members.length,
    ...(member.requiresClientCertificate === undefined ? {} : { requiresClientCertificate: member.requiresClientCertificate }),
    ...(database === undefined ? {} : databaseStatus(database)),
    ...(down !== undefined ? { problem: down } : unit?.state.inForce === undefined ? {} : overrides(unit.state.inForce)),
  };
}

function databaseStatus({ id, version, leader, bytes, usedBytes, quotaBytes, alarms }: EtcdDatabase): Partial<EtcdStatus> {
  const own = alarms.filter(({ member }) => member === id).map(({ alarm }) => alarm);
  return {
    version,
    leader,
    databaseBytes: bytes,
    ...(usedBytes === undefined ? {} : { databaseUsedBytes: usedBytes }),
    ...(quotaBytes === undefined ? {} : { quotaBytes }),
    ...(own.length === 0 ? {} : { alarms: own }),
  };
}

/** The store of Patroni that hosts have the role of. */
function storeOf({ hosts }: Inventory, catalog: readonly Role[]): Pick<ClusterStatus, 'store'> {
  const role = catalog.find(({ name, isStore }) => isStore === true && hosts.some(({ roles }) => roles.includes(name)));
  return role === undefined ? {} : { store: role.name };
}

/** What the servers that answered say of replication. */
function replicationOf({ hosts }: Inventory, read: Reader): Pick<ClusterStatus, 'replication'> {
  const replication = hosts.flatMap((host) => {
    const seen = read(host, SERVER_REPLICATION);
    return seen === undefined ? [] : [{ host: host.name, ...seen }];
  });
  return replication.length === 0 ? {} : { replication };
}

function overrides({ running, next, dropIns }: UnitInForce): Pick<EtcdStatus, 'problem' | 'dropIns'> {
  const problems = [
    ...(running.length === 0 ? [] : [`it runs with other settings than its configuration: ${settingsText(running)}`]),
    ...(next.length === 0 ? [] : [`its next start would be with other settings than its configuration: ${settingsText(next)}`]),
  ];
  return { ...(problems.length === 0 ? {} : { problem: problems.join('; ') }), ...(dropIns.length === 0 ? {} : { dropIns }) };
}

function certificateSeen({ name }: Host, tls: TlsIdentity, view: View | undefined): PathState | undefined {
  const platform = view?.platform(name);
  return platform === undefined ? undefined : view?.read(name, fileHandle(tls.copies(platform).certificate));
}

/** What the roles of a host that answered say of their services. */
function servicesOf(host: Host, catalog: readonly Role[], view: View): ServiceStatus[] {
  if (!view.surveyed(host.name)) return [];
  const roles = catalog.filter(({ name }) => host.roles.includes(name));
  return roles.flatMap((role) =>
    (role.status?.(view, host) ?? []).map(({ text, level = 'ok' }) => ({ host: host.name, role: role.name, text, level })),
  );
}

function certificateStatus(host: Host, state: PathState | undefined): CertificateStatus[] {
  if (state?.type !== 'file') return [];
  try {
    const end = new Date(new X509Certificate(state.content).validTo);
    return [{ host: host.name, notAfter: end.toISOString(), daysLeft: Math.floor((end.getTime() - Date.now()) / DAY) }];
  } catch {
    return [{ host: host.name, notAfter: 'unreadable', daysLeft: 0 }];
  }
}

function unknownMembers(store: DcsState | undefined, patroni: readonly Host[]): string[] {
  if (store?.reachable !== true) return [];
  const names = new Set(patroni.map(({ name }) => name));
  return store.members.filter(({ name }) => !names.has(name)).map(({ name }) => `member ${name} is not in the inventory`);
}

function loginProblems(host: Host, logins: readonly ReplicationLogin[] | undefined, silent: ReadonlySet<string>): string[] {
  return (logins ?? []).flatMap(({ address, error }) =>
    error === undefined || silent.has(address) ? [] : [`${host.name}: the replication role cannot log in to ${address}: ${error}`],
  );
}

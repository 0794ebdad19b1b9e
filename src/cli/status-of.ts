import type { Handle } from '../resources/handle.js';
import type { Proposal } from '../engine/pass.js';
import type { Drift } from '../events.js';
import type { ClusterStatus, ServiceStatus, UnseenHost } from '../lib/cluster-status.js';
import type { PgprovError } from '../lib/errors.js';
import { redact } from '../lib/secret.js';
import { pgprov } from '../lib/pgprov-command.js';
import { notWanted, removal, topologyOf, type Host, type Inventory } from '../model/index.js';
import type { Role } from '../plan/role.js';
import { patronictlOn } from '../platform/index.js';
import type { View } from '../plan/view.js';
import { DATA_DIRECTORY, type DataDirectoryState } from '../resources/data-directory.js';
import { DCS, type DcsState } from '../resources/dcs.js';
import { RECORD_KEY } from '../resources/dynamic-config.js';
import { ETCD_DATABASE } from '../resources/etcd/database.js';
import { SERVER_REPLICATION } from '../resources/server-replication.js';
import { ETCD_MEMBER, type EtcdMemberState } from '../resources/etcd/member.js';
import { PATRONI_MEMBER, type PatroniMemberState } from '../resources/patroni/member.js';
import { REPLICATION_LOGIN, type ReplicationLogin } from '../resources/replication-login.js';
import { STREAMING_SERVER } from '../resources/streaming/server.js';
import { certificateStatus } from './certificate-status.js';
import { etcdStatus } from './etcd-status.js';
import { isSilent, memberStatus, mostLag, unseenMember, type Reader } from './member-status.js';
import { streamingStatus } from './streaming-status.js';
import { notRunning, unitOf } from './unit-status.js';

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
  /** An operation that is not finished has members stopped, and none may be started, nor what they need. */
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
                down: notRunning(
                  unitOf(view, host, ({ patroni: { unit } }) => unit),
                  { isHeldUp, ...(isLed ? {} : { start: pgprov`start ${inventory}` }) },
                ),
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
          : etcdStatus(
              host,
              read(host, ETCD_MEMBER),
              read(host, ETCD_DATABASE),
              unitOf(view, host, ({ etcd: { unit } }) => unit),
              isHeldUp,
            ),
      ),
    certificates: inventory.hosts.flatMap((host) => certificateStatus(host, catalog, view)),
    ...(services.length === 0 ? {} : { services }),
    ...(store?.keys === undefined ? {} : { keys: store.keys.map((key) => ({ ...key, value: redact(key.value) })) }),
    ...(store?.config === undefined ? {} : { dynamic: withoutRecord(store.config) }),
    problems: [
      ...errors.filter(({ host }) => !unseen.some((entry) => entry.host === host)).map(({ message }) => message),
      ...(store?.unreadable ?? []),
      ...unknownMembers(inventory, store, patroni, read),
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
    const unit = unitOf(view, host, ({ patroni: { unit } }) => unit)?.state.active;
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

/** The status with what is in force otherwise than the inventory says, and what an apply would do about it. */
export function withDrift(
  status: ClusterStatus,
  { drift, changes, refusal }: Pick<Proposal, 'drift' | 'changes' | 'refusal'>,
): ClusterStatus {
  return {
    ...status,
    differences: changes.length,
    ...(refusal === undefined ? {} : { refusal }),
    problems: [...status.problems, ...drift.filter(({ waits, allowed }) => waits !== true && allowed !== true).map(driftText)],
    remarks: drift.filter(({ allowed }) => allowed === true).map(driftText),
  };
}

function driftText({ host, what, mend }: Drift): string {
  return `${host}: ${what}\n${mend}`;
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

/** What the roles of a host that answered say of their services. */
function servicesOf(host: Host, catalog: readonly Role[], view: View): ServiceStatus[] {
  if (!view.surveyed(host.name)) return [];
  const roles = catalog.filter(({ name }) => host.roles.includes(name));
  return roles.flatMap((role) =>
    (role.status?.(view, host) ?? []).map(({ text, level = 'ok' }) => ({ host: host.name, role: role.name, text, level })),
  );
}

function unknownMembers(inventory: Inventory, store: DcsState | undefined, patroni: readonly Host[], read: Reader): string[] {
  if (store?.reachable !== true) return [];
  const names = new Set(patroni.map(({ name }) => name));
  return store.members
    .filter(({ name }) => !names.has(name))
    .map(({ name }) => {
      const host = patroni.find((each) => {
        const member = read(each, PATRONI_MEMBER);
        return member?.answers === true && member.name === name;
      });
      return host === undefined
        ? `member ${name} ${notWanted(inventory, name)}\n${removal(inventory, name)}`
        : `member ${name} is ${host.name} in the inventory\n${pgprov`rename ${inventory} --host ${name} --to ${host.name}`} gives it that name`;
    });
}

function loginProblems(host: Host, logins: readonly ReplicationLogin[] | undefined, silent: ReadonlySet<string>): string[] {
  return (logins ?? []).flatMap(({ address, error }) =>
    error === undefined || silent.has(address) ? [] : [`${host.name}: the replication role cannot log in to ${address}: ${error}`],
  );
}

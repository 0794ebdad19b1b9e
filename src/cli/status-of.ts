import { X509Certificate } from 'node:crypto';
import type { CertificateStatus, ClusterStatus, EtcdStatus, MemberStatus } from '../lib/cluster-status.js';
import type { PgprovError } from '../lib/errors.js';
import { formatBytes } from '../report/bytes.js';
import type { Host, Inventory } from '../model/index.js';
import type { View } from '../plan/view.js';
import { DATA_DIRECTORY, type DataDirectoryState } from '../resources/data-directory.js';
import { DCS, type DcsState } from '../resources/dcs.js';
import { RECORD_KEY } from '../resources/dynamic-config.js';
import { ETCD_MEMBER, type EtcdMemberState } from '../resources/etcd-member.js';
import type { PathState } from '../resources/file.js';
import { PATRONI_MEMBER, type ClusterMember, type PatroniMemberState } from '../resources/patroni-member.js';
import type { ServiceState } from '../resources/service.js';
import { settingsText, type UnitInForce } from '../resources/unit-in-force.js';
import { REPLICATION_LOGIN, type ReplicationLogin } from '../resources/replication-login.js';

const DAY = 86_400_000;

/** What a run saw of the cluster; hosts and services that it did not ask about are left out. */
export function statusSeen(inventory: Inventory, view: View): Omit<ClusterStatus, 'dynamic'> {
  const { dynamic: _dynamic, ...seen } = statusOf(inventory, view, [], ({ name }, id) => view.read(name, id) !== undefined);
  return seen;
}

/** Reads a survey as the state of the cluster; hosts that could not be asked carry the reason. */
export function statusOf(
  inventory: Inventory,
  view: View | undefined,
  errors: readonly PgprovError[],
  counts: (host: Host, observation: string) => boolean = () => true,
): ClusterStatus {
  const reasons = new Map(errors.flatMap((error) => (error.host === undefined ? [] : [[error.host, error.message] as const])));
  const read = <State>(host: Host, id: string): State | undefined => view?.read<State>(host.name, id);
  const stores = inventory.hosts.map((host) => read<DcsState>(host, DCS));
  const store = stores.find((state): state is Extract<DcsState, { reachable: true }> => state?.reachable === true);
  const listed = inventory.hosts
    .map((host) => read<PatroniMemberState>(host, PATRONI_MEMBER))
    .flatMap((member) => (member?.answers === true ? member.cluster : []));
  const patroni = inventory.hosts.filter(({ roles }) => roles.includes('patroni'));
  return {
    cluster: inventory.cluster,
    scope: String(patroni[0]?.vars['patroni']?.['scope'] ?? inventory.cluster),
    ...(store?.leader === undefined ? {} : { leader: store.leader }),
    ...(store?.config?.['pause'] === true ? { maintenance: true } : {}),
    members: patroni
      .filter((host) => counts(host, PATRONI_MEMBER))
      .map((host) => memberStatus(host, read, { listed, identifier: store?.initialize, mostLag: mostLag(store?.config) }, reasons.get(host.name))),
    etcd: inventory.hosts
      .filter((host) => host.roles.includes('etcd') && counts(host, ETCD_MEMBER))
      .map((host) => etcdStatus(host, read(host, ETCD_MEMBER), reasons.get(host.name), read<ServiceState>(host, `service:${view?.platform(host.name)?.etcd.unit}`)?.inForce)),
    certificates: inventory.hosts.flatMap((host) => certificateStatus(host, read(host, `file:${view?.platform(host.name)?.etcd.tlsDirectory}/node.crt`))),
    ...(store?.config === undefined ? {} : { dynamic: withoutRecord(store.config) }),
    problems: [
      ...errors.filter(({ host }) => host === undefined).map(({ message }) => message),
      ...(store?.unreadable ?? []).map((key) => `etcd: the value of ${key} is not what Patroni writes there; \`etcdctl get ${key}\` shows it`),
      ...strangers(store, patroni),
      ...inventory.hosts.flatMap((host) => loginProblems(host, read(host, REPLICATION_LOGIN))),
    ],
  };
}

/** What pgprov keeps of its own among the settings is none. */
function withoutRecord({ [RECORD_KEY]: _, ...settings }: Record<string, unknown>): Record<string, unknown> {
  return settings;
}

type Reader = <State>(host: Host, id: string) => State | undefined;

/** What a member is judged by that is the cluster's. */
interface Known {
  listed: readonly ClusterMember[];
  /** System identifier that etcd has. */
  identifier: string | undefined;
  /** Bytes that a standby may be behind and still take over. */
  mostLag: number;
}

/** Patroni's own default where nothing is set. */
function mostLag(config: Readonly<Record<string, unknown>> | undefined): number {
  const given = Number(config?.['maximum_lag_on_failover']);
  return Number.isFinite(given) ? given : 1_048_576;
}

function memberStatus(host: Host, read: Reader, { listed, identifier, mostLag: most }: Known, reason: string | undefined): MemberStatus {
  const base = { name: host.name, address: host.clusterAddress, pendingRestart: false };
  if (reason !== undefined) return { ...base, problem: reason };
  const member = read<PatroniMemberState>(host, PATRONI_MEMBER);
  const data = read<DataDirectoryState>(host, DATA_DIRECTORY);
  const disk = data?.kind === 'cluster' ? data : undefined;
  const checksums = disk?.checksums === undefined ? {} : { checksums: disk.checksums > 0 };
  if (member?.answers !== true) return { ...base, ...checksums, problem: silence(data, identifier) };
  const entry = listed.find(({ name }) => name === host.name);
  const leading = listed.find(({ role }) => role === 'leader')?.name;
  const streams = streamsFrom(leading, host, read);
  const replay = replayOf(member, read<PatroniMemberState>({ ...host, name: leading ?? '' }, PATRONI_MEMBER));
  const lag = entry?.lag === undefined ? {} : { lagBytes: entry.lag };
  const problems = [...(member.role === 'replica' && !streams ? ['does not stream from the leader'] : []), ...standbyProblems({ ...lag, ...replay }, most)];
  const state = member.role === 'replica' && streams && member.state === 'running' ? 'streaming' : member.state;
  return {
    ...base,
    ...checksums,
    role: entry?.role ?? member.role,
    state,
    pendingRestart: member.pendingRestart,
    patroniVersion: member.version,
    ...(member.timeline === undefined ? {} : { timeline: member.timeline }),
    ...lag,
    ...(member.systemIdentifier === undefined ? {} : { systemIdentifier: member.systemIdentifier }),
    ...(member.serverVersion === undefined ? {} : { postgresVersion: versionText(member.serverVersion) }),
    ...replay,
    ...(problems.length === 0 ? {} : { problem: problems.join('; ') }),
  };
}

/** Why Patroni may give no answer, as far as the data directory tells. */
function silence(data: DataDirectoryState | undefined, identifier: string | undefined): string {
  const said = 'Patroni does not answer';
  if (data?.kind === 'absent' || data?.kind === 'empty') return `${said}, and there is no data`;
  if (data?.kind === 'foreign') return `${said}, and the data directory holds files that are no PostgreSQL cluster`;
  const held = data?.kind === 'cluster' ? data.systemIdentifier : undefined;
  const known = identifier !== undefined && identifier !== '';
  if (!known || held === undefined || held === identifier) return said;
  return `the data directory holds another cluster (system identifier ${held}, while etcd knows this one as ${identifier}), and ${said}`;
}

/** How far a standby is behind in what it replays; nothing of a leader, or where Patroni does not say. */
function replayOf(member: Extract<PatroniMemberState, { answers: true }>, leader: PatroniMemberState | undefined): Pick<MemberStatus, 'replayLagBytes' | 'replayPaused'> {
  const { wal, role } = member;
  if (role === 'leader' || wal?.replayed === undefined) return {};
  const end = Math.max(leader?.answers === true ? (leader.wal?.location ?? 0) : 0, wal.received ?? 0);
  return { ...(end === 0 ? {} : { replayLagBytes: Math.max(0, end - wal.replayed) }), ...(wal.paused ? { replayPaused: true } : {}) };
}

/** What is wrong with how a standby follows. */
function standbyProblems({ lagBytes = 0, replayLagBytes = 0, replayPaused }: Pick<MemberStatus, 'lagBytes' | 'replayLagBytes' | 'replayPaused'>, most: number): string[] {
  const limit = `more than maximum_lag_on_failover (${formatBytes(most)})`;
  return [
    ...(replayPaused === true ? ['replay of the WAL is paused, so queries on it see old data; `SELECT pg_wal_replay_resume()` goes on with it'] : []),
    ...(lagBytes > most ? [`has received ${formatBytes(lagBytes)} less than the leader wrote, ${limit}: it cannot take over`] : []),
    ...(lagBytes <= most && replayLagBytes > most ? [`has ${formatBytes(replayLagBytes)} left to replay, ${limit}`] : []),
  ];
}

/** Patroni before 3.1 calls a streaming replica `running`, so the leader's own list of standbys decides. */
function streamsFrom(leading: string | undefined, host: Host, read: Reader): boolean {
  const leader = read<PatroniMemberState>({ ...host, name: leading ?? '' }, PATRONI_MEMBER);
  if (leader?.answers !== true) return true;
  return leader.replication.some(({ application, state }) => application === host.name && state === 'streaming');
}

function versionText(serverVersion: number): string {
  return `${Math.floor(serverVersion / 10_000)}.${serverVersion % 10_000}`;
}

function etcdStatus(host: Host, member: EtcdMemberState | undefined, reason: string | undefined, inForce: UnitInForce | undefined): EtcdStatus {
  if (reason !== undefined) return { name: host.name, healthy: false, problem: reason };
  if (member === undefined) return { name: host.name, healthy: false, problem: 'was not asked' };
  return {
    name: host.name,
    healthy: member.healthy,
    members: member.members.length,
    ...(member.refusesStrangers === undefined ? {} : { refusesStrangers: member.refusesStrangers }),
    ...(inForce === undefined ? {} : overrides(inForce)),
  };
}

function overrides({ running, next, dropIns }: UnitInForce): Pick<EtcdStatus, 'problem' | 'dropIns'> {
  const problems = [
    ...(running.length === 0 ? [] : [`it runs with other settings than its configuration: ${settingsText(running)}`]),
    ...(next.length === 0 ? [] : [`its next start would be with other settings than its configuration: ${settingsText(next)}`]),
  ];
  return { ...(problems.length === 0 ? {} : { problem: problems.join('; ') }), ...(dropIns.length === 0 ? {} : { dropIns }) };
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

function strangers(store: DcsState | undefined, patroni: readonly Host[]): string[] {
  if (store?.reachable !== true) return [];
  const names = new Set(patroni.map(({ name }) => name));
  return store.members.filter(({ name }) => !names.has(name)).map(({ name }) => `member ${name} is not in the inventory`);
}

function loginProblems(host: Host, logins: readonly ReplicationLogin[] | undefined): string[] {
  return (logins ?? []).flatMap(({ address, error }) =>
    error === undefined ? [] : [`${host.name}: the replication role cannot log in to ${address}: ${error}`],
  );
}

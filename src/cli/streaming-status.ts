import { pgprov } from '../lib/pgprov-command.js';
import type { ClusterStatus, MemberStatus } from '../lib/cluster-status.js';
import { topologyOf, type Host, type Inventory } from '../model/index.js';
import type { View } from '../plan/view.js';
import { DATA_DIRECTORY } from '../resources/data-directory.js';
import { PENDING_RESTART } from '../resources/pending-restart.js';
import { serviceHandle } from '../resources/service.js';
import { SERVER_REPLICATION } from '../resources/server-replication.js';
import { SERVER_HELD } from '../resources/streaming/server-started.js';
import { STANDBY_COPY } from '../resources/streaming/standby-copy.js';
import { STREAMING_SERVER, type StreamingWords } from '../resources/streaming/server.js';
import { partedServer, type PartingServer } from '../resources/streaming/parted.js';
import { unseenMember, versionText, type Reader } from './member-status.js';

/** What of a status is about servers that stream without Patroni. */
export type StreamingStatus = Pick<ClusterStatus, 'topology' | 'leader' | 'leaderUnknown' | 'members'>;

/** Which hosts are told of. */
interface Asked {
  /** The host could not be asked. */
  isUnseen(host: Host): boolean;
  /** It was asked for its server. */
  counts(host: Host): boolean;
}

/** The servers of a streaming topology as they are; nothing of any other. */
export function streamingStatus(inventory: Inventory, view: View | undefined, { isUnseen, counts }: Asked): StreamingStatus | undefined {
  const { hosts } = inventory;
  const read: Reader = (host, seen) => view?.read(host.name, seen);
  const unitOf = (host: Host): string | undefined => unitOn(view, host);
  const servers = hosts.filter((host) => topologyOf(host) === 'streaming');
  if (servers.length === 0) return undefined;
  const primaries = servers.filter((host) => read(host, STREAMING_SERVER)?.says?.standby === false);
  const [primary] = primaries;
  const leading = primary === undefined ? undefined : read(primary, STREAMING_SERVER)?.says;
  const sends = servers.flatMap((host) => read(host, STREAMING_SERVER)?.says?.sends ?? []);
  const isUnknown = primary === undefined && servers.some((host) => read(host, STREAMING_SERVER) === undefined);
  return {
    topology: 'streaming',
    ...(primary === undefined ? {} : { leader: primary.name }),
    ...(isUnknown ? { leaderUnknown: true as const } : {}),
    members: servers
      .filter(counts)
      .map((host) =>
        isUnseen(host)
          ? unseenMember(host)
          : serverStatus(host, read, { inventory, unitOf, primary, leading, sends, several: primaries.length > 1 }),
      ),
  };
}

function unitOn(view: View | undefined, { name: host, vars }: Host): string | undefined {
  const { version, name } = vars['postgresql'] as { version: number; name: string };
  return view?.platform(host)?.postgresql(version).unit(name);
}

/** What a server is judged by that is the topology's. */
interface Around {
  /** What a host’s server runs in, as systemd calls it. */
  unitOf(host: Host): string | undefined;
  inventory: Inventory;
  primary: Host | undefined;
  leading: StreamingWords | undefined;
  /** Who receives from any of the servers. */
  sends: StreamingWords['sends'];
  several: boolean;
}

function serverStatus(host: Host, read: Reader, around: Around): MemberStatus {
  const data = read(host, DATA_DIRECTORY);
  const disk = data?.kind === 'cluster' ? data : undefined;
  const server = read(host, STREAMING_SERVER);
  const base = {
    name: host.name,
    address: host.clusterAddress,
    pendingRestart: (read(host, PENDING_RESTART) ?? []).length > 0,
    ...(disk?.checksums === undefined ? {} : { checksums: disk.checksums > 0 }),
    ...(disk?.systemIdentifier === undefined ? {} : { systemIdentifier: disk.systemIdentifier }),
  };
  if (server?.says === undefined) return { ...base, state: 'stopped', problem: silence(host, read, around) };
  const { says, signal } = server;
  const streams = isStreaming(host, says, around);
  const problems = says.standby ? standbyProblems(host, says, signal, streams, around) : primaryProblems(signal, around);
  return {
    ...base,
    role: says.standby ? 'standby' : 'primary',
    state: !says.standby ? 'running' : streams ? 'streaming' : 'not streaming',
    timeline: says.timeline,
    postgresVersion: versionText(says.version),
    ...(says.standby ? lagOf(host, says, read, around.leading) : {}),
    ...(problems.length === 0 ? {} : { problem: problems.join('; ') }),
  };
}

/** The standby's own word, and that of whoever sends to it. */
function isStreaming({ name }: Host, { receives }: StreamingWords, { leading, sends }: Around): boolean {
  return receives && (leading === undefined || sends.some((target) => target.name === name && target.state === 'streaming'));
}

function lagOf(
  host: Host,
  { position, replayed, paused }: StreamingWords,
  read: Reader,
  leading: StreamingWords | undefined,
): Pick<MemberStatus, 'lagBytes' | 'replayLagBytes' | 'replayLagSeconds' | 'replayPaused'> {
  const { behindSeconds } = read(host, SERVER_REPLICATION) ?? {};
  const end = Math.max(leading?.position ?? 0, position);
  return {
    lagBytes: Math.max(0, end - position),
    ...(replayed === undefined ? {} : { replayLagBytes: Math.max(0, end - replayed) }),
    ...(behindSeconds === undefined ? {} : { replayLagSeconds: behindSeconds }),
    ...(paused === true ? { replayPaused: true } : {}),
  };
}

function primaryProblems(signal: boolean, { several }: Around): string[] {
  return [
    ...(several ? ['is a primary beside another one'] : []),
    ...(signal ? ['is the primary and has a standby.signal: its next start would make it a standby'] : []),
  ];
}

function standbyProblems(host: Host, { paused }: StreamingWords, signal: boolean, streams: boolean, { primary }: Around): string[] {
  const { upstream } = host.vars['replication'] as { upstream?: string };
  return [
    ...(signal ? [] : ['is a standby and has no standby.signal: its next start would make it a second primary']),
    ...(streams ? [] : [`does not stream from ${upstream ?? primary?.name ?? 'a primary'}`]),
    ...(paused === true ? ['replay of the WAL is paused, so queries on it see old data; `SELECT pg_wal_replay_resume()` resumes it'] : []),
  ];
}

/** Why a server may not answer, as far as its host tells, and what to do. */
function silence(host: Host, read: Reader, around: Around): string {
  const { inventory, unitOf } = around;
  const copy = read(host, STANDBY_COPY);
  const data = read(host, DATA_DIRECTORY);
  const goesOn = `${pgprov`apply ${inventory}`} goes on with it`;
  if (copy?.copying === true) return `the primary is being copied to it; ${goesOn}`;
  if (copy?.joining === true) return `it was begun to be made a standby, which is not finished; ${goesOn}`;
  const said = 'PostgreSQL does not answer';
  if (data?.kind === 'absent' || data?.kind === 'empty') return `${said}, and there is no data`;
  if (read(host, SERVER_HELD) === true) return `it was stopped with pgprov${startText(host, read, around)}`;
  const unit = unitOf(host);
  const active = unit === undefined ? undefined : read(host, serviceHandle(unit))?.active;
  return active === 'inactive' || active === 'failed' ? `${said}: the unit ${unit} is ${active === 'failed' ? 'failed' : 'stopped'}` : said;
}

/** How one that pgprov stopped is started again, behind that it was; of one that \`start\` would refuse, what it is. */
function startText(host: Host, read: Reader, { inventory, primary }: Around): string {
  const [own, leads] = [seenServer(host, read), primary === undefined ? undefined : seenServer(primary, read)];
  const started = `; ${pgprov`start ${inventory} --host ${host.name}`} starts it`;
  if (own === undefined || leads === undefined) return started;
  // Of one that parted the status says by itself what it takes.
  if (read(host, STREAMING_SERVER)?.signal === true)
    return partedServer(own, leads).kind === 'more' ? `, and has parted from ${leads.name}` : started;
  return `, and would start as a second primary beside ${leads.name}; ${pgprov`doctor ${inventory}`} says what to do`;
}

/** A host's server, where it has data. */
function seenServer(host: Host, read: Reader): PartingServer | undefined {
  const data = read(host, DATA_DIRECTORY);
  return data?.kind === 'cluster' ? { name: host.name, data, says: read(host, STREAMING_SERVER)?.says } : undefined;
}

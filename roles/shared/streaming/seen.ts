import { DATA_DIRECTORY, STANDBY_COPY, STREAMING_SERVER, type ClusterData, type StreamingWords, type View } from '../../../src/index.js';
import { serversWithoutPatroni, streamingServers } from './servers.js';

/** A server without Patroni, with what is in its data directory. */
export interface SeenServer {
  name: string;
  data: ClusterData;
  /** Its next start is as a standby. */
  signal: boolean;
  /** What it says; undefined while it takes no connections. */
  says: StreamingWords | undefined;
}

/** That a standby replays nothing, as a clause that follows its name. Once its connection has ended it makes no other one until that ends. */
export const REPLAY_PAUSED = 'has its replay paused (pg_wal_replay_resume() ends that)';

/** The servers that have data, or what is left of it, of the hosts that answered; one that stands alone where it was asked as the others are. */
export function seenServers(view: View): SeenServer[] {
  return serversWithoutPatroni(view.inventory.hosts).flatMap(({ name }): SeenServer[] => {
    const data = view.read(name, DATA_DIRECTORY);
    const server = view.read(name, STREAMING_SERVER);
    if (data?.kind !== 'cluster' || server === undefined) return [];
    return [{ name, data, signal: server.signal, says: server.says }];
  });
}

/** What takes writes, or would after its start: a primary that runs, and one that is down. */
export function isPrimary({ says, signal }: SeenServer): boolean {
  return says === undefined ? !signal : !says.standby;
}

/**
 * The primary: who takes writes, whatever the inventory says; while nobody does, the one that would after its start. Undefined: none of the hosts
 * that answered, or it is not to be told.
 */
export function primaryOf(view: View): SeenServer | undefined {
  const servers = seenServers(view);
  const [open, second] = servers.filter(({ says }) => says?.standby === false);
  if (open !== undefined) return second === undefined ? open : undefined;
  const [down, other] = servers.filter(isPrimary);
  return other === undefined ? down : undefined;
}

/** The host on which a new database is made: the inventory's primary, while it is known that no server of the topology has any data. */
export function founderOf(view: View): string | undefined {
  const hosts = streamingServers(view.inventory.hosts);
  return hosts.every(({ name }) => isVacant(view, name) && view.read(name, STANDBY_COPY)?.joining === false)
    ? view.inventory.leader
    : undefined;
}

/** Whether a standby is being made on the host, or is to be made: it has no data, or was copied and has not streamed yet. */
export function isJoining(view: View, host: string): boolean {
  if (view.read(host, STANDBY_COPY)?.joining === true) return true;
  return isVacant(view, host) && founderOf(view) !== host;
}

/** Whether the host has its server, as a primary or a standby that has streamed, or gets the first one. */
export function isMade(view: View, host: string): boolean {
  if (view.read(host, STANDBY_COPY)?.joining === true) return false;
  return view.read(host, DATA_DIRECTORY)?.kind === 'cluster' || founderOf(view) === host;
}

/** Whether the host has a standby, or gets one. */
export function isStandby(view: View, host: string): boolean {
  if (isJoining(view, host)) return true;
  const server = seenServers(view).find(({ name }) => name === host);
  return server !== undefined && !isPrimary(server);
}

function isVacant(view: View, host: string): boolean {
  const kind = view.read(host, DATA_DIRECTORY)?.kind;
  return kind === 'absent' || kind === 'empty';
}

/** Standbys that receive WAL from a server that is not among those that were seen, and so may be a primary: each with who sends it, where it says so. */
export function fedFromOutside(view: View): { name: string; from?: string }[] {
  const servers = seenServers(view);
  const hosts = streamingServers(view.inventory.hosts).filter((host) => view.surveyed(host.name));
  const addresses = new Set(hosts.flatMap(({ name, address, clusterAddress }) => [name, address, clusterAddress]));
  const sentTo = new Set(servers.flatMap(({ says }) => says?.sends ?? []).map(({ name }) => name));
  return servers.flatMap(({ name, says }) => {
    if (says?.receives !== true || sentTo.has(name) || (says.from !== undefined && addresses.has(says.from))) return [];
    return [{ name, ...(says.from === undefined ? {} : { from: says.from }) }];
  });
}

/** Whether the host has data of a database that pgprov made on another host of the topology, as a standby that somebody copied by hand. */
export function isOfOurs(view: View, host: string): boolean {
  const servers = seenServers(view);
  const own = servers.find(({ name }) => name === host)?.data.systemIdentifier;
  return own !== undefined && servers.some(({ data }) => data.ours && data.systemIdentifier === own);
}

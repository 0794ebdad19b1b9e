import {
  pendingValues,
  SERVER_UNIT,
  serverLimits,
  serverUnit,
  STANDBY_COPY,
  streamingServer,
  topologyOf,
  type Observation,
  type OperationRun,
  type RoleContext,
  type ServerUnitState,
  type View,
} from '../../../index.js';
import { primaryOf, REPLAY_PAUSED, seenServers, type SeenServer } from '../../../../roles/shared/streaming/seen.js';
import { serversWithoutPatroni, streamingServers, upstreamOf } from '../../../../roles/shared/streaming/servers.js';
import { unitServer } from '../../../../roles/shared/streaming/server-unit.js';

type Seen = Pick<OperationRun<object>, 'view' | 'inventory'>;

/** What operations ask of every server besides what its roles ask. */
export function serverObservations(context: RoleContext): Observation[] {
  const { host } = context;
  if (topologyOf(host) === 'patroni' || !host.roles.includes('postgresql')) return [];
  const own = unitServer(context);
  // Of those that stream the role asks it.
  const says = topologyOf(host) === 'single' ? [streamingServer(own.server, own.data)] : [];
  return [...says, serverUnit(own), pendingValues(own.server), serverLimits(own.server, own.data)];
}

/** What systemd has of a host's server; undefined where it was not asked. */
export function unitOn(view: View, host: string): ServerUnitState | undefined {
  return view.read(host, SERVER_UNIT);
}

/** Names of all servers, in inventory order; or of the one that stands alone. */
export function serverNames({ inventory }: Pick<Seen, 'inventory'>): string[] {
  return serversWithoutPatroni(inventory.hosts).map(({ name }) => name);
}

/** The servers that are meant: those that were chosen, or all. */
export function chosenServers(run: Pick<OperationRun<object>, 'inventory' | 'chosenHosts'>): string[] {
  return serverNames(run).filter((name) => run.chosenHosts === undefined || run.chosenHosts.includes(name));
}

/** A host's server, where it has data. */
export function serverOn(view: View, host: string): SeenServer | undefined {
  return seenServers(view).find(({ name }) => name === host);
}

/** Whether a server is the primary: the one that takes writes, or would after its start. */
export function isPrimaryHost(view: View, host: string): boolean {
  return primaryOf(view)?.name === host;
}

/** Whether its server takes connections. */
export function answers(view: View, host: string): boolean {
  return serverOn(view, host)?.says !== undefined;
}

/** Whether pgprov was told to stop it, and nobody has started it since. */
export function isHeld(view: View, host: string): boolean {
  return unitOn(view, host)?.held === true && !answers(view, host);
}

/** Whether a standby is still being made there. */
export function isBeingMade(view: View, host: string): boolean {
  return view.read(host, STANDBY_COPY)?.joining === true || serverOn(view, host) === undefined;
}

/** Why a standby does not stream, by its own word and that of its sender; undefined: it does. */
export function notStreamingWhy(view: View, host: string): string | undefined {
  const says = serverOn(view, host)?.says;
  if (says === undefined) return 'PostgreSQL does not answer';
  if (!says.receives) return says.paused === true ? `it receives nothing, and ${REPLAY_PAUSED}` : 'it receives nothing';
  const sent = seenServers(view)
    .flatMap((server) => server.says?.sends ?? [])
    .find((target) => target.name === host);
  if (sent?.state === 'streaming') return undefined;
  return sent === undefined ? 'no server has a connection from it' : `its sender has it as ${sent.state}`;
}

/** Standbys that stream from a server, as the inventory has it: those of the primary, or those that name the standby as their upstream. */
export function downstreamOf({ view, inventory }: Seen, host: string): string[] {
  return streamingServers(inventory.hosts).flatMap((other) =>
    other.name !== host && (upstreamOf(other) ?? primaryOf(view)?.name) === host ? [other.name] : [],
  );
}

/** The standbys, those first that others stream from. */
export function standbysInOrder({ view, inventory }: Seen): string[] {
  const all = streamingServers(inventory.hosts).filter(({ name }) => !isPrimaryHost(view, name));
  const direct = all.filter((host) => upstreamOf(host) === undefined);
  return [...direct, ...all.filter((host) => !direct.includes(host))].map(({ name }) => name);
}

import { slotNameOf, topologyOf, type Host, type RoleContext } from '../../../src/index.js';
import { variables } from '../variables.js';
import { passwordFile } from '../password-file.js';

type Context = Pick<RoleContext, 'host' | 'inventory' | 'platform'>;

/** The servers of a streaming topology, in inventory order. */
export function streamingServers(hosts: readonly Host[]): Host[] {
  return hosts.filter((host) => topologyOf(host) === 'streaming');
}

/** The servers that no Patroni runs: those that stream from each other, or the one that stands alone. */
export function serversWithoutPatroni(hosts: readonly Host[]): Host[] {
  return hosts.filter((host) => host.roles.includes('postgresql') && topologyOf(host) !== 'patroni');
}

/** All others, those first that the inventory would have as the primary. */
export function otherServers({ host, inventory }: Pick<RoleContext, 'host' | 'inventory'>): Host[] {
  const others = streamingServers(inventory.hosts).filter(({ name }) => name !== host.name);
  const leader = others.filter(({ name }) => name === inventory.leader);
  return [...leader, ...others.filter((other) => !leader.includes(other))];
}

/** The server that a host streams from as a standby of a standby; undefined: from whichever is the primary. */
export function upstreamOf(host: Host): string | undefined {
  return variables(host, 'replication').upstream;
}

/** Slots that a server has as the primary, those that it has as a standby, and those of all others. */
export function slotsAt(context: Pick<RoleContext, 'host' | 'inventory'>): {
  ofPrimary: string[];
  ofStandby: string[];
  ofMembers: string[];
} {
  const { name } = context.host;
  const others = otherServers(context);
  const slots = (hosts: readonly Host[]): string[] => hosts.flatMap((other) => slotOf(other) ?? []);
  return {
    ofPrimary: slots(others.filter((other) => (upstreamOf(other) ?? name) === name)),
    ofStandby: slots(others.filter((other) => upstreamOf(other) === name)),
    ofMembers: others.map((other) => slotNameOf(other.name)),
  };
}

/** The slot of a standby, on the server that it streams from; undefined: it has none. */
export function slotOf(host: Host): string | undefined {
  return variables(host, 'replication').slots ? slotNameOf(host.name) : undefined;
}

/**
 * How a host reaches the primary, as libpq takes it: whichever of the others takes writes. So neither a copy nor a standby ever begins with a
 * server that only the inventory calls the primary, and a standby follows one that was promoted.
 */
export function primaryConninfo(context: Context): string {
  const { host } = context;
  const upstream = upstreamOf(host);
  const all = otherServers(context);
  const others = upstream === undefined ? all : all.filter(({ name }) => name === upstream);
  const words: Record<string, string> = {
    host: others.map(({ clusterAddress }) => clusterAddress).join(','),
    port: others.map((other) => variables(other, 'postgresql').port).join(','),
    user: variables(host, 'replication').username,
    passfile: passwordFile(context),
    application_name: host.name,
    ...(upstream === undefined ? { target_session_attrs: 'read-write' } : {}),
  };
  return Object.entries(words)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

/** The database that pg_rewind logs in to. */
export const REWIND_DATABASE = 'postgres';

/** How a host reaches another server with pg_rewind. */
export function rewindConninfo(context: Context, source: Host): string {
  const { port } = variables(source, 'postgresql');
  const { username } = variables(context.host, 'replication');
  return `host=${source.clusterAddress} port=${port} user=${username} dbname=${REWIND_DATABASE} passfile=${passwordFile(context)} application_name=pgprov-rewind`;
}

/** What every server of the topology is given, also a primary: so that it is a standby as soon as its standby.signal is there. */
export function streamingSettings(context: Context): Record<string, string> {
  const slot = slotOf(context.host);
  return { primary_conninfo: primaryConninfo(context), ...(slot === undefined ? {} : { primary_slot_name: slot }) };
}

import {
  DATA_DIRECTORY,
  patroniStopped,
  stoppedHandle,
  STREAMING_SERVER,
  streamingServer,
  topologyOf,
  type Inventory,
  type Observation,
  type PatroniStoppedState,
  type RoleContext,
  type View,
} from '../../index.js';
import { dataDirectoryOf, localServer } from '../../../roles/shared/layout.js';
import { variables } from '../../../roles/shared/variables.js';
import { answerOf, leaderOf, listedBy, notStreamingWhy, storeOf } from './members.js';
import { stopped } from './stopped.js';

type Context = Pick<RoleContext, 'host' | 'inventory' | 'platform'>;

/** Whether Patroni runs the servers that are restored; otherwise each is a unit of its own. */
export function hasPatroni({ hosts }: Pick<Inventory, 'hosts'>): boolean {
  return hosts.some((host) => topologyOf(host) === 'patroni');
}

/** How the servers of an inventory belong together, in words. */
export function topologyWords({ hosts }: Pick<Inventory, 'hosts'>): string {
  const found = new Set(hosts.map(topologyOf));
  if (found.has('patroni')) return 'a cluster that Patroni runs';
  return found.has('streaming') ? 'servers that stream without Patroni' : 'a server of its own without Patroni';
}

/** The role whose hosts are restored. */
export function serverRole(inventory: Pick<Inventory, 'hosts'>): 'patroni' | 'postgresql' {
  return hasPatroni(inventory) ? 'patroni' : 'postgresql';
}

/** What is stopped and started, in words. */
export function serviceWords(inventory: Pick<Inventory, 'hosts'>): string {
  return hasPatroni(inventory) ? 'Patroni and PostgreSQL' : 'PostgreSQL';
}

/** The unit that runs a host's server. */
export function unitOf({ host, platform }: Pick<RoleContext, 'host' | 'platform'>): string {
  if (topologyOf(host) === 'patroni') return platform.patroni.unit;
  const { version, name } = variables(host, 'postgresql');
  return platform.postgresql(version).unit(name);
}

/** A server that is to be down; nobody starts it then but the one who stopped it. */
export function serverStopped(context: Context, staysDown: boolean): ReturnType<typeof patroniStopped> {
  const { host, platform } = context;
  if (topologyOf(host) === 'patroni') return stopped(context as RoleContext, staysDown);
  return patroniStopped({
    unit: unitOf(context),
    path: dataDirectoryOf(host, platform),
    server: localServer(host, platform),
    staysDown,
    isHeld: true,
  });
}

/** What a host is asked after every step: what of its server runs, and without Patroni also what that says; hosts without one are not asked. */
export function serverRuns(context: Context): Observation[] {
  const { host, inventory, platform } = context;
  if (!host.roles.includes(serverRole(inventory))) return [];
  const says = hasPatroni(inventory) ? [] : [streamingServer(localServer(host, platform), dataDirectoryOf(host, platform))];
  return [serverStopped(context, false), ...says];
}

/** What runs of a host's server; undefined where it was not asked. */
export function runningOn(view: View, host: string): PatroniStoppedState | undefined {
  const found = view.inventory.hosts.find(({ name }) => name === host);
  const platform = view.platform(host);
  return found === undefined || platform === undefined ? undefined : view.read(host, stoppedHandle(unitOf({ host: found, platform })));
}

/** Whether Patroni or PostgreSQL runs on a host. */
export function isUp(view: View, host: string): boolean {
  const runs = runningOn(view, host);
  return runs?.patroni === true || runs?.postgresql === true;
}

/** Whether a server may be started by a boot, or by anybody. */
export function mayStart(view: View, host: string): boolean {
  return runningOn(view, host)?.enabled === true;
}

/** The host whose server takes writes. */
export function writerOf(view: View): string | undefined {
  if (hasPatroni(view.inventory)) return leaderOf(view);
  return view.hosts('postgresql').find(({ name }) => view.read(name, STREAMING_SERVER)?.says?.standby === false)?.name;
}

/** The host whose server takes writes, or would after its start: without Patroni its data says whether it is a standby's. */
export function primaryOf(view: View): string | undefined {
  const down = view.hosts(serverRole(view.inventory)).filter(({ name }) => {
    const isServer = view.read(name, DATA_DIRECTORY)?.kind === 'cluster';
    return isServer && view.read(name, STREAMING_SERVER)?.signal === false;
  });
  return writerOf(view) ?? (down.length === 1 ? down[0]?.name : undefined);
}

/** The system identifier that the servers are known by: in Patroni's store, or without Patroni by the data of the primary; '' where there is none. */
export function knownIdentifier(view: View): string {
  if (hasPatroni(view.inventory)) return storeOf(view)?.initialize ?? '';
  const hosts = view.hosts('postgresql').map(({ name }) => name);
  return [primaryOf(view), ...hosts].map((name) => dataIdentifier(view, name ?? '')).find((found) => found !== undefined) ?? '';
}

function dataIdentifier(view: View, host: string): string | undefined {
  const data = view.read(host, DATA_DIRECTORY);
  return data?.kind === 'cluster' ? data.systemIdentifier : undefined;
}

/** The system identifier of a server that runs. */
export function servedIdentifier(view: View, host: string): string | undefined {
  return hasPatroni(view.inventory) ? answerOf(view, host)?.systemIdentifier : dataIdentifier(view, host);
}

/** The timeline that a server is on, by its own word. */
export function servedTimeline(view: View, host: string): number | undefined {
  return hasPatroni(view.inventory) ? answerOf(view, host)?.timeline : view.read(host, STREAMING_SERVER)?.says?.timeline;
}

/** The same as the one that takes writes has it, with Patroni. */
export function timelineOn(view: View, writer: string, host: string): number | undefined {
  return hasPatroni(view.inventory) ? listedBy(view, writer, host)?.timeline : servedTimeline(view, host);
}

/** What keeps a server from streaming from the one that takes writes, as a clause that follows its name; undefined: it streams. */
export function lateWhy(view: View, writer: string, host: string): string | undefined {
  if (hasPatroni(view.inventory)) return notStreamingWhy(view, writer, host);
  if (!view.surveyed(host)) return 'cannot be reached';
  const says = view.read(host, STREAMING_SERVER)?.says;
  if (says === undefined) return 'is down';
  if (!says.standby) return 'takes writes itself';
  return says.receives ? undefined : 'receives nothing';
}

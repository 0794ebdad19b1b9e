import {
  DATA_DIRECTORY,
  enumerate,
  lsnBytes,
  pgprov,
  STANDBY_COPY,
  type Host,
  type Inventory,
  type Objection,
  type StreamingWords,
  type View,
} from '../../../src/index.js';
import { dataDirectoryOf } from '../layout.js';
import { variables } from '../variables.js';
import { partedFrom } from './parted.js';
import { fedFromOutside, founderOf, isJoining, isPrimary, primaryOf, seenServers, type SeenServer } from './seen.js';
import { streamingServers } from './servers.js';

/** Why nothing may be changed on servers that stream without Patroni: two primaries, other data, a standby that is none. */
export function guardStreaming(view: View): Objection[] {
  const first = guardOneDatabase(view);
  return first.length > 0 ? first : [...guardParts(view), ...ahead(view, seenServers(view))];
}

/** The same but for servers that have what their primary has not: each of them can be rebuilt while there are others. */
export function guardParts(view: View): Objection[] {
  const servers = seenServers(view);
  const first = guardOneDatabase(view);
  return first.length > 0 ? first : [...newDatabase(view), ...noPrimary(view, servers), ...signals(view, servers)];
}

/** Servers that went on where their primary had left their timeline, as one that was lost does: started, they would wait for ever. */
export function guardParted(view: View): Objection[] {
  const primary = primaryOf(view);
  if (primary?.says === undefined) return [];
  const { timeline: leading } = primary.says;
  return seenServers(view).flatMap((server): Objection[] => {
    const { name } = server;
    if (isPrimary(server) || isJoining(view, name) || timelineOf(server) === leading) return [];
    const parted = partedFrom(view, primary, name);
    if (parted.kind !== 'more' || Number(timelineOf(server)) > leading) return [];
    const objection = refuse(
      name,
      `${name} has parted from its primary: ${parted.why}, so it can never stream from it`,
      `find out whether ${name} has commits that are needed. Then ${givenUpAnew(view, name)}`,
    );
    return [settling(objection, name, `${name} was asked at another moment than ${primary.name}`)];
  });
}

/** That there is more than one database, or one with two primaries. */
export function guardOneDatabase(view: View): Objection[] {
  const servers = seenServers(view);
  return [...otherDatabases(view, servers), ...severalPrimaries(view, servers)].slice(0, 1);
}

function refuse(host: string, message: string, hint: string): Objection {
  return { kind: 'refuse', decisive: true, host, message, hint };
}

/** Where a host's data is, `/var/lib/postgresql/17/main`; for messages. */
export function pathOn(view: View, name: string): string {
  const [host, platform] = [hostNamed(view.inventory, name), view.platform(name)];
  return host === undefined || platform === undefined ? 'the data directory' : dataDirectoryOf(host, platform);
}

/** The unit that a host's server runs in; for messages. */
export function unitOn(view: View, name: string): string {
  const [host, platform] = [hostNamed(view.inventory, name), view.platform(name)];
  if (host === undefined || platform === undefined) return 'the unit of PostgreSQL';
  const { version, name: cluster } = variables(host, 'postgresql');
  return platform.postgresql(version).unit(cluster);
}

function hostNamed({ hosts }: Inventory, name: string): Host | undefined {
  return hosts.find((host) => host.name === name);
}

/** How a server becomes a standby whose data is not wanted where it is, as a clause. */
export function copiedAnew(view: View, name: string): string {
  return `${pgprov`rebuild ${view.inventory} --host ${name}`} keeps its data aside and makes a standby there`;
}

/** The same for a server that may have commits of its own, which a rebuild gives up only when it is told so. */
export function givenUpAnew(view: View, name: string): string {
  return `${pgprov`rebuild ${view.inventory} --host ${name} --give-up-commits`} keeps its data aside and makes a standby there`;
}

/** What a server is, and on which timeline, as a clause: `pg1 (timeline 1, runs)`. */
function described({ name, data, says }: SeenServer): string {
  return `${name} (timeline ${timelineOf({ data, says })}, ${says === undefined ? 'down, without standby.signal' : 'runs'})`;
}

function timelineOf({ data, says }: Pick<SeenServer, 'data' | 'says'>): number | string {
  return says?.timeline ?? data.position?.timeline ?? 'unknown';
}

/** Servers whose data is not one database. */
function otherDatabases(view: View, servers: readonly SeenServer[]): Objection[] {
  const known = servers.filter(({ data }) => data.systemIdentifier !== undefined);
  const reference = primaryOf(view) ?? known.find(({ name }) => name === view.inventory.leader) ?? known[0];
  const other = known.find(({ data }) => data.systemIdentifier !== reference?.data.systemIdentifier);
  if (other === undefined || reference === undefined) return [];
  return [
    refuse(
      other.name,
      `${other.name} has another database (system identifier ${other.data.systemIdentifier}) than ${reference.name} (${reference.data.systemIdentifier}): neither can be a standby of the other`,
      `find out which of the two is needed. Where it is that of ${reference.name}: ${copiedAnew(view, other.name)}`,
    ),
  ];
}

/** More servers than one that take writes, or would after their next start. */
function severalPrimaries(view: View, servers: readonly SeenServer[]): Objection[] {
  const primaries = servers.filter(isPrimary);
  const running = primaries.filter(({ says }) => says !== undefined);
  const [first, second] = running.length > 1 ? running : primaries;
  if (first === undefined || second === undefined) return [];
  if (running.length > 1) {
    const ended = (name: string): string => pgprov`rebuild ${view.inventory} --host ${name} --give-up-commits`;
    return [
      refuse(
        second.name,
        `${enumerate(running.map(described))} are both primaries of one database (system identifier ${first.data.systemIdentifier}): clients may write to each, and what they write to one is not on the other`,
        `stop the one that is not to go on, before anything else: ${ended(first.name)} ends ${first.name} and makes it a standby, ${ended(second.name)} does so with ${second.name}. What clients wrote there is on that host alone: its data is kept aside`,
      ),
    ];
  }
  const [open] = running;
  const closed = primaries.filter((server) => server !== open);
  if (open === undefined) {
    return [
      refuse(
        second.name,
        `${enumerate(primaries.map(described))} would both start as primaries of one database (system identifier ${first.data.systemIdentifier}): nobody knows which is to`,
        `find out which one has the last commits, and have the others start as standbys: ${signalCommand(view, 'HOST')} there; then run this again`,
      ),
    ];
  }
  return closed.slice(0, 1).map((server) => withoutSignal(view, server, open));
}

/** A server that is down and would start as a second primary. */
function withoutSignal(view: View, server: SeenServer, primary: SeenServer): Objection {
  const fork = primary.data.history?.forks.at(-1)?.split(' ');
  const last = server.data.clusterState === 'shut down' ? server.data.position?.checkpoint : undefined;
  const isBehind =
    fork !== undefined &&
    last !== undefined &&
    Number(fork[0]) >= Number(timelineOf(server)) &&
    lsnBytes(last) < lsnBytes(fork[1] ?? '0/0');
  const anew = givenUpAnew(view, server.name);
  const message = `${server.name} is to be a standby of ${primary.name} and has no standby.signal: it would start as a second primary (${server.name} is on timeline ${timelineOf(server)}, ${primary.name} on timeline ${timelineOf(primary)})`;
  const hint = isBehind
    ? `it was stopped cleanly before ${primary.name} took over, so it can follow: ${signalCommand(view, server.name)} on ${server.name}, then run this again`
    : `if it was stopped cleanly and ${primary.name} was promoted after that, ${signalCommand(view, server.name)} on ${server.name} lets it follow; otherwise it may have commits that ${primary.name} lacks: look at it first, then ${anew}`;
  return refuse(server.name, message, hint);
}

/** How a host's data gets its standby.signal. */
export function signalCommand(view: View, name: string): string {
  const path = hostNamed(view.inventory, name) === undefined ? 'DATA_DIRECTORY' : pathOn(view, name);
  return `\`install -o postgres -g postgres -m 600 /dev/null ${path}/standby.signal\``;
}

/** A new database is made only where all of its hosts are seen to have none. */
function newDatabase(view: View): Objection[] {
  const hosts = streamingServers(view.inventory.hosts);
  const unseen = hosts.filter(({ name }) => !view.surveyed(name)).map(({ name }) => name);
  if (unseen.length === 0 || founderOf(view) !== undefined) return [];
  const vacant = hosts.every(
    ({ name }) => !view.surveyed(name) || ['absent', 'empty'].includes(view.read(name, DATA_DIRECTORY)?.kind ?? ''),
  );
  if (!vacant || !hosts.some(({ name }) => view.surveyed(name))) return [];
  const { leader } = view.inventory;
  if (!view.surveyed(leader)) return [];
  return [
    refuse(
      leader,
      `${leader} has no database, and whether ${enumerate(unseen)} ${unseen.length === 1 ? 'has' : 'have'} it was not asked: a new one is made only where none is`,
      'run it on all hosts',
    ),
  ];
}

/** Standbys without a primary: which of them is to take over is for a person to say. */
function noPrimary(view: View, servers: readonly SeenServer[]): Objection[] {
  const [first] = servers;
  if (first === undefined || servers.some(isPrimary)) return [];
  if (streamingServers(view.inventory.hosts).some(({ name }) => !view.surveyed(name))) return [];
  const copying = servers.filter(({ name }) => view.read(name, STANDBY_COPY)?.joining === true);
  const candidates = servers.filter((server) => !copying.includes(server));
  const [most] = candidates.filter(({ says }) => says !== undefined).sort((a, b) => rank(b) - rank(a));
  const seen = candidates.map(
    (server) => `${server.name} (timeline ${timelineOf(server)}, up to ${server.says?.location ?? 'unknown: it is down'})`,
  );
  const [fed] = fedFromOutside(view);
  if (fed !== undefined)
    return [
      refuse(
        fed.name,
        `no server of the inventory is a primary, and there is one: ${fed.name} receives WAL from ${fed.from ?? 'it'}, which the inventory does not have`,
        `put its host back into the inventory. Where it is to go, have another server take its place first: ${pgprov`switchover ${view.inventory}`}`,
      ),
    ];
  const way =
    most === undefined
      ? 'start the servers'
      : `if the primary is lost, ${pgprov`failover ${view.inventory}`} promotes the one that has the most, ${most.name}`;
  return [
    refuse(
      first.name,
      `no server is a primary: ${enumerate(seen)} ${seen.length === 1 ? 'is a standby' : 'are standbys'}, and no run promotes one by itself`,
      `${way}; where the primary is only away, bring it back`,
    ),
  ];
}

/** Of two the one that has more comes later; a timeline counts before everything on an older one. */
function rank({ says }: SeenServer): number {
  return (says?.timeline ?? 0) * 2 ** 52 + (says?.position ?? 0);
}

/** Files that would make another of a server than it is, at its next start. */
function signals(view: View, servers: readonly SeenServer[]): Objection[] {
  return servers.flatMap((server): Objection[] => {
    const { name, says, signal } = server;
    if (says === undefined) return [];
    if (says.standby && !signal)
      return [
        refuse(
          name,
          `${name} runs as a standby, and its standby.signal is gone: its next start would make it a second primary`,
          `${signalCommand(view, name)} on ${name}, then run this again`,
        ),
      ];
    if (!says.standby && signal)
      return [
        refuse(
          name,
          `${name} is the primary, and has a standby.signal: its next start would make it a standby, and nobody would take writes`,
          `\`rm ${pathOn(view, name)}/standby.signal\` on ${name}, unless somebody is just making it a standby; then run this again`,
        ),
      ];
    return [];
  });
}

/** Seconds for which a position is looked at again that was seen at another moment than the primary's. */
const MOMENTS = 6;

/** A standby that has WAL that its primary has not, and so never streams. */
function ahead(view: View, servers: readonly SeenServer[]): Objection[] {
  const primary = servers.find(({ says }) => says?.standby === false);
  const leading = primary?.says;
  if (primary === undefined || leading === undefined) return [];
  return servers.flatMap((server): Objection[] => {
    const { name, says, data } = server;
    // One that is being made has nothing but the copy of its primary, which was asked before that was made.
    if (server === primary || isJoining(view, name)) return [];
    if (says?.receives === true) return hasPassed(says) ? [passed(view, name, says.location)] : [];
    const [timeline, position] = [says?.timeline ?? data.position?.timeline, says?.position ?? downPosition(server)];
    if (timeline === undefined) return [];
    const isNewer = timeline > leading.timeline;
    // Of one that is down it is known where its last record starts: where its primary ends, that one lacks it.
    const end = says === undefined ? leading.position - 1 : leading.position;
    const isFurther = timeline === leading.timeline && position !== undefined && position > end;
    if (!isNewer && !isFurther) return [];
    const what = isNewer
      ? `is on timeline ${timeline}, and its primary ${primary.name} on timeline ${leading.timeline}`
      : `has WAL up to ${says?.location ?? data.position?.lastRecord}, and its primary ${primary.name} only up to ${leading.location}`;
    const objection = refuse(
      name,
      `${name} is ahead of its primary: it ${what}, so it can never stream from it`,
      `find out whether ${name} has commits that are needed before anything is changed. Where it has none: ${givenUpAnew(view, name)}`,
    );
    return isNewer ? [objection] : [settling(objection, name, `${name} has more WAL than ${primary.name} had`)];
  });
}

/** What was seen at one moment is looked at again before it counts. */
function settling(objection: Objection, name: string, moves: string): Objection {
  return { ...objection, settles: { within: MOMENTS, moves: new Map([[name, moves]]), failed: [] } };
}

/** A receiver begins with a whole WAL file, so it also streams from a server that has less of that file than the standby has replayed. */
function hasPassed({ replayed, senderEnd }: StreamingWords): boolean {
  return replayed !== undefined && senderEnd !== undefined && replayed > senderEnd;
}

function passed(view: View, name: string, location: string): Objection {
  const objection = refuse(
    name,
    `${name} has parted from the server that it streams from: it has replayed WAL up to ${location}, which that one does not have, as where it was brought back from something older`,
    `find out which of the two has what is needed before anything is changed. Where ${name} has nothing of it: ${givenUpAnew(view, name)}`,
  );
  return settling(objection, name, `${name} has replayed more WAL than its sender has`);
}

function downPosition({ data }: SeenServer): number | undefined {
  const last = data.position?.lastRecord;
  return last === undefined ? undefined : Number(lsnBytes(last));
}

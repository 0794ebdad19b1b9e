import {
  controlTrouble,
  enabledHandle,
  DATA_BESIDE,
  DATA_DIRECTORY,
  dataDirectoryOf,
  enumerate,
  formatBytes,
  lsnBytes,
  pgprov,
  WAL_KEPT,
  type OperationObjection,
  type View,
} from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { guardChanges } from '../../../../roles/shared/changes.js';
import { hostsWith, scopeOf } from '../../../../roles/shared/layout.js';
import { whatWasFound, type MemberData } from '../../../../roles/shared/members-data.js';
import { variables } from '../../../../roles/shared/variables.js';
import { deafStore } from './deaf.js';
import { elections, replays } from './elections.js';
import { storeObjections } from './store.js';
import { tagObjections } from './tags.js';
import { settingObjections } from './settings.js';
import {
  awayMembers,
  dataOf,
  firstOf,
  furthestOf,
  givenUp,
  identifierOf,
  readableData,
  standing,
  usableData,
  workingLeader,
  type RecoverRun,
} from './seen.js';
import { barringTag, heldByTags, heldWords } from '../../../../roles/shared/tags.js';
import { guardUnapproved } from '../../../../roles/shared/unapproved.js';
import { dynamicOf, notStreaming, storeOf } from '../members.js';

/** Why a cluster must not be recovered, or not further; asked before every step, so all of it holds before the point of no return. */
export function recoverObjections(run: RecoverRun): OperationObjection[] {
  const { view } = run;
  if (run.view.hosts('patroni').length === 0) return unseen(run);
  const other = otherCluster(run);
  if (other.length > 0) return other;
  const held = heldDown(run);
  if (held.length > 0 || workingLeader(view) !== undefined) return held;
  const unapproved = guardUnapproved(view);
  if (unapproved.length > 0) return unapproved.slice(0, 1);
  const objections = [
    unattended,
    deafStore,
    tagObjections,
    elections,
    replays,
    absent,
    unreadable,
    identities,
    settingObjections,
    unordered,
    barred,
    roomless,
    storeObjections,
  ];
  for (const each of objections) {
    const found = each(run);
    if (found.length > 0) return found.slice(0, 1);
  }
  return [];
}

function refuse(message: string, hint: string): OperationObjection[] {
  return [{ kind: 'refuse', message, hint }];
}

/** Bytes below which a file system is as good as full. */
const LEAST_ROOM = 1024 * 1024;

const nothingChanged = 'nothing was changed';

/** What there is to look at, a line a host. */
function found(view: View): string {
  return whatWasFound(
    dataOf(view).map(({ host, data, patroni }): MemberData => ({ host, data, bootstrap: undefined, active: patroni, stands: false })),
  );
}

/** Who sees nothing knows neither that nobody leads, nor who may be gone on without. */
function unseen({ inventory }: RecoverRun): OperationObjection[] {
  return [
    {
      kind: 'unreachable',
      message: `none of the hosts ${enumerate(hostsWith(inventory, 'patroni').map(({ name }) => name))} could be reached, so nothing is known of the cluster`,
      hint: `${nothingChanged}: see that this machine reaches them, which is no sign that the cluster is down, and run this again`,
    },
  ];
}

/** What the inventory says of places, names and the scope must be what the cluster has: else what is there is not found, or made a second time. */
function otherCluster({ view, inventory }: RecoverRun): OperationObjection[] {
  const roles = [dcsOf(inventory).role, 'postgresql', 'patroni'];
  return roles.flatMap((role) => guardChanges(view, role)).slice(0, 1);
}

/** In maintenance mode no server would come up, beside a leader or without one. */
function heldDown({ view, inventory }: RecoverRun): OperationObjection[] {
  if (dynamicOf(view)['pause'] !== true) return [];
  const leader = workingLeader(view);
  const late = leader === undefined ? [] : notStreaming(view, leader).map(({ name }) => name);
  const down = usableData(view).filter(({ host, data }) => late.includes(host.name) && !data.running);
  if (leader === undefined ? standing(view).length > 0 : down.length === 0) return [];
  const which = leader === undefined ? '' : `, as on ${enumerate(down.map(({ host }) => host.name))}`;
  return refuse(
    `the cluster is in maintenance mode, in which Patroni starts no PostgreSQL that is down${which}`,
    `end it first (${pgprov`resume ${inventory}`}), then run this again`,
  );
}

/** Two servers that write at the same time have two histories already. */
function unattended({ view }: RecoverRun): OperationObjection[] {
  const writing = usableData(view).filter(({ data }) => data.running && data.clusterState === 'in production');
  if (writing.length < 2) return [];
  return refuse(
    `PostgreSQL runs as a primary on ${enumerate(writing.map(({ host }) => host.name))} at the same time${found(view)}`,
    `${nothingChanged}: decide which of them is to go on, stop PostgreSQL on the others and keep their data, then run this again`,
  );
}

/** Hosts that are off, and those whose data is gone, may have what nobody else has. */
function absent(run: RecoverRun): OperationObjection[] {
  const { view, inventory } = run;
  const given = givenUp(run);
  const off = awayMembers(run);
  const words = (hosts: readonly string[]): string => [...given, ...hosts].join(',');
  if (off.length > 0) {
    const held = heldByTags(view);
    const why = held.length === 0 ? '' : ` (${heldWords(view, held)})`;
    return refuse(
      `nobody leads${why}, and ${enumerate(off)}, which cannot be reached, may have the last commits${found(view)}`,
      `${nothingChanged}. Switch ${off.length === 1 ? 'it' : 'them'} on and run this again; to go on without what only ${enumerate(off)} may have: ${pgprov`recover ${inventory} --without ${words(off)}`}`,
    );
  }
  const bare = view
    .hosts('patroni')
    .filter(({ name }) => {
      const { kind } = view.read(name, DATA_DIRECTORY) ?? {};
      const unit = view.read(name, enabledHandle(view.platform(name)?.patroni.unit ?? ''));
      return (kind === 'absent' || kind === 'empty') && (unit?.enabled === true || unit?.putOff === true) && !given.includes(name);
    })
    .map(({ name }) => name);
  if (bare.length === 0) return [];
  const beside = bare.flatMap((name) => {
    const path = view.read(name, DATA_BESIDE);
    return path === undefined ? [] : [`${path} on ${name}`];
  });
  const way =
    beside.length === 0
      ? 'Bring the data back (is its file system mounted?)'
      : `What was put aside last is in ${enumerate(beside)}. Where a restore did that, finish it on the machine that began it (${pgprov`restore ${inventory}`}), or take it back there with --undo; else bring the data back`;
  const rest = readableData(view).length === 0 ? '' : `; to go on without it: ${pgprov`recover ${inventory} --without ${words(bare)}`}`;
  return refuse(
    `${enumerate(bare)} had data and ${bare.length === 1 ? 'has' : 'have'} none now, and may have had the last commits${found(view)}`,
    `${nothingChanged}. ${way}${rest}`,
  );
}

function unreadable(run: RecoverRun): OperationObjection[] {
  const { view, inventory } = run;
  const given = givenUp(run);
  const broken = dataOf(view).filter(({ host, data }) => data.control !== 'valid' && !given.includes(host.name));
  if (broken.length === 0) return [];
  const said = broken.map(({ host, data }) => `${host.name}: ${controlTrouble(data)}`).join('; ');
  const without = [...given, ...broken.map(({ host }) => host.name)].join(',');
  return refuse(
    `data that may have the last commits cannot be read (${said})${found(view)}`,
    `${nothingChanged}. Repair or restore it; to go on without it: ${pgprov`recover ${inventory} --without ${without}`}`,
  );
}

/** Whose data it is; a new cluster is never made over data that is there. */
function identities(run: RecoverRun): OperationObjection[] {
  const { view, inventory } = run;
  const { name: store } = dcsOf(inventory);
  const known = storeOf(view)?.initialize ?? '';
  const [first] = hostsWith(inventory, 'patroni');
  const scope = first === undefined ? '' : scopeOf(inventory, first);
  if (readableData(view).length === 0) {
    return refuse(
      `no member has data, so there is nothing to recover ${scope} from`,
      known === '' ? `${pgprov`apply ${inventory}`} makes a new cluster` : `restore its data (system identifier ${known}) from a backup`,
    );
  }
  if (identifierOf(view) === undefined) {
    return refuse(
      `${store} does not know ${scope}, and the members have data of different clusters${found(view)}`,
      `${nothingChanged}: find out which of them is this cluster’s, put the data of the others aside (\`mv\`, which keeps it), and run this again`,
    );
  }
  if (usableData(view).length > 0) return [];
  return refuse(
    `${store} knows ${scope} with system identifier ${known}, and no member has data of it${found(view)}`,
    `${nothingChanged}: these are different databases, and either may be the one you need; find out whose scope that is. If it is this cluster’s, ${pgprov`doctor ${inventory}`} has the commands that put the identity of the data into it`,
  );
}

/** Who has the last commits must be known once all servers are down. */
function unordered(run: RecoverRun): OperationObjection[] {
  const { view, inventory } = run;
  const order = furthestOf(view);
  if (order?.kind === 'forked') {
    return refuse(
      `${enumerate(order.hosts)} wrote two different histories of timeline ${order.timeline}${found(view)}`,
      `${nothingChanged}. Each of them has commits that the other has not: decide which one is to go on, put the data of the other aside (\`mv\`, which keeps it), and run ${pgprov`recover ${inventory}`} again`,
    );
  }
  if (order?.kind !== 'unknown' || usableData(view).some(({ data }) => data.running)) return [];
  return refuse(
    `it is unknown which member has the last commits: ${order.why}${found(view)}`,
    `${nothingChanged}: ${unreadWay(run, order.unread ?? [])}`,
  );
}

/** What becomes of members that nobody can compare with the others; none: what is unknown is of another kind. */
function unreadWay(run: RecoverRun, unread: readonly string[]): string {
  const { view, inventory } = run;
  if (unread.length === 0)
    return `find that out, put the data of those that are not to lead aside (\`mv\`, which keeps it), and run ${pgprov`recover ${inventory}`} again`;
  const moves = unread.map((name) => {
    const [host, platform] = [hostsWith(inventory, 'patroni').find((each) => each.name === name), view.platform(name)];
    const path = host === undefined || platform === undefined ? 'DIRECTORY' : dataDirectoryOf(host, platform);
    return `\`mv ${path} ${path}.unread\`, as root on ${name}`;
  });
  const without = [...new Set([...givenUp(run), ...unread])].join(',');
  return `repair it; or go on without what only ${enumerate(unread)} may have, with its data kept aside: ${moves.join('; ')}; then ${pgprov`recover ${inventory} --without ${without}`}`;
}

/** Who has the last commits, and never leads. */
function barred({ view }: RecoverRun): OperationObjection[] {
  const first = firstOf(view);
  const host = usableData(view).find((each) => each.host.name === first)?.host;
  if (host === undefined) return [];
  const tag = barringTag(variables(host, 'patroni').tags);
  if (tag !== undefined) {
    return refuse(
      `${host.name} has the last commits, and its tag ${tag} keeps it from leading${found(view)}`,
      `${nothingChanged}; take the tag out of the inventory (patroni.tags) until it leads, and run this again, which writes its patroni.yml`,
    );
  }
  const sync = storeOf(view)?.sync;
  if (sync === undefined || dynamicOf(view)['synchronous_mode'] === undefined || dynamicOf(view)['synchronous_mode'] === false) return [];
  if ([sync.leader, ...sync.standbys].includes(host.name)) return [];
  return refuse(
    `${host.name} has the last commits, and with synchronous replication Patroni lets only ${enumerate([sync.leader, ...sync.standbys])} lead${found(view)}`,
    `${nothingChanged}: what is beyond their WAL on ${host.name} was never acknowledged; keep a copy of its data, and switch synchronous_mode off until the cluster runs`,
  );
}

/** PostgreSQL writes WAL before it takes connections, and ends where it cannot. */
function roomless({ view }: RecoverRun): OperationObjection[] {
  const first = firstOf(view);
  const free = first === undefined ? undefined : view.read(first, WAL_KEPT)?.free;
  if (first === undefined || free === undefined || free >= LEAST_ROOM) return [];
  return refuse(
    `${first} has the last commits, and the file system of its WAL is full (${formatBytes(free)} free), so PostgreSQL cannot start there${found(view)}`,
    `${nothingChanged}; make room there, never in pg_wal itself, and run this again`,
  );
}

/** How sure it is that a member has the last commits, as a sentence without its full stop. */
export function sureness(view: View, first: string): string {
  const all = usableData(view);
  const own = all.find(({ host }) => host.name === first)?.data;
  const others = all.filter(({ host }) => host.name !== first);
  const last = own?.position?.lastRecord;
  const at = last === undefined ? '' : `, its last WAL record at ${last}`;
  const state = `${first} is on timeline ${own?.position?.timeline ?? '?'}, ${own?.clusterState ?? '?'}${at}`;
  if (others.length === 0) return `${state}; no other member has data to compare it with`;
  const compared = others.map(({ host, data }) => {
    const [mine, theirs] = [own?.position, data.position];
    if (mine !== undefined && theirs !== undefined && theirs.timeline < mine.timeline)
      return `${host.name} is on the older timeline ${theirs.timeline}`;
    if (last === undefined || theirs?.lastRecord === undefined) return `${host.name} is on the same timeline`;
    const behind = lsnBytes(last) - lsnBytes(theirs.lastRecord);
    return behind > 0n ? `${host.name} ends ${behind} bytes of WAL before it` : `${host.name} has the same WAL`;
  });
  return `${state}; ${compared.join(', ')}`;
}

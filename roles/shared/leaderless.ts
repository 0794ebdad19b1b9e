import {
  compareConfig,
  DATA_DIRECTORY,
  DCS,
  enumerate,
  haltedHandle,
  PATRONI_MEMBER,
  recoveryWords,
  stuckConfigHandle,
  valueAt,
  pgprov,
  type Host,
  type JsonObject,
  type Objection,
  type Settling,
  type View,
} from '../../src/index.js';
import { comingUp, electing, isMalformed } from './coming-up.js';
import { dcsOf } from './dcs-of.js';
import { dynamicConfiguration } from './dynamic.js';
import { hostsWith, scopeOf, scopePrefix } from './layout.js';
import { furthestOf, isEnabled, stepsToStart, whatWasFound, type MemberData } from './members-data.js';
import { patronictlOnMember } from './patronictl.js';
import { isBarred } from './tags.js';

/**
 * A cluster that has data and no leader: a run may start its members, the one with the last commits first, and correct its dynamic
 * configuration before, and do nothing else. What the configuration keeps from starting is stopped first (see `patroniHalted`).
 * Whatever keeps it from knowing that order, or from starting in it, is refused, because the first member that comes up takes the
 * lead whether or not it has the last commits.
 * @param members those whose data is this cluster's, or cannot be read
 */
export function guardLeaderless(view: View, members: readonly MemberData[]): Objection[] {
  const reason = whyNot(view, members);
  const [first] = members;
  if (reason === undefined || first === undefined) return [];
  return [
    {
      kind: 'refuse',
      message: `${scopeOf(view.inventory, first.host)} has no leader, and ${reason.why}${whatWasFound(members)}`,
      hint: reason.hint,
      ...(reason.settles === undefined ? {} : { settles: reason.settles }),
    },
  ];
}

/**
 * A cluster without a leader whose data none of these hosts has: the dynamic configuration is not corrected then, because a member that the
 * run leaves out could take the lead with it.
 */
export function guardLeftData(view: View): Objection[] {
  const left = leftOut(view);
  const host = view.hosts('patroni').find((each) => corrects(view, each));
  if (left.length === 0 || host === undefined) return [];
  return [
    {
      kind: 'refuse',
      message: `${scopeOf(view.inventory, host)} has no leader, and this run leaves out ${names(left)}, which may have the last commits`,
      hint: 'run it without --host',
    },
  ];
}

function leftOut(view: View): Host[] {
  return hostsWith(view.inventory, 'patroni').filter((host) => !view.surveyed(host.name));
}

/** Whether the run corrects the dynamic configuration there, in the store or through a Patroni that answers. */
function corrects(view: View, host: Host): boolean {
  const state = view.read(host.name, stuckConfigHandle(scopeOf(view.inventory, host)));
  if (state?.stuck !== true) return false;
  const current = state.rest.answers ? state.rest.current : state.stored?.current;
  if (current === undefined) return false;
  const { set, taken } = compareConfig(current, dynamicConfiguration({ inventory: view.inventory, host }));
  return set.length + taken.length > 0;
}

/** What a person does first where Patroni runs with a dynamic configuration that keeps PostgreSQL from starting. */
function correctFirst(view: View): string {
  const [host] = hostsWith(view.inventory, 'patroni');
  const key = host === undefined ? 'config' : `${scopePrefix(view.inventory, host)}config`;
  return `stop Patroni on all members (\`systemctl stop patroni\`) and correct the key ${key} ${dcsOf(view.inventory).editing(view, key)}`;
}

interface Reason {
  /** A clause. */
  why: string;
  hint: string;
  /** What passes by itself of it; undefined: nothing does. */
  settles?: Settling | undefined;
}

function whyNot(view: View, members: readonly MemberData[]): Reason | undefined {
  const broken = members.filter(({ data }) => data.control !== 'valid');
  const down = members.every(({ data }) => !data.running);
  const halts = ({ host }: MemberData): boolean => down && isHalted(view, host);
  const failing = members.filter((member) => member.active && !member.data.running && member.data.control === 'valid' && !halts(member));
  const stopped = members.filter((member) => !member.active || halts(member));
  const starting = members.filter(({ active, data, stands }) => active && data.running && !stands);
  const left = leftOut(view);
  const steps = (of: readonly MemberData[]): string =>
    members.some(halts) ? `${correctFirst(view)}; then ${stepsToStart(view, of)}` : stepsToStart(view, of);
  const up = (of: readonly MemberData[]): Settling | undefined =>
    comingUp(
      view,
      of.map(({ host }) => host),
    );
  const bare = view.hosts('patroni').filter((host) => isEnabled(view, host) && isBare(view, host));
  const recovering = members.filter(({ host, active, stands }) => active && !stands && recovery(view, host) !== undefined);
  // A Patroni whose loop has stopped tells of a past state.
  if (recovering.length > 0 && !isMalformed(view)) return { ...toWaitFor(view, recovering), settles: up(members) };
  if (failing.length > 0) return isPaused(view) ? heldDown(view, failing) : { ...notStarting(view, failing), settles: up(members) };
  if (stopped.length === 0 && !isMalformed(view)) {
    return {
      why: 'Patroni runs on every member that has data: an election may be under way',
      hint: `see ${pgprov`status ${view.inventory}`}, and \`journalctl -u patroni\` on the members: an election takes no longer than the lease of a leader (patroni.ttl)`,
      settles: electing(view),
    };
  }
  if (starting.length > 0) {
    const hosts = names(starting.map(({ host }) => host));
    return {
      why: `PostgreSQL on ${hosts} is not up yet and may have the last commits: an election would pass it over`,
      hint: [
        `wait until \`${patronictlOnMember(view)} list\`, as root on a member, shows it running, which takes its time after a crash, and run this again;`,
        `if it does not come up, stop Patroni (\`systemctl stop patroni\`) on ${hosts} first`,
      ].join(' '),
      settles: up(starting),
    };
  }
  if (left.length > 0) {
    return {
      why: `this run leaves out ${names(left)}, which may have the last commits`,
      hint: `run it without --host; or ${steps(members)}`,
    };
  }
  if (broken.length > 0) {
    return {
      why: `the data of ${names(broken.map(({ host }) => host))} cannot be read, which may have the last commits`,
      hint: `repair or restore it; if you know that another has the last commits, ${steps(members.filter((member) => !broken.includes(member)))}`,
    };
  }
  if (bare.length > 0) {
    return {
      why: `${names(bare)} had data and ${bare.length === 1 ? 'has' : 'have'} none now, and may have had the last commits`,
      hint: `bring the data back (is its file system mounted?); if it is gone for good, say so by \`systemctl disable patroni; rm -f /var/lib/pgprov/stopped/patroni\` there, and run this again`,
    };
  }
  return unordered(view, members, steps);
}

/** The order of the members whose PostgreSQL is down. */
function unordered(view: View, members: readonly MemberData[], steps: (of: readonly MemberData[]) => string): Reason | undefined {
  const found = furthestOf(view, members);
  if (found?.kind === 'forked') {
    return { why: `${enumerate(found.hosts)} wrote two different histories of timeline ${found.timeline}`, hint: steps(members) };
  }
  // Without PostgreSQL's programs nothing can be told yet; they are installed before anything is started.
  const blind = members.some(({ data }) => data.position === undefined);
  if (found?.kind === 'unknown' && !blind)
    return { why: `it is unknown which member has the last commits: ${found.why}`, hint: steps(members) };
  const first = members.find(({ host }) => found?.kind === 'known' && host.name === found.host);
  if (first === undefined || !isBarred(first.host) || members.length === 1) return undefined;
  return {
    why: `${first.host.name} has the last commits, and its tag nofailover keeps it from leading`,
    hint: `take the tag away until it leads, or start another member yourself if what only ${first.host.name} has may be lost`,
  };
}

/** Whether the run stops Patroni there to correct the dynamic configuration. */
function isHalted(view: View, host: Host): boolean {
  return view.read(host.name, haltedHandle(view.platform(host.name)?.patroni.unit ?? ''))?.due === true;
}

function recovery(view: View, { name }: Host): string | undefined {
  return recoveryWords(view.read(name, DATA_DIRECTORY), view.read(name, PATRONI_MEMBER));
}

/** Slow is not broken: a server that replays WAL comes up by itself, and one that is stopped meanwhile begins again. */
function toWaitFor(view: View, recovering: readonly MemberData[]): Reason {
  return {
    why: `${recovering.map(({ host }) => `PostgreSQL on ${host.name} ${recovery(view, host)}`).join(', and ')}: it may have the last commits`,
    hint: [
      'wait, and run this again when it is up: replaying WAL takes its time, and nothing needs to be repaired.',
      `${pgprov`status ${view.inventory}`} shows how far it is. Do not stop PostgreSQL or Patroni on ${names(recovering.map(({ host }) => host))} meanwhile:`,
      'the next start would begin the recovery again;',
      'only if the WAL file that it replays stays the same for long, see `journalctl -u patroni` there',
    ].join(' '),
  };
}

function isPaused(view: View): boolean {
  return view.hosts('patroni').some(({ name }) => {
    const store = view.read(name, DCS);
    return store?.reachable === true && store.config?.['pause'] === true;
  });
}

/** In maintenance mode Patroni starts no PostgreSQL that was stopped. */
function heldDown(view: View, failing: readonly MemberData[]): Reason {
  return {
    why: `the cluster is in maintenance mode, in which Patroni starts no PostgreSQL that is down: that of ${names(failing.map(({ host }) => host))} is`,
    hint: `end it first (${pgprov`resume ${view.inventory}`}, which says what Patroni does then), and run this again`,
  };
}

/** The state after something that PostgreSQL does not start with: the first member that comes up takes the lead. */
function notStarting(view: View, failing: readonly MemberData[]): Reason {
  const hosts = names(failing.map(({ host }) => host));
  const others = setByOthers(view, failing[0]?.host);
  return {
    why: `Patroni runs on ${hosts}, but PostgreSQL does not`,
    hint: [
      'nothing is changed now: the first member to come up would take the lead, whether or not it has the last commits.',
      'See with `journalctl -u patroni` why PostgreSQL does not start. If it is a setting that all members share, correct it in the inventory',
      ...(others.length === 0 ? [] : [`(which does not give these, that ${dcsOf(view.inventory).name} has: ${others.join(', ')})`]),
      `and run this again: Patroni is then stopped on all of them first. Otherwise ${pgprov`recover ${view.inventory}`} finds the setting, stops Patroni on`,
      'all of them, corrects it, and starts the member with the last commits first',
    ].join(' '),
  };
}

/** Parameters of the dynamic configuration that the inventory does not give, as `shared_buffers = 500GB`. */
function setByOthers(view: View, host: Host | undefined): string[] {
  const store = host === undefined ? undefined : view.read(host.name, DCS);
  if (host === undefined || store?.reachable !== true) return [];
  const parameters = (config: JsonObject): JsonObject => (valueAt(config, ['postgresql', 'parameters']) ?? {}) as JsonObject;
  const given = parameters(dynamicConfiguration({ inventory: view.inventory, host }));
  return Object.entries(parameters((store.config ?? {}) as JsonObject))
    .filter(([name]) => !Object.hasOwn(given, name))
    .map(([name, value]) => `${name} = ${String(value)}`);
}

/** No data, and not the beginnings of any. */
function isBare(view: View, host: Host): boolean {
  const kind = view.read(host.name, DATA_DIRECTORY)?.kind;
  return kind === 'absent' || kind === 'empty';
}

function names(hosts: readonly Host[]): string {
  return enumerate(hosts.map(({ name }) => name));
}

import {
  controlTrouble,
  DATA_DIRECTORY,
  enumerate,
  INTERRUPTED_BOOTSTRAP,
  neverServed,
  enabledHandle,
  fileHandle,
  patroniAnewHandle,
  serviceHandle,
  pgprov,
  type BootstrapState,
  type ClusterData,
  type Host,
  type View,
} from '../../src/index.js';
import { furthest, type Furthest } from './furthest.js';
import { notedEnds, standsForElection } from './leader-in-store.js';

/** What a member of Patroni has on its host. */
export interface MemberData {
  host: Host;
  data: ClusterData;
  /** Undefined when it was not looked for. */
  bootstrap: BootstrapState | undefined;
  /** Patroni runs, or is about to, and not with another data directory (see `patroniAnew`). */
  active: boolean;
  /** PostgreSQL runs, and an election of a leader counts it. */
  stands: boolean;
}

/**
 * The members that have data, or what is left of it; not those with a copy that is under way or was interrupted, nor with the
 * beginnings of a bootstrap that never served.
 */
export function membersData(view: View): MemberData[] {
  return view.hosts('patroni').flatMap((host): MemberData[] => {
    const data = view.read(host.name, DATA_DIRECTORY);
    const bootstrap = view.read(host.name, INTERRUPTED_BOOTSTRAP);
    if (data?.kind !== 'cluster' || data.copy !== 'none') return [];
    if (bootstrap !== undefined && neverServed(bootstrap)) return [];
    const stands = data.running && standsForElection(view, host.name);
    return [{ host, data, bootstrap, active: runsPatroni(view, host), stands }];
  });
}

/** Whether systemd has Patroni running on the host, with the data directory that the inventory gives. */
export function runsPatroni(view: View, host: Host): boolean {
  const unit = view.platform(host.name)?.patroni.unit ?? '';
  const state = view.read(host.name, serviceHandle(unit))?.active;
  if (view.read(host.name, patroniAnewHandle(unit))?.withoutData === true) return false;
  return state === 'active' || state === 'activating' || state === 'reloading';
}

/** Whether systemd has Patroni stopped on the host; false where that was not asked. */
export function isStopped(view: View, host: string): boolean {
  const state = view.read(host, serviceHandle(view.platform(host)?.patroni.unit ?? ''))?.active;
  return state === 'inactive' || state === 'failed';
}

/** Whether pgprov has Patroni start at boot there, which it does once the member has its data, or had until `pgprov stop`. */
export function isEnabled(view: View, host: Host): boolean {
  const state = view.read(host.name, enabledHandle(view.platform(host.name)?.patroni.unit ?? ''));
  return state?.enabled === true || state?.putOff === true;
}

/** The scope in a patroni.yml that pgprov wrote on the host; undefined where there is none. */
export function configuredScope(view: View, host: Host): string | undefined {
  const file = view.read(host.name, fileHandle(view.platform(host.name)?.patroni.configFile ?? ''));
  const text = file?.type === 'file' ? file.content.toString('utf8') : '';
  return text.startsWith('# Managed by pgprov') ? /^scope: *["']?([^"'\n]+)/mu.exec(text)?.[1] : undefined;
}

/** A line a member: `  pg1: system identifier 7…, timeline 2, shut down, last checkpoint at 0/5005420`. */
export function whatWasFound(members: readonly MemberData[]): string {
  return members.map(({ host, data }) => `\n  ${host.name}: ${describe(data)}`).join('');
}

/** `timeline 2, shut down, last checkpoint at 0/5005420` */
export function describe(data: ClusterData): string {
  const { systemIdentifier, clusterState, position, running } = data;
  const identifier = systemIdentifier === undefined ? [] : [`system identifier ${systemIdentifier}`];
  const trouble = controlTrouble(data);
  if (trouble !== undefined) return [...identifier, trouble].join(', ');
  const wal =
    position === undefined ? [] : [`timeline ${position.timeline}`, clusterState ?? '', `last checkpoint at ${position.checkpoint}`];
  const last = position?.lastRecord === undefined ? [] : [`last WAL record at ${position.lastRecord}`];
  return [...identifier, ...wal, ...last, ...(running ? ['PostgreSQL runs'] : [])].join(', ');
}

/** Who of the members that an election would not count is the furthest; undefined when there is none. */
export function furthestOf(view: View, members: readonly MemberData[]): Furthest | undefined {
  const down = members.filter(({ stands }) => !stands).map(({ host, data }) => ({ host: host.name, data }));
  return furthest(down, notedEnds(view));
}

/** How a person starts a cluster that is down, as a sentence without its full stop. */
export function stepsToStart(view: View, members: readonly MemberData[]): string {
  const { inventory } = view;
  const down = members.filter(({ stands }) => !stands).map(({ host }) => host.name);
  const found = furthestOf(view, members);
  if (found?.kind === 'known') {
    const others = down.filter((name) => name !== found.host);
    const then = others.length === 0 ? '' : `, and once ${pgprov`status ${inventory}`} shows it as the leader, on ${enumerate(others)}`;
    return `run \`systemctl start patroni\` on ${found.host}, which has the last commits${then}; then run this again`;
  }
  if (found?.kind === 'forked')
    return `decide which of ${enumerate(found.hosts)} to continue with, keep a copy of the other’s data directory, and start Patroni there first, by \`systemctl start patroni\``;
  return `find out which host has the last commits, and run \`systemctl start patroni\` there first, on the others once ${pgprov`status ${inventory}`} shows it as the leader`;
}

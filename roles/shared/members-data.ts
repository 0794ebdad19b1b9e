import {
  controlTrouble, DATA_DIRECTORY, enumerate, furthest, INTERRUPTED_BOOTSTRAP, neverServed,
  type BootstrapState, type ClusterData, type DataDirectoryState, type Furthest, type Host, type PathState, type PatroniAnewState, type ServiceState, type View,
} from '../../src/index.js';

/** What a member of Patroni has on its host. */
export interface MemberData {
  host: Host;
  data: ClusterData;
  /** Undefined when it was not looked for. */
  bootstrap: BootstrapState | undefined;
  /** Patroni runs, or is about to, and not with another data directory (see `patroniAnew`). */
  active: boolean;
}

/**
 * The members that have data, or what is left of it; not those with a copy that is under way or was broken off, nor with the
 * beginnings of a bootstrap that never served.
 */
export function membersData(view: View): MemberData[] {
  return view.hosts('patroni').flatMap((host): MemberData[] => {
    const data = view.read<DataDirectoryState>(host.name, DATA_DIRECTORY);
    const bootstrap = view.read<BootstrapState>(host.name, INTERRUPTED_BOOTSTRAP);
    if (data?.kind !== 'cluster' || data.copy !== 'none') return [];
    if (bootstrap !== undefined && neverServed(bootstrap)) return [];
    return [{ host, data, bootstrap, active: runsPatroni(view, host) }];
  });
}

/** Whether systemd has Patroni running on the host, with the data directory that the inventory gives. */
export function runsPatroni(view: View, host: Host): boolean {
  const unit = view.platform(host.name)?.patroni.unit ?? '';
  const state = view.read<ServiceState>(host.name, `service:${unit}`)?.active;
  if (view.read<PatroniAnewState>(host.name, `anew:${unit}`)?.withoutData === true) return false;
  return state === 'active' || state === 'activating' || state === 'reloading';
}

/** Whether pgprov has Patroni start at boot there, which it does once the member has its data. */
export function isEnabled(view: View, host: Host): boolean {
  return view.read<{ enabled: boolean }>(host.name, `enabled:${view.platform(host.name)?.patroni.unit ?? ''}`)?.enabled === true;
}

/** The scope in a patroni.yml that pgprov wrote on the host; undefined where there is none. */
export function configuredScope(view: View, host: Host): string | undefined {
  const file = view.read<PathState>(host.name, `file:${view.platform(host.name)?.patroni.configFile}`);
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
  const wal = position === undefined ? [] : [`timeline ${position.timeline}`, clusterState ?? '', `last checkpoint at ${position.checkpoint}`];
  const last = position?.lastRecord === undefined ? [] : [`last WAL record at ${position.lastRecord}`];
  return [...identifier, ...wal, ...last, ...(running ? ['PostgreSQL runs'] : [])].join(', ');
}

/** Who of the members whose PostgreSQL is down is the furthest; undefined when there is none. */
export function furthestOf(members: readonly MemberData[]): Furthest | undefined {
  return furthest(members.filter(({ data }) => !data.running).map(({ host, data }) => ({ host: host.name, data })));
}

/** How a person starts a cluster that is down, as a sentence without its full stop. */
export function stepsToStart(members: readonly MemberData[]): string {
  const down = members.filter(({ data }) => !data.running).map(({ host }) => host.name);
  const found = furthestOf(members);
  if (found?.kind === 'known') {
    const others = down.filter((name) => name !== found.host);
    const then = others.length === 0 ? '' : `, and once \`patronictl list\` shows it as the leader, on ${enumerate(others)}`;
    return `run \`systemctl start patroni\` on ${found.host}, which has the last commits${then}; then run this again`;
  }
  if (found?.kind === 'forked') return `decide which of ${enumerate(found.hosts)} to go on with, keep a copy of the other’s data directory, and start Patroni there first, by \`systemctl start patroni\``;
  return `find out which host has the last commits, and run \`systemctl start patroni\` there first, on the others once \`patronictl list\` shows it as the leader`;
}

import {
  packagesOnHold,
  pgprov,
  runningProgram,
  runningProgramHandle,
  topologyOf,
  upstreamVersion,
  type Host,
  type Observation,
  type RoleContext,
  type RunningProgram,
  type Stage,
  type StatusLine,
  type Versions,
  type View,
} from '../../src/index.js';
import { dcsOf } from './dcs-of.js';
import { dataDirectoryOf } from './layout.js';
import { lockTimeout } from './packages.js';
import { variables, variablesIfAny } from './variables.js';

type Context = Pick<RoleContext, 'host' | 'inventory' | 'platform'>;

/** The packages of a role's program on a host; the first brings the program. */
export function programPackages(context: Context, role: string): readonly string[] {
  const { host, inventory, platform } = context;
  if (role === 'postgresql') return platform.postgresql(variables(host, 'postgresql').version).serverPackages;
  if (role === 'patroni') return [...platform.patroni.packages, ...dcsOf(inventory).packages(platform)];
  return dcsOf(inventory).serverPackages(context);
}

/** The version that the inventory wants of a role's program on a host, as the program calls itself; undefined: it says none. */
export function wantedVersion({ host, inventory }: Pick<RoleContext, 'host' | 'inventory'>, role: string): string | undefined {
  if (role === 'postgresql') return variables(host, 'postgresql').minor;
  return role === 'patroni' ? variables(host, 'patroni').version : dcsOf(inventory).wantedVersion(host);
}

/** The versions in which these packages are installed where the inventory says one. */
export function pinned(version: string | undefined, packages: readonly string[]): { versions?: Versions } {
  return version === undefined ? {} : { versions: Object.fromEntries(packages.map((name) => [name, version])) };
}

/** Whether the inventory says that packages are to be on hold on a host, or not to be; undefined: it says nothing. */
export function isHolding(host: Host): boolean | undefined {
  return variablesIfAny(host, 'base')?.hold_packages;
}

/** The packages of a role's program that are to be on hold with apt, as the inventory says. */
export function packagesToHold(context: Context, role: string): string[] {
  return isHolding(context.host) === true && context.platform.packageManager === 'apt' ? ownPackages(context, role) : [];
}

/** Those of the program itself, without libraries that it needs. */
function ownPackages(context: Context, role: string): string[] {
  const [first = '', ...others] = programPackages(context, role);
  return [first, ...others.filter((name) => name.startsWith(role))];
}

/**
 * Puts a role's packages on hold where apt knows that, or takes them off, as the inventory says. On a host with dnf the file of PGDG's repositories
 * excludes them.
 */
export function holdStage(context: Context, role: string): Stage[] {
  const { host, platform } = context;
  const hold = isHolding(host);
  if (hold === undefined || platform.packageManager !== 'apt') return [];
  const packages = ownPackages(context, role);
  return [
    {
      name: 'hold',
      title: hold ? 'keep packages from upgrades of the whole system' : 'take packages off hold',
      crossing: 'independent',
      resources: [packagesOnHold({ name: role, packages, hold, ...lockTimeout(host) })],
    },
  ];
}

/** Which version of a role's program is installed on a host, and whether that is what runs there. */
export function programOf(context: Context, role: string): Observation<RunningProgram> {
  const { host, inventory, platform } = context;
  return runningProgram({
    name: role,
    manager: platform.packageManager,
    packages: programPackages(context, role),
    process:
      role === 'postgresql'
        ? { data: dataDirectoryOf(host, platform) }
        : { unit: role === 'patroni' ? platform.patroni.unit : dcsOf(inventory).unit },
  });
}

/** For a status: that an older version runs than is installed, and that other hosts of the same system have a newer one. */
export function versionLines(view: View, host: Host, role: string, title: string): StatusLine[] {
  const program = view.read(host.name, runningProgramHandle(role));
  const [[name, version] = []] = Object.entries(program?.installed ?? {});
  if (program === undefined || name === undefined || version === undefined) return [];
  const others = view
    .hosts(role)
    .filter((other) => view.platform(other.name)?.id === view.platform(host.name)?.id)
    .flatMap((other) => {
      const has = view.read(other.name, runningProgramHandle(role))?.installed[name];
      return has === undefined || !isNewer(has, version) ? [] : [{ other: other.name, has }];
    });
  const [newest] = others.sort((a, b) => (isNewer(a.has, b.has) ? -1 : 1));
  const wanted = wantedVersion({ host, inventory: view.inventory }, role);
  const isOther = wanted !== undefined && wanted !== version && wanted !== upstreamVersion(version);
  const isBeside = topologyOf(host) === 'single' && view.inventory.hosts.some((other) => topologyOf(other) === 'patroni');
  const update = role !== 'postgresql' || !isBeside ? `; ${pgprov`update ${view.inventory}`} ends that` : '';
  return [
    ...(program.old === true
      ? [{ level: 'warning' as const, text: `${title} runs in another version than is installed (${name} ${version})${update}` }]
      : []),
    ...(isOther
      ? [
          {
            level: 'warning' as const,
            text: `${name} ${version} is installed, and the inventory says ${wanted}${isNewer(version, wanted) ? '; no update goes back to an older version' : update}`,
          },
        ]
      : []),
    ...(newest === undefined
      ? []
      : [{ level: 'warning' as const, text: `${name} ${version} is installed, and on ${newest.other} ${newest.has}${update}` }]),
  ];
}

/** Whether a version is newer than another one of the same package, as far as its numbers tell. */
export function isNewer(version: string, than: string): boolean {
  const numbers = (text: string): number[] => (text.match(/\d+/gu) ?? []).map(Number);
  const order = (a: readonly number[], b: readonly number[]): number => {
    const at = a.findIndex((number, index) => number !== b[index]);
    return at === -1 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? 0);
  };
  const upstream = order(numbers(upstreamVersion(version)), numbers(upstreamVersion(than)));
  return upstream === 0 ? order(numbers(version), numbers(than)) > 0 : upstream > 0;
}

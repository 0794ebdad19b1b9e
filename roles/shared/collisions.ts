import { PLATFORMS, topologyOf, type Host, type VariableProblem } from '../../src/index.js';
import { dataDirectoryOf } from './layout.js';
import { STORES } from './stores.js';
import { variables } from './variables.js';

/** Roles in the database that must differ, because each has a password and rights of its own. */
export function sameAccounts(hosts: readonly Host[]): VariableProblem[] {
  const host = hosts.find((candidate) => topologyOf(candidate) === 'patroni') ?? hosts.find(({ roles }) => roles.includes('replication'));
  if (host === undefined) return [];
  const accounts = [
    { path: 'postgresql.superuser', name: superuserOf(host) },
    { path: 'replication.username', name: variables(host, 'replication').username },
    ...(topologyOf(host) === 'patroni' ? [{ path: 'patroni.rewind_username', name: variables(host, 'patroni').rewind_username }] : []),
  ];
  return accounts.flatMap(({ path, name }, index): VariableProblem[] => {
    const twin = accounts.slice(0, index).find((other) => other.name === name);
    if (twin === undefined) return [];
    const [at, other] = isGiven(host, path) ? [path, twin.path] : [twin.path, path];
    return [
      {
        host,
        path: at,
        message: `${name} is the name of ${other} too: these are two roles, with passwords and rights of their own`,
        hint: 'give one of them another name',
      },
    ];
  });
}

/** Without Patroni the server's superuser is called like the user of the operating system. */
const OWN_SUPERUSER = 'postgres';

function superuserOf(host: Host): string {
  return topologyOf(host) === 'patroni' ? variables(host, 'postgresql').superuser : OWN_SUPERUSER;
}

/** A superuser's name that nothing takes. */
export function unusedSuperuser(hosts: readonly Host[]): VariableProblem[] {
  return hosts
    .filter((host) => topologyOf(host) !== 'patroni' && variables(host, 'postgresql').superuser !== OWN_SUPERUSER)
    .map((host) => ({
      host,
      path: 'postgresql.superuser',
      message: `has no effect without Patroni: the superuser is ${OWN_SUPERUSER}`,
      hint: 'leave it out',
    }));
}

/** Directories of the system, which no service may have for itself. */
const SYSTEM_DIRECTORIES = new Set(
  `/bin /boot /dev /etc /home /lib /lib64 /media /opt /proc /root /run /sbin /sys /tmp /usr /usr/bin /usr/lib /usr/local /usr/sbin
  /usr/share /var /var/cache /var/lib /var/log /var/run /var/spool /var/tmp`.split(/\s+/u),
);

/** Data directories of the host that lie in each other, or are the system's: one service would take the other's files. */
export function directoryProblems(host: Host): VariableProblem[] {
  const stores = STORES.filter(({ role }) => host.roles.includes(role));
  const paths = ['postgresql.data_dir', ...stores.map(({ role }) => `${role}.data_dir`)];
  return [
    ...paths.filter((path) => isGiven(host, path)).flatMap((path) => systemDirectory(host, path)),
    ...stores.flatMap(({ role, name, dataRoot }): VariableProblem[] => {
      const places = PLATFORMS.map((platform) => [dataDirectoryOf(host, platform), dataRoot(host, platform)] as const);
      const [data, store] = places.find(([one, other]) => isWithin(one, other) || isWithin(other, one)) ?? [];
      if (data === undefined || store === undefined) return [];
      const path = isGiven(host, `${role}.data_dir`) ? `${role}.data_dir` : 'postgresql.data_dir';
      return [
        {
          host,
          path,
          message: `PostgreSQL’s data would be in ${data} and ${name}’s in ${store}: neither may lie in the other`,
          hint: 'give one of them another directory',
        },
      ];
    }),
  ];
}

function systemDirectory(host: Host, path: string): VariableProblem[] {
  const [role = '', key = ''] = path.split('.');
  const directory = plain(String(host.vars[role]?.[key]));
  if (!SYSTEM_DIRECTORIES.has(directory)) return [];
  return [
    {
      host,
      path,
      message: `${directory} belongs to the operating system, and a data directory is closed to everybody else`,
      hint: `give it a directory of its own, such as ${directory}/${role}`,
    },
  ];
}

function isGiven(host: Host, path: string): boolean {
  return (host.provenance.get(path)?.kind ?? 'default') !== 'default';
}

function isWithin(inner: string, outer: string): boolean {
  return `${plain(inner)}/`.startsWith(`${plain(outer)}/`);
}

/** One spelling for each path. */
function plain(path: string): string {
  return path.replace(/\/+/gu, '/').replace(/(?<=.)\/$/u, '');
}

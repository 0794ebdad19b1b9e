import { isIPv4, isIPv6 } from 'node:net';
import { coveringLine, parseHbaLine, topologyOf, type Host, type VariableProblem } from '../../src/index.js';
import { poolerAccess } from './pgbouncer/account.js';
import { REWIND_DATABASE, streamingServers } from './streaming/servers.js';
import { variables } from './variables.js';

/** The user of the operating system that owns the server, and the map that lets it in as a superuser of another name. */
const OWNER = 'postgres';
const MAP = 'pgprov';

/** Where the machine reaches itself. */
const LOOPBACK = ['127.0.0.1', '::1'];

/** A member's address as pg_hba.conf takes it: one host, or a name that resolves both ways. */
function hbaAddress(address: string): string {
  if (isIPv4(address)) return `${address}/32`;
  return isIPv6(address) ? `${address}/128` : address;
}

/** A role name as pg_hba.conf takes it, where `all` is everybody unless it is quoted. */
function hbaName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/u.test(name) && name !== 'all' ? name : `"${name}"`;
}

/** Lets the owner of the server in on the socket as the superuser. */
function superuserLine(superuser: string): string {
  return `local all ${hbaName(superuser)} peer${superuser === OWNER ? '' : ` map=${MAP}`}`;
}

/** Lines of pg_ident.conf that `superuserLine` needs; none where the superuser is called as the server's owner is. */
export function identLines(superuser: string): string[] {
  return superuser === OWNER ? [] : [`${MAP} ${OWNER} ${hbaName(superuser)}`];
}

function replicationLine(name: string, address: string): string {
  return `host replication ${hbaName(name)} ${hbaAddress(address)} scram-sha-256`;
}

/**
 * Lines that pgprov and Patroni cannot do without, each for one of their own roles: the superuser on the socket, and from the members and the
 * machine itself those that replicate, rewind and administer. They stand first, so that no line of the inventory's takes them away.
 */
function memberLines(host: Host, hosts: readonly Host[]): string[] {
  const members = hosts.filter((other) => topologyOf(other) === 'patroni');
  const { superuser } = variables(host, 'postgresql');
  const { username: replication } = variables(host, 'replication');
  const { rewind_username: rewind } = variables(host, 'patroni');
  return [
    superuserLine(superuser),
    ...[...LOOPBACK, ...members.map(({ clusterAddress }) => clusterAddress)].flatMap((address) => [
      replicationLine(replication, address),
      ...[rewind, superuser].map((name) => `host all ${hbaName(name)} ${hbaAddress(address)} scram-sha-256`),
    ]),
    ...poolerLines(hosts),
  ];
}

/** Lets PgBouncer ask for passwords, from wherever it comes. */
function poolerLines(hosts: readonly Host[]): string[] {
  const access = poolerAccess(hosts);
  if (access === undefined) return [];
  const { role, database, addresses } = access;
  return addresses.map((address) => `host ${database} ${hbaName(role)} ${hbaAddress(address)} scram-sha-256`);
}

/** Lines for everybody else, where no line of the inventory says otherwise: peer on the socket, passwords from the machine itself. */
const FOR_ALL = [
  'local all all peer',
  'local replication all peer',
  ...LOOPBACK.map((address) => `host all all ${hbaAddress(address)} scram-sha-256`),
];

/** The pg_hba.conf of a member under Patroni. */
export function patroniAccess(host: Host, hosts: readonly Host[]): string[] {
  return [...memberLines(host, hosts), ...variables(host, 'postgresql').hba, ...FOR_ALL];
}

/** What stands in the pg_hba.conf of a server without Patroni, ahead of the lines that it was made with. */
export function standaloneAccess(host: Host, hosts: readonly Host[]): string[] {
  return [...linesWithoutPatroni(host, hosts), ...variables(host, 'postgresql').hba];
}

function linesWithoutPatroni(host: Host, hosts: readonly Host[]): string[] {
  if (topologyOf(host) === 'streaming') return [superuserLine(OWNER), ...streamingLines(host, streamingServers(hosts))];
  const replicates = host.roles.includes('replication');
  return [
    superuserLine(OWNER),
    ...(replicates ? [replicationLine(variables(host, 'replication').username, host.clusterAddress)] : []),
    ...poolerLines(hosts),
  ];
}

/**
 * Lets every other server replicate, whoever is the primary, and rewind, for which pg_rewind logs in to a database; keeps the server from
 * replicating from itself.
 */
function streamingLines(host: Host, servers: readonly Host[]): string[] {
  const { username } = variables(host, 'replication');
  return servers.flatMap(({ name, clusterAddress }) =>
    name === host.name
      ? [`host replication ${hbaName(username)} ${hbaAddress(clusterAddress)} reject`]
      : [
          replicationLine(username, clusterAddress),
          `host ${REWIND_DATABASE} ${hbaName(username)} ${hbaAddress(clusterAddress)} scram-sha-256`,
        ],
  );
}

/** The first line that initdb or pg_createcluster writes: whatever stands above it is somebody's own. */
export const FIRST_DEFAULT_LINE =
  /^(?:local\s+(?:all|replication)|host\s+(?:all|replication)(?=\s+\S+\s+(?:127\.0\.0\.1\/32|::1\/128)))\s+(?:all|postgres)\s/u;

/** What is wrong with the host's own access lines, read as the PostgreSQL that it is to have reads them. */
export function accessProblems(host: Host): VariableProblem[] {
  const { version, hba } = variables(host, 'postgresql');
  return hba.flatMap((line, entry): VariableProblem[] => {
    const parsed = parseHbaLine(line, version);
    if (parsed === 'nothing' || !('problem' in parsed)) return [];
    const { column, message, hint } = parsed.problem;
    return [
      { host, path: 'postgresql.hba', entry, message: `column ${column} of the line: ${message}`, ...(hint === undefined ? {} : { hint }) },
    ];
  });
}

/** The host's own access lines that never take effect, because one above them decides the same connections otherwise. */
export function shadowedLines(host: Host, hosts: readonly Host[]): VariableProblem[] {
  const { version, hba } = variables(host, 'postgresql');
  const own = linesAhead(host, hosts);
  return hba.flatMap((line, entry): VariableProblem[] => {
    const at = { host, path: 'postgresql.hba', entry };
    const needed = coveringLine(line, own, version);
    if (needed !== undefined) {
      const message = `has no effect: pgprov’s own line "${needed}", which the cluster needs, comes first`;
      return [{ ...at, message, hint: 'leave it out, or give it another role or address' }];
    }
    const earlier = coveringLine(line, hba.slice(0, entry), version);
    if (earlier === undefined) return [];
    return [
      { ...at, message: `has no effect: the line "${earlier}" above it decides the same connections`, hint: 'put the narrower line first' },
    ];
  });
}

function linesAhead(host: Host, hosts: readonly Host[]): string[] {
  if (topologyOf(host) !== 'patroni') return linesWithoutPatroni(host, hosts);
  return memberLines(host, hosts);
}

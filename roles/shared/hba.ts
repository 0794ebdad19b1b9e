import { coveringLine, parseHbaLine, topologyOf, type Host, type VariableProblem } from '../../src/index.js';
import { clientLines } from './access.js';
import { hbaAddress, hbaName } from './hba-words.js';
import { poolerAccess } from './pgbouncer/account.js';
import { REWIND_DATABASE, streamingServers } from './streaming/servers.js';
import { variables } from './variables.js';

/** The user of the operating system that owns the server, and the map that lets it in as a superuser of another name. */
const OWNER = 'postgres';
const MAP = 'pgprov';

/** Where the machine reaches itself. */
const LOOPBACK = ['127.0.0.1', '::1'];

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
  return [...memberLines(host, hosts), ...clientLines(host, hosts).map(({ line }) => line), ...FOR_ALL];
}

/** What stands in the pg_hba.conf of a server without Patroni, ahead of the lines that it was made with. */
export function standaloneAccess(host: Host, hosts: readonly Host[]): string[] {
  return [...linesWithoutPatroni(host, hosts), ...clientLines(host, hosts).map(({ line }) => line)];
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

/** What is wrong with the lines for the host's clients, read as the PostgreSQL that it is to have reads them. */
export function accessProblems(host: Host, hosts: readonly Host[]): VariableProblem[] {
  const { version } = variables(host, 'postgresql');
  return clientLines(host, hosts).flatMap(({ line, path, entry }): VariableProblem[] => {
    const parsed = parseHbaLine(line, version);
    if (parsed === 'nothing' || !('problem' in parsed)) return [];
    const { column, message, hint } = parsed.problem;
    const where = path === 'postgresql.hba' ? `column ${column} of the line` : `the line \`${line}\` that it makes`;
    return [{ host, path, entry, message: `${where}: ${message}`, ...(hint === undefined ? {} : { hint }) }];
  });
}

/** The lines for the host's clients that never take effect, because one above them decides the same connections otherwise. */
export function shadowedLines(host: Host, hosts: readonly Host[]): VariableProblem[] {
  const { version } = variables(host, 'postgresql');
  const own = linesAhead(host, hosts);
  const all = clientLines(host, hosts);
  return all.flatMap(({ line, path, entry }, place): VariableProblem[] => {
    const at = { host, path, entry };
    const which = path === 'postgresql.hba' ? '' : ` as the line \`${line}\``;
    const needed = coveringLine(line, own, version);
    if (needed !== undefined) {
      const message = `has no effect${which}: pgprov’s own line "${needed}", which the cluster needs, comes first`;
      return [{ ...at, message, hint: 'leave it out, or give it another role or address' }];
    }
    const before = all.slice(0, place).map((earlier) => earlier.line);
    const earlier = coveringLine(line, before, version);
    if (earlier === undefined) return [];
    return [
      {
        ...at,
        message: `has no effect${which}: the line "${earlier}" above it decides the same connections`,
        hint: 'put the narrower line first',
      },
    ];
  });
}

function linesAhead(host: Host, hosts: readonly Host[]): string[] {
  if (topologyOf(host) !== 'patroni') return linesWithoutPatroni(host, hosts);
  return memberLines(host, hosts);
}

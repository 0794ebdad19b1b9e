import { topologyOf, type Host, type Topology, type VariableProblem } from '../../src/index.js';
import { variables } from './variables.js';

type Parameters = Readonly<Record<string, unknown>>;

/** A parameter that is not for the inventory's `parameters` to give, and why. */
interface Owned {
  message: string;
  hint: string;
}

const SOCKETS: Owned = {
  message: 'is where pgprov and Patroni reach the server, and stays where the platform’s packages have it',
  hint: 'leave it out; clients on the host find the socket there',
};

/** On every host, whoever runs the server. */
const ALWAYS: Readonly<Record<string, Owned>> = {
  port: { message: 'is set by postgresql.port', hint: 'set postgresql.port' },
  data_directory: { message: 'is set by postgresql.data_dir', hint: 'set postgresql.data_dir' },
  config_file: { message: 'is where the platform has it', hint: 'leave it out' },
  hba_file: { message: 'would override postgresql.hba', hint: 'give access lines in postgresql.hba' },
  external_pid_file: { message: 'is written by the platform’s own service', hint: 'leave it out' },
  unix_socket_directories: SOCKETS,
};

/** Under Patroni: what it gives the server itself, whatever its configuration says (its documentation, "Patroni configuration"). */
const PATRONIS: Readonly<Record<string, Owned>> = {
  listen_addresses: {
    message: 'has no effect: Patroni gives the server the addresses of its own `listen`, which pgprov sets to all of the host',
    hint: 'say in postgresql.hba and in the role firewall who may connect',
  },
  cluster_name: {
    message: 'has no effect: Patroni gives the server the name of its scope',
    hint: 'the name of a new cluster is patroni.scope',
  },
  ident_file: { message: 'would override Patroni’s pg_ident', hint: 'give patroni.dynamic.postgresql.pg_ident' },
  primary_conninfo: { message: 'has no effect: Patroni itself sets which server a standby follows', hint: 'leave it out' },
  primary_slot_name: { message: 'has no effect: Patroni names the slot of each standby', hint: 'leave it out' },
  wal_keep_segments: { message: 'is not known to PostgreSQL 13 and later', hint: 'set wal_keep_size' },
};

const CERTIFICATE: Owned = {
  message: 'is set by postgresql.tls',
  hint: 'leave it out; or leave postgresql.tls out, and bring certificates of your own to the hosts',
};

/** With postgresql.tls: where the host's certificate is. */
const TLS: Readonly<Record<string, Owned>> = {
  ssl: CERTIFICATE,
  ssl_cert_file: CERTIFICATE,
  ssl_key_file: CERTIFICATE,
  ssl_ca_file: CERTIFICATE,
};

/** Of servers that stream without Patroni: what pgprov works out itself. */
const STREAMINGS: Readonly<Record<string, Owned>> = {
  primary_conninfo: { message: 'is worked out from the hosts of the inventory', hint: 'leave it out' },
  synchronous_standby_names: {
    message: 'would have every commit wait for standbys before they are made',
    hint: 'give replication.synchronous, by which it is set once they stream',
  },
  primary_slot_name: { message: 'is the slot that pgprov makes for the host', hint: 'leave it out; see replication.slots' },
};

const SYNCHRONOUS: Owned = {
  message: 'has no effect with synchronous_mode: Patroni names the synchronous standbys',
  hint: 'leave it out, or take synchronous_mode back',
};

/**
 * Parameters that Patroni takes from its dynamic configuration alone and gives the server on its command line, with the values
 * that it takes; it leaves out any other with a warning in its journal (Patroni's ConfigHandler.CMDLINE_OPTIONS).
 */
const AGREED: Readonly<Record<string, { takes(value: unknown): boolean; expects: string }>> = {
  hot_standby: { takes: (value) => booleanOf(value) === true, expects: 'on' },
  wal_level: {
    takes: (value) => ['replica', 'logical', 'hot_standby'].includes(String(value).toLowerCase()),
    expects: 'replica or logical',
  },
  max_connections: least(25),
  max_wal_senders: least(3),
  max_prepared_transactions: least(0),
  max_locks_per_transaction: least(32),
  max_replication_slots: least(4),
  max_worker_processes: least(2),
  wal_keep_size: { takes: (value) => (megabytesOf(value) ?? 16) >= 16, expects: '16MB or more' },
  track_commit_timestamp: { takes: (value) => booleanOf(value) !== undefined, expects: 'on or off' },
  wal_log_hints: { takes: (value) => booleanOf(value) !== undefined, expects: 'on or off' },
};

/** Where parameters stand in the inventory: those of the role postgresql, and those in Patroni's dynamic configuration. */
const PLACES = ['postgresql.parameters', 'patroni.dynamic.postgresql.parameters'] as const;

/** What of the hosts' parameters Patroni or pgprov would not put in force, and what must be the same on all members and is not. */
export function parameterProblems(hosts: readonly Host[]): VariableProblem[] {
  return [...hosts.flatMap((host) => PLACES.flatMap((place) => hostProblems(host, place))), ...disagreements(hosts)];
}

function parametersAt(host: Host, place: (typeof PLACES)[number]): Parameters {
  return (
    (place.split('.').reduce<unknown>((value, key) => (value as Parameters | undefined)?.[key], host.vars) as Parameters | undefined) ?? {}
  );
}

function hostProblems(host: Host, place: (typeof PLACES)[number]): VariableProblem[] {
  const topology = topologyOf(host);
  const parameters = parametersAt(host, place);
  const names = Object.keys(parameters);
  return Object.entries(parameters).flatMap(([name, value]): VariableProblem[] => {
    const at = { host, path: `${place}.${name}` };
    const twin = names.find((other) => other !== name && other.toLowerCase() === name.toLowerCase());
    if (twin !== undefined && twin < name)
      return [{ ...at, message: `is given twice: ${twin} is the same parameter`, hint: 'PostgreSQL takes names in either case; keep one' }];
    const owned = ownedBy(host, name.toLowerCase(), topology);
    if (owned !== undefined) return [{ ...at, ...owned }];
    const agreed = topology === 'patroni' ? agreedOn(name) : topology === 'streaming' ? streamingNeeds(name) : undefined;
    if (agreed?.takes(value) === false) {
      return [
        {
          ...at,
          message:
            topology === 'patroni'
              ? `must be ${agreed.expects}, not ${String(value)}: Patroni leaves any other value out and keeps its default`
              : `must be ${agreed.expects}, not ${String(value)}: no standby could stream`,
          hint: topology === 'patroni' ? 'Patroni says so only in its own log' : 'leave it out',
        },
      ];
    }
    return [];
  });
}

function ownedBy(host: Host, name: string, topology: Topology): Owned | undefined {
  const own = (table: Readonly<Record<string, Owned>>): Owned | undefined => (Object.hasOwn(table, name) ? table[name] : undefined);
  const certificate = variables(host, 'postgresql').tls ? own(TLS) : undefined;
  if (certificate !== undefined) return certificate;
  if (topology === 'streaming') return own(ALWAYS) ?? own(STREAMINGS);
  if (topology === 'single') return own(ALWAYS);
  const { synchronous_mode, dynamic } = variables(host, 'patroni');
  const synchronous = dynamic['synchronous_mode'] ?? synchronous_mode;
  if (name === 'synchronous_standby_names' && synchronous !== false && synchronous !== 'off') return SYNCHRONOUS;
  if (name.startsWith('recovery_target'))
    return { message: 'has no effect: Patroni takes it only for a cluster that it restores', hint: 'leave it out' };
  return own(ALWAYS) ?? own(PATRONIS);
}

/** What streaming needs whoever is the primary, of what Patroni sees to by itself. */
function streamingNeeds(name: string): (typeof AGREED)[string] | undefined {
  return ['wal_level', 'hot_standby'].includes(name.toLowerCase()) ? agreedOn(name) : undefined;
}

/** A standby does not start with less of these than its primary has, and each may be the primary. */
const NOT_LESS = ['max_connections', 'max_wal_senders', 'max_prepared_transactions', 'max_locks_per_transaction', 'max_worker_processes'];

function agreedOn(name: string): (typeof AGREED)[string] | undefined {
  const lower = name.toLowerCase();
  return Object.hasOwn(AGREED, lower) ? AGREED[lower] : undefined;
}

/** What must be the same on all: under Patroni, because its dynamic configuration alone counts; where servers stream, because each may be the primary. */
function disagreements(hosts: readonly Host[]): VariableProblem[] {
  const members = hosts.filter((host) => topologyOf(host) !== 'single');
  const [first] = members;
  if (first === undefined) return [];
  const [place] = PLACES;
  return [...new Set(members.flatMap((host) => Object.keys(parametersAt(host, place))))].flatMap((name) => {
    const other = members.find((host) => parametersAt(host, place)[name] !== parametersAt(first, place)[name]);
    const underPatroni = topologyOf(first) === 'patroni';
    const isAgreed = underPatroni ? agreedOn(name) !== undefined : NOT_LESS.includes(name.toLowerCase());
    if (!isAgreed || other === undefined) return [];
    const host = Object.hasOwn(parametersAt(other, place), name) ? other : first;
    return [
      {
        host,
        path: `${place}.${name}`,
        message: underPatroni
          ? `must be the same on every member: Patroni takes ${name} from its dynamic configuration alone`
          : `must be the same on every server: a standby with a lower ${name} than its primary does not start, and each may be the primary`,
        hint: 'set it at the top level',
      },
    ];
  });
}

function least(minimum: number): { takes(value: unknown): boolean; expects: string } {
  // What is no number at all is for PostgreSQL to refuse.
  return { takes: (value) => !(Number(value) < minimum), expects: `${minimum} or more` };
}

/** As PostgreSQL and Patroni read a boolean: any beginning of a word that is clear. */
function booleanOf(value: unknown): boolean | undefined {
  const text = String(value).toLowerCase();
  if (text === '1' || text === 'on' || ['true', 'yes'].some((word) => text !== '' && word.startsWith(text))) return true;
  if (text === '0' || text === 'of' || text === 'off' || ['false', 'no'].some((word) => text !== '' && word.startsWith(text))) return false;
  return undefined;
}

/** Megabytes of a value that has MB for its unit; undefined for what is no size. */
function megabytesOf(value: unknown): number | undefined {
  const { number, unit = 'MB' } = /^\s*(?<number>\d+(?:\.\d+)?)\s*(?<unit>B|kB|MB|GB|TB)?\s*$/u.exec(String(value))?.groups ?? {};
  const factors: Readonly<Record<string, number>> = { B: 2 ** -20, kB: 2 ** -10, MB: 1, GB: 2 ** 10, TB: 2 ** 20 };
  return number === undefined ? undefined : Number(number) * (factors[unit] ?? 1);
}

import { isIP } from 'node:net';
import { HBA_METHODS, type Host, type VariableProblem } from '../../src/index.js';
import { hbaAddress, hbaName } from './hba-words.js';
import { variables } from './variables.js';

type Entry = ReturnType<typeof entriesOf>[number];

/** A line of pg_hba.conf for clients, and where the inventory says it. */
export interface ClientLine {
  line: string;
  path: 'postgresql.hba' | 'postgresql.access';
  /** Which entry; 0-based. */
  entry: number;
}

/** The lines for clients: those that the inventory has word for word, then those that it says by meaning. */
export function clientLines(host: Host, hosts: readonly Host[]): ClientLine[] {
  return [
    ...variables(host, 'postgresql').hba.map((line, entry): ClientLine => ({ line, path: 'postgresql.hba', entry })),
    ...entriesOf(host).flatMap((said, entry) =>
      linesOf(said, hosts).map((line): ClientLine => ({ line, path: 'postgresql.access', entry })),
    ),
  ];
}

/** What is wrong with who may connect from where. */
export function meaningProblems(host: Host, hosts: readonly Host[]): VariableProblem[] {
  return entriesOf(host).flatMap(({ from, method = 'scram-sha-256', tls }, entry) => {
    const says = (message: string, hint?: string): VariableProblem[] => [
      { host, path: 'postgresql.access', entry, message, ...(hint === undefined ? {} : { hint }) },
    ];
    const unknown = from.filter((word) => placesOf(word, hosts) === undefined);
    const bySocket = from.includes('socket');
    const goesBySocket = HBA_METHODS[method]?.not?.includes('local') !== true;
    const goesByNetwork = HBA_METHODS[method]?.not?.includes('host') !== true || HBA_METHODS[method]?.not?.includes('hostssl') !== true;
    return [
      ...unknown.flatMap((word) =>
        says(`is from ${word}, which is no host, group, address or network`, 'addresses of a network end in zeros: 10.0.0.0/24'),
      ),
      ...(bySocket && !goesBySocket ? says(`is from the socket, which ${method} is not for`) : []),
      ...(bySocket && tls === true ? says('is from the socket, which has no TLS') : []),
      ...(!goesByNetwork && from.some((word) => word !== 'socket') ? says(`is from the network, which ${method} is not for`) : []),
    ];
  });
}

function entriesOf(host: Host) {
  return variables(host, 'postgresql').access;
}

function linesOf(
  { users, databases = ['all'], from, method = 'scram-sha-256', options = {}, tls }: Entry,
  hosts: readonly Host[],
): string[] {
  const [names, bases] = [users, databases].map((list) => list.map((name) => (name === 'all' ? name : hbaName(name))).join(','));
  const how = [method, ...Object.entries(options).map(([name, value]) => `${name}="${value}"`)].join(' ');
  const type = tls === true || method === 'cert' ? 'hostssl' : 'host';
  return from.flatMap((word) =>
    (placesOf(word, hosts) ?? []).map((place) =>
      place === 'socket' ? `local ${bases} ${names} ${how}` : `${type} ${bases} ${names} ${place} ${how}`,
    ),
  );
}

/** What pg_hba.conf has for a word of the inventory; undefined for one that is none. */
function placesOf(word: string, hosts: readonly Host[]): string[] | undefined {
  if (word === 'socket') return [word];
  if (word === 'anywhere') return ['all'];
  const named =
    word === 'members'
      ? hosts.filter((host) => host.roles.includes('postgresql'))
      : hosts.filter(({ name, groups }) => name === word || groups.includes(word));
  if (named.length > 0) return [...new Set(named.map(({ clusterAddress }) => hbaAddress(clusterAddress)))];
  const [address = '', bits] = word.split('/');
  if (isIP(address) === 0) return undefined;
  if (bits === undefined) return [hbaAddress(address)];
  return isNetwork(address, bits) ? [word] : undefined;
}

/** An address and the count of its leading bits that count, of which all others are zero. */
function isNetwork(address: string, bits: string): boolean {
  const count = Number(bits);
  if (!/^\d{1,3}$/u.test(bits) || count > (isIP(address) === 4 ? 32 : 128)) return false;
  if (isIP(address) === 6) return true;
  const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return value % 2 ** (32 - count) === 0;
}

import { isIPv4, isIPv6 } from 'node:net';
import { parseHbaLine, type Host, type Inventory, type VariableProblem } from '../../src/index.js';
import { hostsWith } from './layout.js';
import { variables } from './variables.js';

/** A member's address as pg_hba.conf takes it: one host, or a name that resolves both ways. */
function hbaAddress(address: string): string {
  if (isIPv4(address)) return `${address}/32`;
  return isIPv6(address) ? `${address}/128` : address;
}

/** A role name as pg_hba.conf takes it, where `all` is everybody unless it is quoted. */
function hbaName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/u.test(name) && name !== 'all' ? name : `"${name}"`;
}

/** Lines that let the members, and nobody else, replicate and rewind. */
export function memberLines(
  inventory: Inventory,
  role: string,
  accounts: { replication: string; rewind?: string; superuser?: string },
): string[] {
  return hostsWith(inventory, role).flatMap(({ clusterAddress }) => {
    const address = hbaAddress(clusterAddress);
    return [
      `host replication ${hbaName(accounts.replication)} ${address} scram-sha-256`,
      ...[accounts.rewind, accounts.superuser]
        .filter((name) => name !== undefined)
        .map((name) => `host all ${hbaName(name)} ${address} scram-sha-256`),
    ];
  });
}

/** Lines every server has: peer on the socket, passwords from the machine itself; Patroni replicates from itself to read the timeline. */
export function localLines(replication: string): string[] {
  return [
    'local all all peer',
    'local replication all peer',
    ...['127.0.0.1/32', '::1/128'].flatMap((address) => [
      `host all all ${address} scram-sha-256`,
      `host replication ${hbaName(replication)} ${address} scram-sha-256`,
    ]),
  ];
}

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

import { isIPv4, isIPv6 } from 'node:net';

/** A member's address as pg_hba.conf takes it: one host, or a name that resolves both ways. */
export function hbaAddress(address: string): string {
  if (isIPv4(address)) return `${address}/32`;
  return isIPv6(address) ? `${address}/128` : address;
}

/** What pg_hba.conf has a meaning for, unless it is quoted. */
const KEYWORDS = new Set(['all', 'replication', 'samegroup', 'samerole', 'sameuser']);

/** The name of a role or database as pg_hba.conf takes it. */
export function hbaName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/u.test(name) && !KEYWORDS.has(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

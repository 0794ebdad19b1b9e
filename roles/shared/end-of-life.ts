import type { Host, VariableProblem } from '../../src/index.js';
import { variables } from './variables.js';

/**
 * The day of the last release of each major version of PostgreSQL, after which it gets no fixes. Source: postgresql.org, "Versioning Policy"
 * (support/versioning); 19 has no date there yet.
 */
const LAST_RELEASES: Readonly<Record<number, string>> = {
  13: '2025-11-13',
  14: '2026-11-12',
  15: '2027-11-11',
  16: '2028-11-09',
  17: '2029-11-08',
  18: '2030-11-14',
};

/** Hosts whose PostgreSQL gets no fixes any more. */
export function endOfLife(hosts: readonly Host[], today = new Date()): VariableProblem[] {
  return hosts.flatMap((host) => {
    const { version } = variables(host, 'postgresql');
    const last = LAST_RELEASES[version];
    if (last === undefined || today.toISOString().slice(0, 10) <= last) return [];
    return [
      {
        host,
        path: 'postgresql.version',
        message: `PostgreSQL ${version} had its last release on ${last}, and gets no fixes any more, also none for its security`,
        hint: 'plan the upgrade to a newer major version',
      },
    ];
  });
}

/** Hosts whose minor version is one of another major version. */
export function otherMajor(hosts: readonly Host[]): VariableProblem[] {
  return hosts.flatMap((host) => {
    const { version, minor } = variables(host, 'postgresql');
    if (minor === undefined || minor.split('.')[0] === String(version)) return [];
    return [
      {
        host,
        path: 'postgresql.minor',
        message: `${minor} is no minor version of PostgreSQL ${version}`,
        hint: `give one that begins with ${version}.`,
      },
    ];
  });
}

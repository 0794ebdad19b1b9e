import type { RolePort } from '../../../src/index.js';

/** What a role that has pgBackRest’s server says of its port. */
export function backupServerPort(port: number): RolePort {
  return {
    port,
    what: 'pgBackRest',
    units: ['pgbackrest.service'],
    openTo: { members: true },
    usedBy: ['backup', 'backup-repository'],
  };
}

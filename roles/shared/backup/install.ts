import type { Installation, RoleContext } from '../../../src/index.js';
import { installation } from '../packages.js';

/** pgBackRest; its package brings the user postgres, and a server that is not to run before it is configured. */
export function installed({ host, platform: { pgbackrest } }: RoleContext): Installation {
  return installation({ host }, { what: 'pgBackRest', packages: pgbackrest.packages, disable: [pgbackrest.unit] });
}

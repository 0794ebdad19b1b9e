import type { LocalServer, RoleContext } from '../../../src/index.js';
import { variables } from '../variables.js';
import { backedUpHosts } from './stanza.js';

/** Whom pgBackRest runs as on a host, which need not have a server of its own. */
export function pgbackrestUser({ inventory, platform }: Pick<RoleContext, 'inventory' | 'platform'>): Pick<LocalServer, 'user' | 'home'> {
  const [member] = backedUpHosts(inventory);
  const { user, home } = platform.postgresql(member === undefined ? 0 : variables(member, 'postgresql').version);
  return { user, home };
}

/** What PostgreSQL and Patroni run: where WAL goes and comes from, and how a replica is made. */
export const PGBACKREST_COMMANDS = {
  archive: (stanza: string) => `pgbackrest --stanza=${stanza} archive-push %p`,
  restore: (stanza: string) => `pgbackrest --stanza=${stanza} archive-get %f "%p"`,
  replica: (stanza: string) => `pgbackrest --stanza=${stanza} --delta --type=none restore`,
} as const;

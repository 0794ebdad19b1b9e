import {
  loginLookup,
  pgRole,
  stateOf,
  uncoordinated,
  type Host,
  type PgRoleState,
  type Resource,
  type RoleContext,
  type Stage,
} from '../../../src/index.js';
import { accountsOf, localServer } from '../layout.js';
import { variables } from '../variables.js';
import { LOOKUP_DATABASE } from './config-file.js';
import { poolers, wayOf } from './way.js';

/**
 * The role that PgBouncer asks for passwords as, made on the server that takes writes; nothing where no host of the inventory has PgBouncer.
 */
export function poolerAccount({ host, inventory, platform, credentials }: RoleContext): Stage[] {
  const [pooler] = poolers(inventory);
  if (pooler === undefined) return [];
  const server = localServer(host, platform);
  const account = accountsOf({ host: pooler, credentials }).pooler;
  const role: Resource<PgRoleState> = uncoordinated(pgRole({ server, ...account, attributes: [], madeBy: 'pgprov' }));
  // A standby has it from its leader.
  const onPrimary: Resource<PgRoleState> = { ...role, diff: (state) => (state.server === 'standby' ? [] : role.diff(state)) };
  return [
    {
      name: 'pooler',
      title: 'make PgBouncer’s account',
      crossing: 'independent',
      byOne: (states) => stateOf(states, role)?.server === 'primary',
      resources: [onPrimary as Resource, loginLookup({ server, role: account.name }) as Resource],
    },
  ];
}

/** Where the role that asks for passwords comes from, as lines of pg_hba.conf need it: its name, the database and the addresses. */
export function poolerAccess(hosts: readonly Host[]): { role: string; database: string; addresses: readonly string[] } | undefined {
  const [pooler] = poolers({ hosts: [...hosts] });
  if (pooler === undefined) return undefined;
  const seen = poolers({ hosts: [...hosts] }).flatMap((host) => wayOf(host, { hosts: [...hosts] })?.seenAs ?? []);
  return {
    role: variables(pooler, 'pgbouncer').auth_username,
    database: LOOKUP_DATABASE,
    addresses: [...new Set(seen.map(({ clusterAddress }) => clusterAddress))],
  };
}

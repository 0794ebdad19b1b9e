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
export function poolerAccount(context: RoleContext): Stage[] {
  const { host, inventory, platform, credentials } = context;
  const [pooler] = poolers(inventory);
  if (pooler === undefined) return [];
  const server = localServer(host, platform);
  const account = accountsOf({ host: pooler, credentials }).pooler;
  const role = uncoordinated(poolerRole(context, pooler));
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

/** The role itself, on the server of a host; its name and password are those that a host with PgBouncer has. */
export function poolerRole({ host, platform, credentials }: RoleContext, pooler: Host): Resource<PgRoleState> {
  return pgRole({
    server: localServer(host, platform),
    ...accountsOf({ host: pooler, credentials }).pooler,
    attributes: [],
    madeBy: 'pgprov',
  });
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

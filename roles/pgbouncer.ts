import { defineRole, pooler, poolerLogin, type Observation, type RoleContext, type Stage } from '../src/index.js';
import { guardGiven } from './shared/given-tls.js';
import { installation } from './shared/packages.js';
import { accountsOf, clientVersion } from './shared/layout.js';
import { reachesPeers } from './shared/peers.js';
import { consoleOf, poolerIdentity, poolerSettings, presentedByPooler } from './shared/pgbouncer/config-file.js';
import { POOLER_PASSWORD } from './shared/pgbouncer/password.js';
import { poolerProblems, poolerWarnings } from './shared/pgbouncer/problems.js';
import { poolerInForce, servedPools } from './shared/pgbouncer/serve.js';
import { poolerChecks, poolerLines } from './shared/pgbouncer/told.js';
import { PGBOUNCER_VARIABLES } from './shared/sections/pgbouncer.js';
import { variables } from './shared/variables.js';

export default defineRole({
  name: 'pgbouncer',
  description: 'PgBouncer: pools of connections to the leader, through HAProxy, for roles that PostgreSQL is asked about.',
  requires: ['pgdg'],
  variables: PGBOUNCER_VARIABLES,
  problems: poolerProblems,
  warnings: poolerWarnings,
  ports: (host) => {
    const { port, tls } = variables(host, 'pgbouncer');
    const pools = {
      port,
      what: 'PgBouncer',
      units: ['pgbouncer.service'],
      openTo: { clients: true },
      leadsTo: 'leader',
      pooled: true,
    } as const;
    return [tls === 'off' ? pools : { ...pools, certificate: true }];
  },
  // Debian's package starts it at once, with a configuration that lets nobody in.
  install: (context) => {
    const { host, inventory, platform } = context;
    const version = clientVersion(inventory);
    const client = version === undefined || host.roles.includes('postgresql') ? [] : platform.postgresql(version).clientPackages;
    const { packages, unit } = platform.pgbouncer;
    return installation({ host }, { what: 'PgBouncer', packages: [...packages, ...client], disable: [unit] });
  },
  tls: poolerIdentity,
  inspections: presentedByPooler,
  passwords: () => [POOLER_PASSWORD],
  observations: (context) => [...observed(context), ...presentedByPooler(context), reachesPeers(context.host, context.inventory)],
  stages: (context) => [served(context)],
  checks: (view) =>
    view.hosts('pgbouncer').flatMap((host) => {
      const platform = view.platform(host.name);
      return platform === undefined ? [] : poolerChecks(view, host, poolerSettings({ host, inventory: view.inventory, platform }));
    }),
  guards: (view) => guardGiven(view, 'pgbouncer', (host) => poolerIdentity(host, view.inventory)),
  status: poolerLines,
});

function observed(context: RoleContext): Observation[] {
  const console = consoleOf(context);
  const { name: role, password } = accountsOf(context).pooler;
  return [pooler(console), poolerLogin({ console, role, password })];
}

function served(context: RoleContext): Stage {
  return {
    name: 'serve',
    title: 'start PgBouncer',
    // One after the other, so that clients which know several always find one.
    crossing: 'rolling',
    resources: servedPools(context),
    gates: [poolerInForce(context)],
  };
}

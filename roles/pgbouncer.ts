import {
  defineRole,
  gate,
  onConsole,
  pooler,
  poolerLogin,
  poolsResumed,
  service,
  sh,
  type Gate,
  type Observation,
  type Resource,
  type RoleContext,
  type Stage,
} from '../src/index.js';
import { installation, unitPackage } from './shared/packages.js';
import { accountsOf, clientVersion } from './shared/layout.js';
import { reachesPeers } from './shared/peers.js';
import { consoleOf, poolerConfiguration, poolerIdentity, poolerSettings } from './shared/pgbouncer/config-file.js';
import { poolerProblems, poolerWarnings } from './shared/pgbouncer/problems.js';
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
  ownPasswords: [{ name: 'pgbouncer', path: 'pgbouncer.auth_password' }],
  observations: (context) => [...observed(context), reachesPeers(context.host, context.inventory)],
  stages: (context) => [served(context)],
  checks: (view) =>
    view.hosts('pgbouncer').flatMap((host) => {
      const platform = view.platform(host.name);
      return platform === undefined ? [] : poolerChecks(view, host, poolerSettings({ host, inventory: view.inventory, platform }));
    }),
  status: poolerLines,
});

function observed(context: RoleContext): Observation[] {
  const console = consoleOf(context);
  const { name: role, password } = accountsOf(context).pooler;
  return [pooler(console), poolerLogin({ console, role, password })];
}

function served(context: RoleContext): Stage {
  const { platform } = context;
  const { unit, packages, configFile, userFile } = platform.pgbouncer;
  const { files, unit: dropIn, listening, mark } = poolerConfiguration(context);
  return {
    name: 'serve',
    title: 'start PgBouncer',
    // One after the other, so that clients which know several always find one.
    crossing: 'rolling',
    resources: [
      ...files,
      service({
        unit,
        cluster: context.inventory.cluster,
        restartOn: [dropIn, listening],
        reloadOn: files.filter(({ id }) => id !== dropIn.id),
        reads: [configFile, userFile],
        broughtBy: unitPackage(platform, packages),
      }) as Resource,
      poolsResumed(consoleOf(context)) as Resource,
    ],
    gates: [inForce(context, mark)],
  };
}

/** A reload says nothing of whether the process took its file up. */
function inForce(context: RoleContext, mark: string): Gate {
  const console = consoleOf(context);
  return gate({
    name: 'pgbouncer-in-force',
    title: 'PgBouncer runs with its configuration',
    check: sh`told=$(${onConsole(console, 'SHOW CONFIG')})
case "$told" in
*${`\nsyslog_ident|${mark}|`}*) : ;;
'key|'*) echo 'PgBouncer runs with another configuration'; exit 1 ;;
*) echo 'PgBouncer does not answer'; exit 1 ;;
esac`,
    look: {
      probe: () => pooler(console).probe(),
      parse: (answer) => ({ open: pooler(console).parse(answer).settings.get('syslog_ident') === mark, seen: '' }),
    },
    unit: context.platform.pgbouncer.unit,
    fatalLogPatterns: ['FATAL', 'cannot load config'],
    timeout: 30,
  });
}

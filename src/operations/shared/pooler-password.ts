import {
  enumerate,
  passwordArrived,
  poolGoesOn,
  poolHeld,
  POOLER,
  POOLER_ROLE,
  pgprov,
  topologyOf,
  type HostStep,
  type OperationObjection,
  type OperationRun,
  type Resource,
  type RoleContext,
  type Secret,
} from '../../index.js';
import { accountsOf, hostsWith } from '../../../roles/shared/layout.js';
import { poolerRole } from '../../../roles/shared/pgbouncer/account.js';
import { consoleOf, LOOKUP_POOL, poolerConfiguration } from '../../../roles/shared/pgbouncer/config-file.js';
import { POOLER_PASSWORD } from '../../../roles/shared/pgbouncer/password.js';
import { poolerInForce, servedPools } from '../../../roles/shared/pgbouncer/serve.js';
import { poolers, wayOf } from '../../../roles/shared/pgbouncer/way.js';
import { leaderOf } from './members.js';

type Run = OperationRun<object>;

/** Seconds that questions for passwords which were asked get to be answered. */
const ANSWERED_WITHIN = 10;

/** Seconds after which a host lets logins go on by itself. */
const HELD_AT_MOST = 60;

/**
 * The new password of the role that PgBouncer asks for others' passwords as, on all at once: every PgBouncer holds its questions up and waits, the
 * leader changes the role, and each takes the new password up. Logins wait meanwhile; who is logged in goes on.
 */
export function poolerPasswordStep(run: Run): HostStep {
  const { inventory, view, kept } = run;
  const pools = poolers(inventory).map(({ name }) => name);
  const writer = writerOf(run);
  return {
    id: 'change',
    title: `set the new password of PgBouncer’s role on ${writer ?? 'the leader'}, and in PgBouncer on ${enumerate(pools)}`,
    effect: 'new logins through PgBouncer wait for some seconds; who is logged in notices nothing',
    on: [...new Set([...pools, ...(writer === undefined ? [] : [writer])])].filter((name) => view.surveyed(name)),
    together: true,
    resources: (before) => {
      const context = kept.rotation === undefined ? before : withPassword(before, kept.rotation.to);
      const isPool = pools.includes(context.host.name);
      if (!isPool) return [roleOn(context, writer)];
      const { held, goesOn } = lookups(context);
      return [held, roleOn(context, writer), ...servedPools(context), goesOn];
    },
    gates: (context) => (pools.includes(context.host.name) ? [poolerInForce(context)] : []),
  };
}

/** That the password cannot be changed on all at once: nobody takes writes, or a PgBouncer does not answer or holds clients up. */
export function poolerPasswordObjections(run: Run, again: string): OperationObjection[] {
  const { inventory, view } = run;
  const silent = poolers(inventory).flatMap(({ name }) => (view.read(name, POOLER)?.answers === true ? [] : [name]));
  const hint = `nothing was changed; see ${pgprov`status ${inventory}`}, then run ${again} again`;
  if (silent.length > 0)
    return [{ kind: 'preflight', error: 'secrets/pools', message: `PgBouncer does not answer on ${enumerate(silent)}`, hint }];
  if (writerOf(run) !== undefined) return [];
  return [{ kind: 'preflight', error: 'secrets/no-leader', message: 'no server takes writes, so no role can be changed', hint }];
}

/** The host whose server takes writes. */
function writerOf({ inventory, view }: Run): string | undefined {
  const [server] = hostsWith(inventory, 'postgresql');
  return server !== undefined && topologyOf(server) === 'single' ? server.name : leaderOf(view);
}

/** What a host's resources are built from, with this password of PgBouncer’s role: the one that was kept when the operation began is the former. */
function withPassword(context: RoleContext, password: Secret): RoleContext {
  const { credentials } = context;
  return {
    ...context,
    credentials: {
      generated: credentials.generated,
      get caCertificate() {
        return credentials.caCertificate;
      },
      get revocationList() {
        return credentials.revocationList;
      },
      get revoked() {
        return credentials.revoked;
      },
      former: (path) => credentials.former(path),
      knowsAuthority: (pem) => credentials.knowsAuthority(pem),
      node: (host) => credentials.node(host),
      password: (path, given, make) => (path === POOLER_PASSWORD.path ? password : credentials.password(path, given, make)),
    },
  };
}

/** What holds questions for passwords up until the file with the new one is there, and has them go on. */
function lookups(context: RoleContext): { held: Resource; goesOn: Resource } {
  const userFile = poolerConfiguration(context).files.find(({ id }) => id === `file:${context.platform.pgbouncer.userFile}`);
  if (userFile === undefined) throw new RangeError(`PgBouncer on ${context.host.name} has no file of passwords`);
  const options = {
    console: consoleOf(context),
    pool: LOOKUP_POOL,
    within: ANSWERED_WITHIN,
    limit: Math.round(HELD_AT_MOST * context.host.patience),
    until: userFile,
  };
  return { held: poolHeld(options) as Resource, goesOn: poolGoesOn(options) as Resource };
}

/** On the writer's host the role; on all others that it has its new password, which they wait for. */
function roleOn(context: RoleContext, writer: string | undefined): Resource {
  const { host, inventory } = context;
  const [pooler = host] = poolers(inventory);
  if (host.name === writer) return { ...(poolerRole(context, pooler) as Resource), ...POOLER_ROLE };
  const way = wayOf(host, inventory);
  const { name: role, password } = accountsOf(context).pooler;
  return passwordArrived({
    console: consoleOf(context),
    pool: LOOKUP_POOL,
    role,
    password,
    addresses: way?.addresses ?? [],
    port: way?.leader ?? 0,
  }) as Resource;
}

import type { Json, JsonObject, RoleContext } from '../../src/index.js';
import { hostsWith } from './layout.js';
import { tlsParameters } from './server-tls.js';
import { variables } from './variables.js';

type Parameters = Readonly<Record<string, string | number | boolean>>;

/** What every new cluster starts with; the inventory's parameters go over it. */
const BASE_PARAMETERS: Parameters = { wal_level: 'replica', hot_standby: 'on', wal_log_hints: 'on', password_encryption: 'scram-sha-256' };

/** Parameters that have the same value on all of the cluster's hosts. */
function sharedParameters({ inventory }: Pick<RoleContext, 'inventory'>): Parameters {
  const all = hostsWith(inventory, 'patroni').map((host) => variables(host, 'postgresql').parameters);
  const [first = {}] = all;
  return Object.fromEntries(
    Object.entries(first).filter(([name, value]) =>
      all.every((parameters) => Object.hasOwn(parameters, name) && parameters[name] === value),
    ),
  );
}

/** Parameters that this host has otherwise than another, and where its certificate is; they stand in its own patroni.yml. */
export function hostParameters(context: Pick<RoleContext, 'inventory' | 'host'>): Parameters {
  const shared = sharedParameters(context);
  const own = variables(context.host, 'postgresql').parameters;
  const others = Object.fromEntries(Object.entries(own).filter(([name]) => !Object.hasOwn(shared, name)));
  return { ...others, ...tlsParameters(context.host) };
}

/** Patroni's dynamic configuration as the inventory gives it. */
export function dynamicConfiguration(context: Pick<RoleContext, 'inventory' | 'host'>): JsonObject {
  const { ttl, loop_wait, retry_timeout, maximum_lag_on_failover, synchronous_mode, synchronous_mode_strict, dynamic } = variables(
    context.host,
    'patroni',
  );
  return merge(
    {
      ttl,
      loop_wait,
      retry_timeout,
      maximum_lag_on_failover,
      synchronous_mode,
      synchronous_mode_strict,
      postgresql: { use_pg_rewind: true, use_slots: true, parameters: { ...BASE_PARAMETERS, ...sharedParameters(context) } },
    },
    dynamic as JsonObject,
  );
}

function merge(under: JsonObject, over: JsonObject): JsonObject {
  const merged = new Map(Object.entries(under));
  for (const [key, value] of Object.entries(over)) {
    const below = merged.get(key);
    merged.set(key, isObject(below) && isObject(value) ? merge(below, value) : value);
  }
  return Object.fromEntries(merged);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import { enumerate } from '../lib/enumerate.js';
import { InputError } from '../lib/errors.js';
import { Secret } from '../lib/secret.js';
import { topologyOf, type Inventory } from '../model/index.js';
import type { KeptFacts, Operation, OperationStart } from '../plan/operation.js';
import type { RoleContext } from '../plan/role.js';
import type { Observation } from '../resources/resource.js';
import { issuedCertificates } from '../store/authority.js';
import { snapshotContents } from '../store/saved-snapshots.js';
import type { Store } from '../store/store.js';
import { objectionError } from './objection-error.js';
import type { OperateOptions } from './operate-options.js';

type StartOptions<Options extends object> = Pick<
  OperateOptions<Options>,
  'operation' | 'inventory' | 'source' | 'catalog' | 'given' | 'chosen' | 'chosenHosts' | 'openStore' | 'written'
>;

/**
 * What an operation knows before any host is connected to.
 * @throws PgprovError where that speaks against it
 */
export async function startOf<Options extends object>(options: StartOptions<Options>): Promise<OperationStart<Options>> {
  const { operation, inventory, source, catalog, given, chosen, chosenHosts, openStore, written } = options;
  if (operation.streaming !== true) refuseStreaming(operation, inventory);
  const kept = await factsOf(operation, await openStore({ writable: false }));
  const start: OperationStart<Options> = {
    inventory,
    catalog,
    options: chosen ?? given,
    kept,
    chosenHosts,
    ...(source && { source }),
    ...(written && { written }),
  };
  const [problem] = operation.problems?.(start) ?? [];
  if (problem !== undefined) throw objectionError(problem);
  return start;
}

/** An operation goes by what Patroni says, unless it says otherwise of itself. */
function refuseStreaming({ name }: Pick<Operation, 'name'>, { hosts, cluster }: Inventory): void {
  const servers = hosts.filter((host) => topologyOf(host) === 'streaming').map((host) => host.name);
  if (servers.length === 0) return;
  throw new InputError({
    kind: 'operation/streaming',
    message: `${name} does not know servers that stream without Patroni, which those of ${cluster} are (${enumerate(servers)}); nothing was done`,
    hint: 'docs/streaming.md has the steps by hand, and what pgprov sees to before and after them',
  });
}

/** What the operation has asked of every host besides what its roles ask. */
export function moreOf<Options extends object>(
  operation: Pick<Operation<Options>, 'observations'>,
  start: OperationStart<Options>,
): { more?(context: RoleContext): Observation[] } {
  if (operation.observations === undefined) return {};
  return { more: (context) => operation.observations?.(context, start) ?? [] };
}

/**
 * What the store says that operations decide from.
 * @param last what it said before
 */
export async function factsOf({ readsSnapshots }: Pick<Operation, 'readsSnapshots'>, store: Store, last?: KeptFacts): Promise<KeptFacts> {
  const { certificates, rotation, directory } = store;
  const { authority } = certificates;
  const { certificate, phase, revocations } = authority;
  return {
    ...(readsSnapshots === undefined ? {} : { snapshots: await snapshotContents(directory, readsSnapshots, last?.snapshots) }),
    authority: {
      certificate,
      phase,
      signs: await authority.signs(),
      issued: await issuedCertificates(authority),
      revoked: revocations.revoked,
    },
    passwords: store.known,
    rotation: rotation === undefined ? undefined : { path: rotation.path, from: new Secret(rotation.from), to: new Secret(rotation.to) },
  };
}

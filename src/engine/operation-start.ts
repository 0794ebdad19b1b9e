import { Secret } from '../lib/secret.js';
import type { KeptFacts, OperationStart } from '../plan/operation.js';
import type { Store } from '../store/store.js';
import { objectionError } from './objection-error.js';
import type { OperateOptions } from './operate-options.js';

type StartOptions<Options extends object> = Pick<
  OperateOptions<Options>,
  'operation' | 'inventory' | 'catalog' | 'given' | 'chosen' | 'chosenHosts' | 'openStore'
>;

/**
 * What an operation knows before any host is connected to.
 * @throws PgprovError where that speaks against it
 */
export async function startOf<Options extends object>(options: StartOptions<Options>): Promise<OperationStart<Options>> {
  const { operation, inventory, catalog, given, chosen, chosenHosts, openStore } = options;
  const kept = factsOf(await openStore({ writable: false }));
  const start: OperationStart<Options> = { inventory, catalog, options: chosen ?? given, kept, chosenHosts };
  const [problem] = operation.problems?.(start) ?? [];
  if (problem !== undefined) throw objectionError(problem);
  return start;
}

/** What the store says that operations decide from. */
export function factsOf({
  certificates: {
    authority: { certificate, phase },
  },
  rotation,
}: Store): KeptFacts {
  return {
    authority: { certificate, phase },
    rotation: rotation === undefined ? undefined : { path: rotation.path, from: new Secret(rotation.from), to: new Secret(rotation.to) },
  };
}

import { Secret } from '../lib/secret.js';
import type { KeptFacts, Operation, OperationStart } from '../plan/operation.js';
import { readSnapshots } from '../store/saved-snapshots.js';
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
  const kept = await factsOf(operation, await openStore({ writable: false }));
  const start: OperationStart<Options> = { inventory, catalog, options: chosen ?? given, kept, chosenHosts };
  const [problem] = operation.problems?.(start) ?? [];
  if (problem !== undefined) throw objectionError(problem);
  return start;
}

/** What the store says that operations decide from. */
export async function factsOf({ readsSnapshots }: Pick<Operation, 'readsSnapshots'>, store: Store): Promise<KeptFacts> {
  const { certificates, rotation, directory } = store;
  const { certificate, phase } = certificates.authority;
  const saved = readsSnapshots === undefined ? undefined : await readSnapshots(directory, readsSnapshots);
  return {
    ...(saved === undefined ? {} : { snapshots: saved.snapshots.map(({ file, manifest: { at }, files }) => ({ file, at, files })) }),
    authority: { certificate, phase },
    rotation: rotation === undefined ? undefined : { path: rotation.path, from: new Secret(rotation.from), to: new Secret(rotation.to) },
  };
}

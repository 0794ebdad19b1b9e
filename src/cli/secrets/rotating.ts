import type { Inventory } from '../../model/index.js';
import { takeLocalLock } from '../../store/local-lock.js';
import { Store, storeDirectory } from '../../store/store.js';
import { catalogOf } from '../catalog.js';
import { aimOf, type OutputOptions } from '../options.js';
import type { Kept } from './kept-where.js';
import type { RolePassword } from './proof.js';

/** Options of `pgprov secrets rotate`. */
export interface RotateOptions extends OutputOptions {
  /** Do not ask. */
  yes?: boolean;
}

/** A password, where it is kept, and the cluster that goes by it. */
export interface Rotating {
  account: RolePassword;
  inventory: Inventory;
  kept: Kept;
  options: RotateOptions;
}

/** The roles that know passwords. */
export function aim(inventory: Inventory): ReturnType<typeof aimOf> {
  const knowing = catalogOf(inventory).filter(({ passwords }) => passwords !== undefined);
  return aimOf(inventory, { role: knowing.map(({ name }) => name).filter((name) => inventory.hosts.some(({ roles }) => roles.includes(name))) });
}

/** Where the cluster's passwords are kept. */
export function directoryOf({ dir, cluster }: Inventory): string {
  return storeDirectory(dir, cluster);
}

/** Changes the cluster's store, with nobody else at it. */
export async function locked<Result>(inventory: Inventory, work: (store: Store) => Promise<Result>): Promise<Result> {
  const release = await takeLocalLock(directoryOf(inventory));
  try {
    return await work(await Store.open(directoryOf(inventory), inventory.cluster, { writable: true }));
  } finally {
    await release();
  }
}

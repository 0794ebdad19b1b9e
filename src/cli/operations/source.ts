import { Secret } from '../../lib/secret.js';
import type { Operation } from '../../plan/operation.js';
import type { SourceClient, SourceCluster } from '../../plan/source-cluster.js';
import type { Store } from '../../store/store.js';
import { loadFor } from '../inventory.js';
import type { CommonOptions } from '../options.js';
import type { Environment } from '../pipeline/environment.js';

/** Where an operation finds the cluster that it only reads. */
export interface SourcePlace {
  file: string;
  /** The lab that it is in. */
  lab?: CommonOptions['lab'];
}

/** Days for which a key pair in the name of one of its hosts is good: a restore of many terabytes takes some. */
const CLIENT_DAYS = 7;

/** Reads the inventory of the other cluster and what this machine keeps of it; nothing there is changed. */
export async function openSource(
  { sourceClient }: Pick<Operation, 'sourceClient'>,
  { file, lab }: SourcePlace,
  environment: Pick<Environment, 'openStore'>,
): Promise<SourceCluster> {
  const inventory = await loadFor(file, lab === undefined ? {} : { lab });
  const store = await environment.openStore(inventory, { writable: false });
  return { inventory, credentials: store, client: await clientOf(store, sourceClient?.(inventory)) };
}

async function clientOf({ certificates: { authority } }: Store, name: string | undefined): Promise<SourceClient | undefined> {
  const { bundle } = authority;
  if (name === undefined || bundle === undefined) return undefined;
  const { certificate, key } = await authority.issue({ name, names: [] }, CLIENT_DAYS);
  return { authority: bundle, certificate, key: new Secret(key) };
}

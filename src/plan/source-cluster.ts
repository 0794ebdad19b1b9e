import type { Secret } from '../lib/secret.js';
import type { Inventory } from '../model/index.js';
import type { ClusterCredentials } from '../store/cluster-credentials.js';

/** Another cluster, of which an operation only reads what this machine has of it: none of its hosts is connected to. */
export interface SourceCluster {
  inventory: Inventory;
  /** As they are kept; those that are not are made up, and never leave this machine. */
  credentials: ClusterCredentials;
  /** A key pair of some days in the name of one of its hosts; undefined: the operation wants none, or this machine cannot make one. */
  client: SourceClient | undefined;
}

/** What makes a host known to those of the other cluster as one of theirs. */
export interface SourceClient {
  /** The certificates of the authorities that the other cluster trusts. */
  authority: string;
  certificate: string;
  key: Secret;
}

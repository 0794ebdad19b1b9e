import type { Host, Inventory } from '../../model/index.js';
import type { Renewal } from '../../store/renewal.js';
import { Store, storeDirectory } from '../../store/store.js';
import type { Transport } from '../../transport/transport.js';
import { openTransport } from './open-transport.js';
import { canAsk, confirm } from './confirm.js';

/** What a command uses of the world around it. Tests give one of their own, with hosts that are made up and answers that are scripted. */
export interface Environment {
  out: NodeJS.WriteStream;
  err: NodeJS.WriteStream;
  /** Environment variables. */
  variables: NodeJS.ProcessEnv;
  /** How these hosts are reached; asks for the passphrases that they need, and about host keys that are not known. */
  transportTo(hosts: readonly Host[]): Promise<Transport>;
  /** Opens the cluster's store beside the inventory. */
  openStore(inventory: Inventory, how: { writable: boolean; renewal?: Renewal }): Promise<Store>;
  /** True where a person can be asked. */
  canAsk(): boolean;
  /** Asks for a plain yes; aborting is a no. */
  confirm(question: string, signal: AbortSignal): Promise<boolean>;
  now(): Date;
}

/** This process with its terminal and its network. */
export const THIS_PROCESS: Environment = {
  out: process.stdout,
  err: process.stderr,
  variables: process.env,
  transportTo: openTransport,
  openStore: (inventory, how) => Store.open(storeDirectory(inventory.dir, inventory.cluster), inventory, how),
  canAsk,
  confirm,
  now: () => new Date(),
};

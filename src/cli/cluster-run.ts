import type { EventListener } from '../events.js';
import { runCluster, type Proposal, type RunOutcome } from '../engine/run.js';
import type { Inventory } from '../model/index.js';
import type { Aim } from '../plan/aim.js';
import type { Role } from '../plan/role.js';
import type { Renewal } from '../store/renewal.js';
import { Store, storeDirectory } from '../store/store.js';
import { takeLocalLock } from '../store/local-lock.js';
import { SshTransport } from '../transport/ssh.js';
import { keySourcesFor } from './ask.js';
import { ownTime, waitedForAnswers } from './asking.js';
import { catalogOf } from './catalog.js';
import { journaled, type Said } from './journaled.js';
import { statusSeen } from './status-of.js';

/** What a command asks of the cluster's hosts. */
export type ClusterRun = {
  inventory: Inventory;
  aim: Aim;
  emit: EventListener;
  /** Asked before the first change; throws when it must not be made. */
  consent?(proposal: Proposal): Promise<void>;
  /** Milliseconds that a look at the hosts took before, for a person to be asked; default: there was none. */
  lookMs?: number;
  /** Which certificates are made anew; default: those that must be. */
  renewal?: Renewal;
  /** What the run makes of the roles; default: they are taken as they are. */
  roles?(catalog: readonly Role[]): readonly Role[];
} & ({ mode: 'survey' | 'plan' } | { mode: 'apply'; said: Said });

/** Opens the cluster's store, takes its lock and keeps a journal where something will change, and runs. */
export async function runOnHosts(run: ClusterRun): Promise<RunOutcome> {
  const { inventory, aim, mode, consent, lookMs = 0, renewal, roles = (catalog) => catalog } = run;
  // Before anything is drawn, for a person may be asked for a passphrase.
  const keys = await keySourcesFor(inventory.hosts.filter(({ name }) => aim.hosts?.includes(name) !== false));
  const directory = storeDirectory(inventory.dir, inventory.cluster);
  const release = mode === 'apply' ? await takeLocalLock(directory) : async () => undefined;
  const { emit, close } = mode === 'apply' ? journaled(directory, inventory, run.said, run.emit) : { emit: run.emit, close: () => undefined };
  const interrupt = new AbortController();
  const stopListening = onInterrupt(interrupt, emit);
  try {
    const store = await Store.open(directory, inventory.cluster, { writable: mode === 'apply', ...(renewal === undefined ? {} : { renewal }) });
    return await runCluster({
      inventory,
      catalog: roles(catalogOf(inventory)),
      aim,
      mode,
      transport: new SshTransport(keys),
      store,
      emit,
      signal: interrupt.signal,
      startUp: { processMs: Math.round(ownTime() - lookMs), lookMs: Math.round(lookMs), askMs: Math.round(waitedForAnswers()) },
      ...(consent === undefined ? {} : { consent }),
      ...(mode === 'survey' ? {} : { describe: (view) => statusSeen(inventory, view) }),
    });
  } finally {
    stopListening();
    close();
    await release();
  }
}

/**
 * The first Ctrl-C lets the steps under way end; the second leaves at once. A terminal that is closed counts as the first one, however often it
 * is told: the shell and the kernel both do.
 */
function onInterrupt(controller: AbortController, emit: EventListener): () => void {
  const stop = (what: string): void => {
    emit({ type: 'warning', text: `${what}: the steps under way are let end, no new ones start; Ctrl-C again leaves at once` });
    controller.abort();
  };
  const interrupted = (): void => {
    if (controller.signal.aborted) process.exit(130);
    stop('interrupted');
  };
  const hungUp = (): void => {
    if (!controller.signal.aborted) stop('the terminal was closed');
  };
  const listeners = [['SIGINT', interrupted], ['SIGTERM', interrupted], ['SIGHUP', hungUp]] as const;
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}

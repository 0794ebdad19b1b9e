import { setTimeout } from 'node:timers/promises';
import type { CheckResult } from '../events.js';
import { patienceFor } from '../model/index.js';
import type { Cluster } from './cluster.js';

/** For how many milliseconds a proof that may come to hold by itself is looked at again on hosts of the usual patience, and how many lie in between. */
const SETTLE_WITHIN = 30_000;
const BETWEEN_LOOKS = 2000;

/** What is proved, and how hosts are looked at anew for it. */
export interface Proving {
  cluster: Cluster;
  /** The proofs, by what was seen last. */
  checks(): readonly CheckResult[];
  look(): Promise<void>;
}

/** The proofs. What fails and may come to hold by itself (`settles`) is looked at again for a while, unless something else fails for good. */
export async function settledChecks({ cluster: { connections, emit, signal }, checks, look }: Proving): Promise<CheckResult[]> {
  const until = Date.now() + SETTLE_WITHIN * patienceFor(connections.hosts);
  for (let told = false; ; told = true) {
    const results = [...checks()];
    const failed = results.filter(({ ok }) => !ok);
    const [first] = failed;
    if (first === undefined || failed.some(({ settles }) => settles !== true) || Date.now() >= until || signal.aborted) return results;
    if (!told)
      emit({
        type: 'note',
        text: `waiting for a proof: ${first.host === undefined ? '' : `${first.host}: `}${first.title} (${first.detail})`,
      });
    await setTimeout(BETWEEN_LOOKS);
    await look();
  }
}

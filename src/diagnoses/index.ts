import type { Diagnosis } from '../index.js';
import noLeader from './cluster/no-leader.js';
import diskFull from './host/disk-full.js';
import storeProtocol from './patroni/store-protocol.js';

/** The diagnoses that come with pgprov; of findings of one level those of the earlier ones are told first. */
export const DIAGNOSES: readonly Diagnosis[] = [diskFull, storeProtocol, noLeader];

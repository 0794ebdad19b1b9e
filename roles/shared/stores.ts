import type { Dcs } from './dcs.js';
import { consulDcs } from './consul/dcs.js';
import { etcdDcs } from './etcd/dcs.js';

/** Every store that Patroni can be given; the first is meant where no host has the role of any. */
export const STORES: readonly [Dcs, ...Dcs[]] = [etcdDcs, consulDcs];

import { removeLab } from '../../lab/index.js';
import { networkNames } from '../../lab/network.js';

const PREFIX = 'bench-';

/** The lab's name for a network of the benchmark. */
export function networkName(of: string): string {
  return `${PREFIX}${of}`;
}

/** Removes every host of every network of the benchmark, also what an earlier run could not remove. */
export async function removeBenchHosts(): Promise<void> {
  for (const name of await networkNames()) if (name.startsWith(PREFIX)) await removeLab(name);
}

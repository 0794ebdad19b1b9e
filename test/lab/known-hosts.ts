import { mkdir, readFile, writeFile } from 'node:fs/promises';

import { withLock } from './lock.js';
import { inLab } from './paths.js';

/** The known_hosts file of a network, filled with keys that the engine read inside the hosts. */
export function knownHostsFile(network: string): string {
  return inLab('networks', network, 'known_hosts');
}

/** Records the keys of a host (`TYPE KEY` a line) in place of older ones for its address. */
export async function writeKnownHosts(network: string, address: string, keys: string[]): Promise<void> {
  await withLock('known-hosts', async () => {
    const path = knownHostsFile(network);
    await mkdir(inLab('networks', network), { recursive: true });
    const before = await readFile(path, 'utf8').catch(() => '');
    const others = before.split('\n').filter((line) => line !== '' && !line.startsWith(`${address} `));
    await writeFile(path, [...others, ...keys.map((key) => `${address} ${key}`), ''].join('\n'));
  });
}

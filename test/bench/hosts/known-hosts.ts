import { readFile, writeFile } from 'node:fs/promises';
import { knownHostsFile } from '../../lab/index.js';
import { allHosts, endpointOf, type Site } from '../contenders/contender.js';

/** The known_hosts file for a site: the lab's own, or one that knows the ways around. */
export async function knownHostsOf(site: Site, file: string): Promise<string> {
  const [{ network }] = site.hosts as [(typeof site.hosts)[number]];
  const lines = (await readFile(knownHostsFile(network), 'utf8')).split('\n');
  const entries = allHosts(site).flatMap((host) => {
    const { address, port } = endpointOf(site, host);
    const name = port === 22 ? address : `[${address}]:${port}`;
    return lines.filter((line) => line.startsWith(`${host.address} `)).map((line) => `${name}${line.slice(host.address.length)}`);
  });
  await writeFile(file, `${entries.join('\n')}\n`);
  return file;
}

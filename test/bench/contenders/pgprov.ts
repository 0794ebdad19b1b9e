import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { publicKey, SYSTEMS } from '../../lab/index.js';
import { CHECKOUT } from '../../lab/paths.js';
import { run } from '../../lab/process.js';
import { knownHostsOf } from '../hosts/known-hosts.js';
import { timed } from '../lib/child.js';
import { allHosts, type ClusterContender, endpointOf, type Site } from './contender.js';

/** The built program. */
export const PGPROV = join(CHECKOUT, 'bin', 'pgprov.js');

/** The inventory's name in a site's folder. */
export const INVENTORY = 'inventory.yml';

/** `pgprov apply`, as a user runs it. */
export const pgprov: ClusterContender = {
  name: 'pgprov',
  version: async () => `${(await run`${process.execPath} ${PGPROV} --version`).stdout.trim()}, Node.js ${process.version}`,
  apply: async (site) => timed([process.execPath, PGPROV, 'apply', await writeInventory(site), '--yes'], { cwd: site.directory }),
  unchanged: ({ all }) => all.includes('No changes'),
};

async function writeInventory(site: Site): Promise<string> {
  const [first] = site.hosts as [Site['hosts'][number]];
  const file = join(site.directory, INVENTORY);
  const hosts = allHosts(site).map((host) => {
    const { address, port } = endpointOf(site, host);
    const own = site.proxies?.hosts.includes(host) === true ? { roles: site.proxies.roles } : {};
    return [host.name, { address, cluster_address: host.address, ssh: { port }, ...own }];
  });
  await writeFile(
    file,
    stringify({
      cluster: 'demo',
      ssh: {
        user: first.user,
        identity_file: first.identityFile,
        known_hosts: await knownHostsOf(site, join(site.directory, 'known_hosts')),
        config: false,
      },
      ...site.proxies?.sections,
      hosts: Object.fromEntries(hosts),
      postgresql: {
        version: SYSTEMS[site.os].postgresql,
        parameters: { work_mem: site.workMem },
        ...(site.hba === undefined ? {} : { hba: site.hba }),
      },
      // The lab imitates PGDG's repository and signs it with a key of its own.
      pgdg: { key_fingerprint: (await publicKey('pgdg')).fingerprint },
    }),
  );
  return file;
}

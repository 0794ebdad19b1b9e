import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publicKey, SYSTEMS, type DebianFacts } from '../../lab/index.js';
import { run } from '../../lab/process.js';
import { knownHostsOf } from '../hosts/known-hosts.js';
import { timed } from '../lib/child.js';
import type { ClusterContender } from './contender.js';

const SCRIPT = fileURLToPath(new URL('script.sh', import.meta.url));

/** The same job written by hand; it cannot be run a second time. */
export const script: ClusterContender = {
  name: 'script',
  version: async () => {
    const bash = /version (\S+?)\(/u.exec((await run`bash --version`).stdout)?.[1] ?? '';
    return `bash ${bash}, ${(await run`ssh -V`).stderr.trim()}`;
  },
  apply: async (site) => {
    const [first] = site.hosts as [(typeof site.hosts)[number]];
    const { postgresql, suite } = SYSTEMS[site.os] as DebianFacts;
    const [hosts, key] = [join(site.directory, 'hosts'), join(site.directory, 'pgdg.asc')];
    await writeFile(hosts, site.hosts.map(({ name, address }) => `${name} ${address}\n`).join(''));
    await writeFile(key, (await publicKey('pgdg')).armored);
    return timed(['bash', SCRIPT, hosts, key], {
      cwd: site.directory,
      env: {
        SSH_KEY: first.identityFile,
        SSH_KNOWN_HOSTS: await knownHostsOf(site, join(site.directory, 'known_hosts')),
        SSH_USER: first.user,
        PG_VERSION: String(postgresql),
        CODENAME: suite,
        WORK_MEM: site.workMem,
      },
    });
  },
};

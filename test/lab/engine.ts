import { join } from 'node:path';

import { CHECKOUT } from './paths.js';
import { attempt } from './process.js';

/** Makes sure that a Docker engine answers and the tools that build the hosts are there. */
export async function ensureEngine(): Promise<void> {
  if ((await attempt`docker info && command -v mmdebstrap apt-ftparchive rpmbuild createrepo_c gpg openssl ssh-keygen`).exitCode === 0)
    return;
  const setup = await attempt({ stdio: ['ignore', 'inherit', 'inherit'] })`sh ${join(CHECKOUT, 'test', 'setup.sh')} full`;
  if (setup.exitCode !== 0) throw new Error('the machine is not ready for test hosts; what is missing is said above');
}

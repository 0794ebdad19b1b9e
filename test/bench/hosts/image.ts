import { ensureLab, LAB_ID, removeLab, startHost, type System } from '../../lab/index.js';
import { attempt, run } from '../../lab/process.js';
import { networkName } from './networks.js';

/** What Ansible needs on a host: part of Debian's cloud images, and of no use to the others. */
const PACKAGES = 'python3 python3-apt';

/**
 * The image of the benchmark's hosts: the lab's with Python added, and without the lists of packages, as on a new machine.
 * All contenders get the same.
 */
export async function buildImage(os: System): Promise<string> {
  await ensureLab([os]);
  const network = networkName('image');
  const image = nameOf(os);
  await removeImage(os);
  const host = await startHost({ name: 'image', os, network });
  try {
    const install = `export DEBIAN_FRONTEND=noninteractive
apt-get -qq update && apt-get -qq -y --no-install-recommends install ${PACKAGES} >/dev/null
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /etc/ssh/ssh_host_* /var/lib/lab-booted /var/log/journal
: >/etc/machine-id
# Ansible takes the lists of packages for new where their directory is.
touch -d '1 month ago' /var/lib/apt/lists /var/lib/apt/periodic/* 2>/dev/null || :`;
    const { code, stderr } = await host.exec(install);
    if (code !== 0) throw new Error(`${PACKAGES} could not be installed for the benchmark's image: ${stderr}`);
    await run`docker commit --change ${`LABEL pgprov.lab=${LAB_ID}`} --change ${'LABEL pgprov.lab.role=image'} ${host.container} ${image}`;
  } finally {
    await removeLab(network);
  }
  return image;
}

/** Removes the image, whose hosts must be gone. */
export async function removeImage(os: System): Promise<void> {
  await attempt`docker rmi ${nameOf(os)}`;
}

function nameOf(os: System): string {
  return `pgprov-lab/bench-${os}:${LAB_ID}`;
}

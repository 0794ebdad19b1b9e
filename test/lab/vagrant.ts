import { ensureEngine } from './engine.js';
import { hasImage } from './image-store.js';
import { imageOf } from './images.js';
import { IDENTITY_FILE, publicKey } from './keys.js';
import { ensureLab } from './lab.js';
import { ensureNetwork, networkId } from './network.js';
import { LAB_ID } from './paths.js';
import { runLabels } from './run-labels.js';
import { DOWN, MIRROR_NAMES } from './sites.js';
import { ensurePackages } from './stages/packages.js';
import { type System, SYSTEMS } from './systems.js';

/** What a Vagrantfile needs to know for its docker provider to make test hosts; names as inventory/vagrant/Vagrantfile reads them. */
export interface VagrantFacts {
  image: string;
  /** Options of `docker run`. */
  create_args: string[];
  user: string;
  private_key: string;
  /** Settings of the hosts in an inventory. */
  settings: Record<string, unknown>;
}

/**
 * Brings up what Vagrant's machines need, and describes them. Images are not built here, because Vagrant reads its file in silence. They get the lab's network, from where they reach the
 * mirror, besides the private one that Vagrant gives them.
 *
 * @param start false: only describes them, for machines that are there already
 */
export async function vagrantFacts(os: System, network: string, start: boolean): Promise<VagrantFacts> {
  if (start) await bringUp(os);
  return {
    // For tests that are not about installing.
    image: process.env['LAB_STAGE'] === 'packages' ? await ensurePackages(os) : await imageOf(os),
    create_args: start ? await createArguments(network) : [],
    user: 'admin',
    private_key: IDENTITY_FILE,
    settings: { postgresql: { version: SYSTEMS[os].postgresql }, pgdg: { key_fingerprint: (await publicKey('pgdg')).fingerprint } },
  };
}

async function bringUp(os: System): Promise<void> {
  await ensureEngine();
  if (!(await hasImage(await imageOf(os))))
    throw new Error(
      `the image of ${os} is not built; \`npm run lab -- build --os ${os}\` in the checkout of pgprov builds it, then run vagrant again`,
    );
  await ensureLab([os]);
}

/** As `startContainer` makes hosts, except for the names and addresses, which are Vagrant's. */
async function createArguments(name: string): Promise<string[]> {
  const { mirror } = await ensureNetwork(name);
  return [
    ...['--network', networkId(name)],
    ...MIRROR_NAMES.flatMap((host) => ['--add-host', `${host}:${mirror}`]),
    ...['--add-host', `${DOWN.name}:${DOWN.address}`],
    ...['--cap-add', 'ALL', '--cap-drop', 'SYS_RESOURCE', '--cap-drop', 'SYS_TIME'],
    ...['--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor=unconfined'],
    ...['--tmpfs', '/run', '--tmpfs', '/tmp:exec,mode=1777', '--stop-signal', 'SIGRTMIN+3'],
    ...Object.entries({ 'pgprov.lab': LAB_ID, ...runLabels() }).flatMap(([label, value]) => ['--label', `${label}=${value}`]),
    ...['--entrypoint', '/sbin/lab-init'],
  ];
}

import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { spending } from '../support/spent.js';
import { ensureEngine } from './engine.js';
import { hasImage, importImage, removeOlder } from './image-store.js';
import { withLock } from './lock.js';
import { ensureNetwork, freeAddress, releaseAddress } from './network.js';
import { inLab, LAB_ID, RECIPES } from './paths.js';
import { attempt, run, say, sleep } from './process.js';
import { recipeHash, runRecipe } from './recipes.js';
import { runLabels } from './run-labels.js';
import { OBJECTS_NAME } from './sites.js';

/** A store of objects in a network of hosts, which are to find it by its name. */
export interface ObjectStore {
  /** Its name, which the certificate has; the hosts' `/etc/hosts` get it from the test. */
  endpoint: string;
  address: string;
  bucket: string;
  region: string;
  key: string;
  secret: string;
  /** Switches it off and on; what is in it stays. */
  stop: () => Promise<void>;
  start: () => Promise<void>;
}

const ACCESS = { bucket: 'backups', key: 'lab:backups', secret: 'secret-of-the-lab' };

/** Starts a real S3 server, OpenStack Swift, beside the hosts of a network, with an empty bucket; it goes with the network. */
export async function startObjectStore(networkName: string): Promise<ObjectStore> {
  await ensureEngine();
  const image = await spending('images', () => withLock('objects', ensureImage));
  const network = await ensureNetwork(networkName);
  const address = await freeAddress(network);
  const container = `${network.id}-objects`;
  const labels = Object.entries({
    'pgprov.lab': LAB_ID,
    'pgprov.lab.role': 'objects',
    'pgprov.lab.network': network.name,
    'pgprov.lab.address': address,
    ...runLabels(),
  }).flatMap(([label, value]) => ['--label', `${label}=${value}`]);
  const settings = Object.entries(ACCESS).flatMap(([name, value]) => ['--env', `${name.toUpperCase()}=${value}`]);
  // Swift keeps what it knows of an object in attributes of its file, which the engine's own layers need not have.
  const volumes = ['--volume', `${inLab('keys')}:/keys:ro`, '--volume', '/srv/node'];
  const place = ['--name', container, '--network', network.id, '--ip', address];
  try {
    await run`docker run --detach ${place} ${labels} ${settings} ${volumes} ${image} sh /serve.sh`;
  } finally {
    releaseAddress(address);
  }
  await untilReady(container, 1);
  let starts = 1;
  return {
    ...ACCESS,
    endpoint: OBJECTS_NAME,
    address,
    region: 'us-east-1',
    stop: async () => void (await run`docker stop --time 1 ${container}`),
    start: async () => {
      await run`docker start ${container}`;
      starts += 1;
      await untilReady(container, starts);
    },
  };
}

/** It says so once in each start. */
async function untilReady(container: string, times: number): Promise<void> {
  for (let tries = 0; tries < 240; tries++) {
    const { stdall } = await attempt`docker logs ${container}`;
    if ((stdall.match(/^ready$/gmu) ?? []).length >= times) return;
    await sleep(500);
  }
  throw new Error(`the store of objects does not come up:\n${(await attempt`docker logs --tail 20 ${container}`).stdall}`);
}

async function ensureImage(): Promise<string> {
  const recipe = join(RECIPES, 'objects');
  const hash = await recipeHash('objects', [recipe, join(RECIPES, 'debootstrap.sh'), join(RECIPES, 'archive.sh')]);
  const image = `pgprov-lab/objects:${LAB_ID}-${hash}`;
  if (await hasImage(image)) return image;
  say('building the image of the store of objects (about half a minute)');
  const folder = inLab('build', 'objects');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const tar = join(folder, 'root.tar');
  await runRecipe('the image of the store of objects', inLab('objects.log'), ['sh', join(recipe, 'rootfs.sh'), tar]);
  await importImage(tar, image);
  await rm(folder, { recursive: true, force: true });
  await removeOlder(image);
  return image;
}

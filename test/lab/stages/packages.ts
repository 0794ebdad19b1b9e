import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';

import { CATALOG } from '../../../roles/index.js';
import { loadInventory } from '../../../src/model/index.js';
import { PLATFORMS } from '../../../src/platform/index.js';
import { buildHostWork } from '../../../src/plan/host-work.js';
import { digestOf } from '../../../src/resources/resource.js';
import { contextOf } from '../../support/inventory.js';
import { spending } from '../../support/spent.js';
import { hasImage } from '../image-store.js';
import { ensureImage, imageOf } from '../images.js';
import { labInventory } from '../inventory.js';
import { ensureLab, removeLab, startHost } from '../lab.js';
import { withLock } from '../lock.js';
import { CHECKOUT, LAB_ID } from '../paths.js';
import { say } from '../process.js';
import type { System } from '../systems.js';
import { freeze } from './freeze.js';
import { runProduct } from './product.js';

/** The last stage of a run that has to do with packages alone. */
const LAST_STAGE = 'postgresql/packages';

const HOOK = join(CHECKOUT, 'test', 'integration', 'support', 'interrupt.mjs');

/**
 * The image of a host on which pgprov itself has installed all packages and done nothing after it. It is made unless it is
 * there; its name tells the bare image and what pgprov wants installed.
 */
export async function ensurePackages(os: System): Promise<string> {
  await ensureLab([os]);
  return spending('images', () =>
    withLock(`packages-${os}`, async () => {
      await ensureImage(os);
      const image = `pgprov-lab/${os}-packages:${LAB_ID}-${digestOf(await imageOf(os), await wanted(os)).slice(0, 12)}`;
      if (!(await hasImage(image))) await build(os, image);
      return image;
    }),
  );
}

async function build(os: System, image: string): Promise<void> {
  say(`letting pgprov install its packages on ${os}`);
  const network = `packages-${os}`;
  await removeLab(network);
  const directory = await mkdtemp(join(tmpdir(), 'pgprov-packages-'));
  try {
    const host = await startHost({ name: 'pg1', os, network });
    const file = join(directory, 'inventory.yml');
    await writeFile(file, stringify(await labInventory([host])));
    const run = await runProduct(['apply', file, '--yes', '--output', 'json'], {
      NODE_OPTIONS: `--import=${HOOK}`,
      INTERRUPT_AT: JSON.stringify([{ stage: LAST_STAGE, moment: 'end' }]),
    });
    if (!run.stderr.includes('interrupted at'))
      throw new Error(`pgprov did not come to the end of ${LAST_STAGE} on ${os}:\n${run.stdout}${run.stderr}`);
    await freeze(host, image, { identity: 'new' });
  } finally {
    await removeLab(network);
    await rm(directory, { recursive: true, force: true });
  }
}

/** What a host's stages want up to the last that installs packages, as one digest. */
async function wanted(os: System): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'pgprov-packages-'));
  try {
    const file = join(directory, 'inventory.yml');
    await writeFile(file, stringify({ cluster: 'demo', hosts: { pg1: '192.0.2.1' } }));
    const inventory = await loadInventory(file, { roles: CATALOG, env: { HOME: '/', USER: 'admin' } });
    const platform = PLATFORMS.find(({ id }) => id === os);
    if (platform === undefined) throw new Error(`pgprov knows no platform ${os}`);
    const { stages } = buildHostWork(CATALOG, contextOf(inventory, 'pg1', platform));
    const last = stages.findIndex(({ id }) => id === LAST_STAGE);
    return digestOf(...stages.slice(0, last + 1).flatMap(({ id, stage }) => [id, ...stage.resources.map((resource) => resource.digest())]));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

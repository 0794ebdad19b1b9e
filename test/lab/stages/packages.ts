import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';

import { digestOf } from '../../../src/resources/resource.js';
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
import { LAST_STAGE } from './last-stage.js';
import { runProduct } from './product.js';

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
      const known = await readKnown(os);
      if (known !== undefined && (await hasImage(known))) return known;
      // All of pgprov, which takes a second to load.
      const { wantedPackages } = await import('./wanted.js');
      const image = `pgprov-lab/${os}-packages:${LAB_ID}-${digestOf(await imageOf(os), await wantedPackages(os)).slice(0, 12)}`;
      if (!(await hasImage(image))) await build(os, image);
      await keepKnown(os, image);
      return image;
    }),
  );
}

/** Where a run of the tests, in which nothing of pgprov changes, keeps the image's name; undefined outside of one. */
function knownFile(os: System): string | undefined {
  const spent = process.env['PGPROV_SPENT'] ?? '';
  return spent === '' ? undefined : `${spent}.packages-${os}`;
}

async function readKnown(os: System): Promise<string | undefined> {
  const file = knownFile(os);
  return file === undefined ? undefined : readFile(file, 'utf8').catch(() => undefined);
}

async function keepKnown(os: System, image: string): Promise<void> {
  const file = knownFile(os);
  if (file !== undefined) await writeFile(file, image);
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

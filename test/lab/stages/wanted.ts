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
import type { System } from '../systems.js';
import { LAST_STAGE } from './last-stage.js';

/** What a host's stages want up to the last that installs packages, as one digest. */
export async function wantedPackages(os: System): Promise<string> {
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

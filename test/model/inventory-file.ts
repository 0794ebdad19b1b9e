import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { formatProblem, InventoryError, loadInventory } from '../../src/model/index.js';
import type { Inventory, LoadOptions } from '../../src/model/index.js';
import { catalog } from './catalog.js';

/** A directory of its own for the tests of one file. */
export function inventoryDirectory(): { readonly path: string } {
  const directory = { path: '' };
  beforeAll(async () => {
    directory.path = await mkdtemp(join(tmpdir(), 'pgprov-model-'));
  });
  afterAll(() => rm(directory.path, { recursive: true, force: true }));
  return directory;
}

export type Options = Partial<LoadOptions>;

/** Loads YAML as `inventory.yml` of the directory. */
export async function load(dir: string, yaml: string | Uint8Array, options: Options = {}): Promise<Inventory> {
  const file = join(dir, 'inventory.yml');
  await writeFile(file, yaml);
  return loadInventory(file, { roles: catalog, env: { HOME: '/home/op' }, ...options });
}

/** The lines of the error that loading ends with, without the directory. */
export async function problemsOf(dir: string, yaml: string | Uint8Array, options: Options = {}): Promise<string[]> {
  try {
    await load(dir, yaml, options);
  } catch (error) {
    if (!(error instanceof InventoryError)) throw error;
    return error.message.replaceAll(`${dir}/`, '').split('\n');
  }
  return [];
}

/** The warnings of an inventory that loads, formatted. */
export async function warningsOf(dir: string, yaml: string, options: Options = {}): Promise<string[]> {
  const { warnings } = await load(dir, yaml, options);
  return warnings.map((warning) => formatProblem(warning).replaceAll(`${dir}/`, ''));
}

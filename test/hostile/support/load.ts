import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { CATALOG } from '../../../roles/index.js';
import { InventoryError, loadInventory, type Inventory } from '../../../src/model/index.js';

const directory = mkdtempSync(join(tmpdir(), 'pgprov-hostile-'));
// An empty configuration of OpenSSH.
writeFileSync(join(directory, 'benign'), '');
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A YAML key can be longer than this only where `?` announces it. */
const LONGEST_PLAIN_KEY = 900;

function scalar(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/gu, (character) =>
    [...Array(character.length).keys()].map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  );
}

/** YAML in which every string is escaped, so that all of it reaches the schema. */
export function toYaml(value: unknown): string {
  if (typeof value === 'string') return scalar(value);
  if (Array.isArray(value)) return `[${value.map(toYaml).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(
    ([key, inner]) => `${key.length > LONGEST_PLAIN_KEY ? '? ' : ''}${scalar(key)}: ${toYaml(inner)}`,
  );
  return `{${entries.join(', ')}}`;
}

/** What comes of loading an inventory. */
export type Loaded = { inventory: Inventory } | { refused: InventoryError };

/** Loads an inventory; anything but an InventoryError is a defect and passes through. */
export async function load(draft: unknown): Promise<Loaded> {
  const file = join(directory, 'inventory.yml');
  writeFileSync(file, toYaml(draft));
  try {
    return { inventory: await loadInventory(file, { roles: CATALOG, env: { HOME: '/home/op', USER: 'op' } }) };
  } catch (error) {
    if (error instanceof InventoryError) return { refused: error };
    throw error;
  }
}

import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { formatProblem, inventoryJsonSchema, inventoryReference, loadInventory } from '../../src/model/index.js';

const here = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

// `npx vitest run --project unit test/model/published.test.ts -u` writes both pages anew.
test('docs/ has the current reference page and editor schema of the roles', async () => {
  await expect(inventoryReference(CATALOG)).toMatchFileSnapshot(here('docs/inventory.md'));
  const schema = `${JSON.stringify(inventoryJsonSchema(CATALOG), null, 2)}\n`;
  await expect(schema).toMatchFileSnapshot(here('docs/inventory.schema.json'));
});

test('the schemas of the real roles are valid JSON Schema', () => {
  const ajv = new Ajv({ strictTypes: false });
  expect([ajv.validateSchema(inventoryJsonSchema(CATALOG)), ajv.errors]).toEqual([true, null]);
});

test.each(['minimal.yml', 'example.yml', 'streaming.yml'])('inventory/%s loads without a warning', async (file) => {
  const inventory = await loadInventory(here(`inventory/${file}`), { roles: CATALOG, env: {} });
  expect(inventory.warnings.map(formatProblem)).toEqual([]);
  expect(inventory.hosts.map((host) => host.name)).toEqual(['pg1', 'pg2', 'pg3']);
  expect(inventory.leader).toBe('pg1');
});

import { expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { inventoryDirectory, problemsOf } from './inventory-file.js';

const directory = inventoryDirectory();
const YAML = 'cluster: demo\nhosts: {pg1: 192.0.2.11}\n';
const firstOf = async (set: string): Promise<string | undefined> =>
  (await problemsOf(directory.path, YAML, { roles: CATALOG, set: [set] }))[0];

it('names the key that is wrong in a value of --set with keys of its own', async () => {
  expect(await firstOf('patroni.dynamic={ttll: 40}')).toBe('--set patroni.dynamic.ttll: unknown key');
  expect(await firstOf('pg1:patroni.dynamic={postgresql: {use_slots: maybe}}')).toContain(
    '--set pg1:patroni.dynamic.postgresql.use_slots: must be',
  );
});

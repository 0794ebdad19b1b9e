import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { inventoryJsonSchema, inventoryReference } from '../../src/model/index.js';
import { catalog } from './catalog.js';

const validate = new Ajv({ allErrors: true, strictTypes: false, allowUnionTypes: true }).compile(inventoryJsonSchema(catalog));

async function example(name: string): Promise<unknown> {
  return parse(await readFile(fileURLToPath(new URL(`../../inventory/${name}`, import.meta.url)), 'utf8'));
}

test('the editor schema accepts what loading accepts', async () => {
  const inventory = {
    cluster: 'demo',
    roles: ['base', 'etcd'],
    ssh: { jump: 'a@b', password: { env: 'X' }, port: null },
    hosts: { pg1: '192.0.2.1', pg2: { address: '192.0.2.2', patroni: { ttl: null, tags: { x: 'y' } } } },
    groups: { g: { hosts: ['pg1'], postgresql: { superuser_password: 'long enough', parameters: { a: 1, b: null } } } },
  };
  validate(inventory);
  expect(validate.errors ?? []).toEqual([]);
  validate(await example('minimal.yml'));
  expect(validate.errors ?? []).toEqual([]);
});

test.each([
  { name: 'unknown keys', inventory: { cluster: 'demo', hosts: { a: 'x' }, port: 1 } },
  { name: 'unknown variables', inventory: { cluster: 'demo', hosts: { a: { address: 'x', etcd: { prot: 1 } } } } },
  { name: 'wrong types', inventory: { cluster: 'demo', hosts: { a: 'x' }, etcd: { client_port: 'x' } } },
  { name: 'unknown roles', inventory: { cluster: 'demo', hosts: { a: 'x' }, roles: ['nope'] } },
  { name: 'no hosts', inventory: { cluster: 'demo', hosts: {} } },
])('the editor schema refuses $name', ({ inventory }) => {
  expect(validate(inventory)).toBe(false);
});

test('the editor schema has only standard keywords', () => {
  expect(JSON.stringify(inventoryJsonSchema(catalog))).not.toMatch(/"(?:secret|scope|expects)":(?:true|"cluster")/u);
});

test('the reference page shows each variable with its default and its marks', () => {
  const lines = inventoryReference(catalog).split('\n');
  expect(lines).toContain('| `port` | an integer from 1 to 65535 | `5432` | recreate | A port. *cluster* |');
  expect(lines).toContain('| `superuser_password` | a string of at least 8 characters |  |  | Password. *cluster*, *secret* |');
  expect(lines).toContain('| `tags.nofailover` | true or false | `false` |  | Never lead. |');
  expect(lines).toContain(
    '| `parameters` | a mapping | `{"shared_buffers":"128MB","max_connections":100}` | reload or restart | Settings. |',
  );
  expect(lines).toContain('Needs on the same host: `postgresql`.');
});

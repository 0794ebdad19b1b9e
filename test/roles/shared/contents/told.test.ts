import { expect, it } from 'vitest';
import { CATALOG } from '../../../../roles/index.js';
import { View } from '../../../../src/plan/view.js';
import { databaseHandle } from '../../../../src/resources/contents/database.js';
import { HOST_FACTS } from '../../../../src/resources/host-facts.js';
import { inventoryOf } from '../../../support/inventory.js';

const YAML = `cluster: demo
roles: [base, pgdg, postgresql]
hosts: {db: 192.0.2.1}
postgresql: {databases: {app: {encoding: utf-8, locale: C.UTF-8, extensions: {ip4r: {schema: own}}}}}
`;

it.each([
  [{}, 'own', []],
  [{ encoding: 'LATIN1' }, 'own', ['database app: the encoding is LATIN1, the inventory says utf-8']],
  [{ collate: 'de_DE.UTF-8' }, 'own', ['database app: the locale is de_DE.UTF-8, the inventory says C.UTF-8']],
  [{}, 'public', ['database app: the extension ip4r is in schema public, the inventory says own']],
])('an apply ends well only where a database is what the inventory says: %j, extension in %s', async (differs, schema, told) => {
  const database = { owner: 'postgres', encoding: 'UTF8', collate: 'C.utf8', connectionLimit: -1, settings: {}, ...differs };
  const contents = { schemas: {}, extensions: { ip4r: { schema, version: '2.4' } }, grants: [] };
  const states = new Map<string, unknown>([
    [HOST_FACTS.id, { os: 'debian', version: '13', memory: 8 * 1024 ** 3 }],
    [databaseHandle('app').id, { server: 'primary', preloaded: [], database, contents }],
  ]);
  const view = new View(await inventoryOf(YAML), new Map([['db', states]]));
  const role = CATALOG.find(({ name }) => name === 'postgresql');
  const checks = (role?.checks?.(view) ?? []).filter(({ title }) => title.startsWith('databases are'));
  expect(checks.filter(({ ok }) => !ok).map(({ detail }) => detail)).toEqual(told);
  expect(checks).toHaveLength(1);
  expect((role?.drift?.(view) ?? []).map(({ what }) => what).filter((what) => what.startsWith('database app'))).toEqual(told);
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFiles } from './support/guide.js';
import { pgprov } from './support/pgprov.js';

describe('a role that cannot be used', () => {
  const SOUND = "description: 'x', variables: { type: 'object', properties: {} }, stages: () => []";
  const INVENTORY = 'cluster: demo\nrolesPath: roles\nroles: [base, x]\nhosts: {pg1: 192.0.2.1, pg2: 192.0.2.2, pg3: 192.0.2.3}\n';
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pgprov-roles-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it.each<{ what: string; file: string; text: string; says: string }>([
    { what: 'JavaScript that cannot be read', file: 'x.js', text: "import { defineRole } from 'pgprov';\nexport default defineRole({ name: 'x' description: '' });", says: "x.js:2:39: cannot be read: Unexpected identifier 'description'" },
    { what: 'TypeScript that cannot be read', file: 'x.ts', text: 'const a: number = = 1;', says: 'x.ts:1:19: cannot be read: Expression expected' },
    { what: 'TypeScript that is more than types', file: 'x.ts', text: 'enum A { B }', says: 'x.ts:1:1: cannot be read: TypeScript enum is not supported' },
    { what: 'a module that throws', file: 'x.ts', text: "\nthrow new Error('boom');", says: 'x.ts:2:7: boom' },
    { what: 'a name that the API has not', file: 'x.ts', text: "import { defineRoll } from 'pgprov';\nexport default defineRoll;", says: "x.ts:1: cannot be read: The requested module 'pgprov' does not provide an export named 'defineRoll'" },
    { what: 'a module that is not there', file: 'x.ts', text: "import './nope.js';", says: 'x.ts: Cannot find module' },
    { what: 'no export', file: 'x.js', text: '', says: 'x.js: exports no role' },
    { what: 'something else', file: 'x.js', text: 'export default 3;', says: 'x.js: its default export is not a role' },
    { what: 'a property that no role has', file: 'x.js', text: `export default { name: 'x', stage: 1, ${SOUND} };`, says: 'x.js: a role has no "stage"; did you mean "stages"?' },
    { what: 'a property of the wrong kind', file: 'x.js', text: `export default { name: 'x', ${SOUND}, requires: 'base' };`, says: 'x.js: requires must be a list of names of roles' },
    { what: 'another name', file: 'x.js', text: `export default { name: 'y', ${SOUND} };`, says: 'x.js: its role is called "y"' },
    { what: 'the name of a role that comes with pgprov', file: 'base.js', text: `export default { name: 'base', ${SOUND} };`, says: 'base.js: there is a role "base" already' },
    { what: 'the name of a key', file: 'hosts.js', text: `export default { name: 'hosts', ${SOUND} };`, says: 'hosts.js: "hosts" is a key of inventories' },
    { what: 'a role that is not there', file: 'x.js', text: `export default { name: 'x', ${SOUND}, requires: ['patrony'] };`, says: 'role x: requires names "patrony", which is no role; did you mean "patroni"?' },
    { what: 'a circle', file: 'x.js', text: `export default { name: 'x', ${SOUND}, requires: ['pgdg'], before: ['base'] };`, says: 'roles that wait for each other have no order: base after x after pgdg after firewall after base' },
    { what: 'a schema that is none', file: 'x.js', text: "export default { name: 'x', description: 'x', variables: { type: 'object', properties: { a: { type: 'integr' } } }, stages: () => [] };", says: 'x.js: variables.properties.a.type must be equal to one of the allowed values' },
    { what: 'a default that its schema does not take', file: 'x.js', text: "export default { name: 'x', description: 'x', variables: { type: 'object', properties: { a: { type: 'integer', default: 'b' } } }, stages: () => [] };", says: 'x.js: variables.properties.a: the default is none of the values' },
    { what: 'a function that throws', file: 'x.ts', text: `export default { name: 'x', ${SOUND}, contributes: (host: any) => host.vars.y.z };`, says: 'role x, x.ts:1:' },
  ])('$what', async ({ file, text, says }) => {
    await rm(join(directory, 'roles'), { recursive: true, force: true });
    await writeFiles(directory, [['inventory.yml', INVENTORY], [`roles/${file}`, text]]);
    const { code, stderr } = await pgprov('validate', join(directory, 'inventory.yml'));
    expect([code, stderr.replaceAll(`${join(directory, 'roles')}/`, '')]).toEqual([2, expect.stringContaining(`error: ${says}`)]);
  });
});

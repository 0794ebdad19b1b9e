import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFiles } from './support/guide.js';
import { pgprov } from './support/pgprov.js';

describe('an invalid role', () => {
  const SOUND = "description: 'x', variables: { type: 'object', properties: {} }, stages: () => []";
  const INVENTORY = 'cluster: demo\nrolesPath: roles\nroles: [base, x]\nhosts: {pg1: 192.0.2.1, pg2: 192.0.2.2, pg3: 192.0.2.3}\n';
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pgprov-roles-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  it.each<{ what: string; file: string; text: string; says: string }>([
    {
      what: 'JavaScript that cannot be read',
      file: 'x.js',
      text: "import { defineRole } from 'pgprov';\nexport default defineRole({ name: 'x' description: '' });",
      says: "x.js:2:39: cannot be read: Unexpected identifier 'description'",
    },
    {
      what: 'TypeScript that cannot be read',
      file: 'x.ts',
      text: 'const a: number = = 1;',
      says: 'x.ts:1:19: cannot be read: Expression expected',
    },
    {
      what: 'TypeScript with more than types',
      file: 'x.ts',
      text: 'enum A { B }',
      says: 'x.ts:1:1: cannot be read: TypeScript enum is not supported',
    },
    { what: 'a module that throws', file: 'x.ts', text: "\nthrow new Error('boom');", says: 'x.ts:2:7: boom' },
    {
      what: 'an unknown name of the API',
      file: 'x.ts',
      text: "import { defineRoll } from 'pgprov';\nexport default defineRoll;",
      says: "x.ts:1: cannot be read: The requested module 'pgprov' does not provide an export named 'defineRoll'",
    },
    { what: 'a missing module', file: 'x.ts', text: "import './nope.js';", says: 'x.ts: Cannot find module' },
    { what: 'no export', file: 'x.js', text: '', says: 'x.js: exports no role' },
    { what: 'an export that is no role', file: 'x.js', text: 'export default 3;', says: 'x.js: its default export is not a role' },
    {
      what: 'a property that no role has',
      file: 'x.js',
      text: `export default { name: 'x', stage: 1, ${SOUND} };`,
      says: 'x.js: a role has no "stage"; did you mean "stages"?',
    },
    {
      what: 'a property of the wrong kind',
      file: 'x.js',
      text: `export default { name: 'x', ${SOUND}, requires: 'base' };`,
      says: 'x.js: requires must be a list of names of roles',
    },
    {
      what: 'a name other than that of its file',
      file: 'x.js',
      text: `export default { name: 'y', ${SOUND} };`,
      says: 'x.js: its role is called "y"',
    },
    {
      what: 'the name of a role that comes with pgprov',
      file: 'base.js',
      text: `export default { name: 'base', ${SOUND} };`,
      says: 'base.js: there is a role "base" already',
    },
    {
      what: 'the name of a key',
      file: 'hosts.js',
      text: `export default { name: 'hosts', ${SOUND} };`,
      says: 'hosts.js: "hosts" is a key of inventories',
    },
    {
      what: 'a dependency on a missing role',
      file: 'x.js',
      text: `export default { name: 'x', ${SOUND}, requires: ['patrony'] };`,
      says: 'role x: requires names "patrony", which is no role; did you mean "patroni"?',
    },
    {
      what: 'a circular dependency',
      file: 'x.js',
      text: `export default { name: 'x', ${SOUND}, requires: ['pgdg'], before: ['base'] };`,
      says: 'roles that wait for each other have no order: base after x after pgdg after firewall after base',
    },
    {
      what: 'an invalid schema',
      file: 'x.js',
      text: "export default { name: 'x', description: 'x', variables: { type: 'object', properties: { a: { type: 'integr' } } }, stages: () => [] };",
      says: 'x.js: variables.properties.a.type must be equal to one of the allowed values',
    },
    {
      what: 'a default that its schema rejects',
      file: 'x.js',
      text: "export default { name: 'x', description: 'x', variables: { type: 'object', properties: { a: { type: 'integer', default: 'b' } } }, stages: () => [] };",
      says: 'x.js: variables.properties.a: the default is none of the values',
    },
    {
      what: 'a function that throws',
      file: 'x.ts',
      text: `export default { name: 'x', ${SOUND}, contributes: (host: any) => host.vars.y.z };`,
      says: 'role x, x.ts:1:',
    },
  ])('is refused with $what', async ({ file, text, says }) => {
    await rm(join(directory, 'roles'), { recursive: true, force: true });
    await writeFiles(directory, [
      ['inventory.yml', INVENTORY],
      [`roles/${file}`, text],
    ]);
    const { code, stderr } = await pgprov('validate', join(directory, 'inventory.yml'));
    expect([code, stderr.replaceAll(`${join(directory, 'roles')}/`, '')]).toEqual([2, expect.stringContaining(`error: ${says}`)]);
  });
});

describe('a user’s own operation', () => {
  const SOUND = "description: 'x', options: {}, roles: ['base'], remaining: () => ({ steps: [] })";
  const INVENTORY = 'cluster: demo\nrolesPath: roles\nhosts: {pg1: 192.0.2.1, pg2: 192.0.2.2, pg3: 192.0.2.3}\n';
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'pgprov-operations-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const write = async (file: string, text: string): Promise<string> => {
    await rm(join(directory, 'roles'), { recursive: true, force: true });
    await writeFiles(directory, [
      ['inventory.yml', INVENTORY],
      [`roles/operations/${file}`, text],
    ]);
    return join(directory, 'inventory.yml');
  };
  const shown = (text: string): string => text.replaceAll(`${join(directory, 'roles', 'operations')}/`, '');

  it.each<{ what: string; file: string; text: string; says: string }>([
    {
      what: 'TypeScript that cannot be read',
      file: 'x.ts',
      text: 'const a = = 1;',
      says: 'x.ts:1:11: cannot be read: Expression expected',
    },
    { what: 'a module that throws', file: 'x.ts', text: "\nthrow new Error('boom');", says: 'x.ts:2:7: boom' },
    { what: 'no export', file: 'x.js', text: '', says: 'x.js: exports no operation' },
    {
      what: 'a name other than that of its file',
      file: 'x.js',
      text: `export default { name: 'y', ${SOUND} };`,
      says: 'x.js: its operation is called "y"',
    },
    {
      what: 'the name of a command',
      file: 'apply.js',
      text: `export default { name: 'apply', ${SOUND} };`,
      says: "apply.js: `pgprov apply` is a command of pgprov's own; give the operation another name",
    },
    {
      what: 'the name of an operation that comes with pgprov',
      file: 'switchover.js',
      text: `export default { name: 'switchover', ${SOUND} };`,
      says: "switchover.js: `pgprov switchover` is a command of pgprov's own; give the operation another name",
    },
    {
      what: 'an unknown role',
      file: 'x.js',
      text: "export default { name: 'x', description: 'x', options: {}, roles: ['patrony'], remaining: () => ({ steps: [] }) };",
      says: 'x.js: roles names "patrony", which is no role; did you mean "patroni"?',
    },
    {
      what: 'an option that every operation has',
      file: 'x.js',
      text: "export default { name: 'x', description: 'x', options: { giveUp: { type: 'boolean', description: 'x' } }, roles: ['base'], remaining: () => ({ steps: [] }) };",
      says: 'x.js: options.giveUp: every operation has this option already; give it another name',
    },
  ])('is refused with $what', async ({ file, text, says }) => {
    const { code, stderr } = await pgprov('validate', await write(file, text));
    expect([code, shown(stderr)]).toEqual([2, expect.stringContaining(`error: ${says}`)]);
  });

  it('that is broken blocks only the commands about operations', async () => {
    const inventory = await write('x.js', 'export default 3;');
    const ended = await Promise.all([
      pgprov('operations', '--inventory', inventory),
      pgprov('operate', 'x', inventory),
      pgprov('show', inventory),
    ]);
    expect(ended.map(({ code }) => code)).toEqual([2, 2, 0]);
  });

  describe('on the command line', () => {
    const OPTIONS =
      "{ to: { type: 'string', description: 'where to', value: 'place' }, often: { type: 'integer', minimum: 1, description: 'how often' } }";
    const TEXT = `export default { name: 'x', description: 'does x', options: ${OPTIONS}, roles: ['base'], remaining: () => ({ steps: [] }) };`;
    const operate = async (...words: string[]): Promise<readonly [number | null, string]> => {
      const inventory = await write('x.js', TEXT);
      const { code, all } = await pgprov('operate', ...words.map((word) => (word === 'INVENTORY' ? inventory : word)));
      return [code, shown(all)];
    };

    it.each<{ words: string[]; code: number; says: string }>([
      { words: [], code: 2, says: 'no operation named' },
      { words: ['--help'], code: 0, says: 'Usage: pgprov operate [options] [name] [inventory]' },
      { words: ['x', 'INVENTORY', '--help'], code: 0, says: '--to <place>' },
      { words: ['x'], code: 2, says: 'no inventory is named' },
      { words: ['y', 'INVENTORY'], code: 2, says: 'has no operation "y" of its own' },
      { words: ['switchover', 'INVENTORY'], code: 2, says: '`pgprov switchover` comes with pgprov' },
      { words: ['x', 'INVENTORY', '--too', 'a'], code: 2, says: "unknown option '--too'" },
      { words: ['x', 'INVENTORY', '--host', 'pg1', '--resume'], code: 2, says: "unknown option '--host'" },
      { words: ['x', 'INVENTORY', '--often', '0'], code: 2, says: 'give a whole number from 1 on' },
      { words: ['x', 'INVENTORY', '--often', '2', '--resume'], code: 0, says: 'Nothing to resume: no operate x of demo is unfinished.' },
      { words: ['x', '--often', '2', 'INVENTORY', '--resume'], code: 0, says: 'Nothing to resume: no operate x of demo is unfinished.' },
      { words: ['--resume', 'x', '--to', 'a', 'INVENTORY'], code: 0, says: 'Nothing to resume: no operate x of demo is unfinished.' },
    ])('$words: $says', async ({ words, code, says }) => {
      expect(await operate(...words)).toEqual([code, expect.stringContaining(says)]);
    });

    it('requires the inventory first when it took another file for it', async () => {
      const inventory = await write('x.js', TEXT);
      const other = join(directory, 'other.yml');
      await writeFiles(directory, [['other.yml', INVENTORY]]);
      const { code, all } = await pgprov('operate', 'x', '--often', '2', inventory, '--to', other, '--resume');
      expect([code, all]).toEqual([2, expect.stringContaining('give the inventory right after the name: `pgprov operate x INVENTORY`')]);
    });

    it('counts as unfinished under the name that it is called by', async () => {
      const inventory = await write('x.js', TEXT);
      const record = {
        operation: 'operate x',
        given: { to: 'a' },
        chosen: { to: 'a' },
        began: '2026-11-28T09:30:00.000Z',
        by: 'ann@laptop',
      };
      await writeFiles(directory, [['.pgprov/demo/operation.json', JSON.stringify(record)]]);
      const { code, all } = await pgprov('switchover', inventory);
      expect([code, all]).toEqual([
        4,
        expect.stringContaining('the operate x --to a that ann@laptop began at 2026-11-28T09:30:00Z is not finished'),
      ]);
      expect(all).toContain(
        `finish it with \`pgprov operate x ${inventory}\`, or give it up with \`pgprov operate x ${inventory} --give-up\``,
      );
      const contradicts = await pgprov('operate', 'x', inventory, '--to', 'b');
      expect([contradicts.code, contradicts.all]).toEqual([2, expect.stringContaining('--to b is not what it was begun with')]);
      expect((await pgprov('operate', 'x', inventory, '--give-up')).all).toContain('is given up');
    });
  });
});

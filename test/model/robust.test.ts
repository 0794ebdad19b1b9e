import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { InventoryError } from '../../src/model/index.js';
import { tries } from '../support/depth.js';
import { inventoryDirectory, load } from './inventory-file.js';
import type { Options } from './inventory-file.js';
import { patience } from '../support/patience.js';

const directory = inventoryDirectory();

const KEYS = [
  'cluster',
  'leader',
  'roles',
  'hosts',
  'groups',
  'ssh',
  'postgresql',
  'patroni',
  'etcd',
  'base',
  'address',
  'port',
  'user',
  'jump',
  'password',
  'env',
  'file',
  'become',
  'known_hosts',
  'parameters',
  'superuser_password',
  'tags',
  'dynamic',
  'version',
  'pg1',
  '__proto__',
  'constructor',
  'toString',
  '<<',
  '',
];
const VALUES = ['demo', 'pg1', '192.0.2.1', 22, 'etcd', 'patroni', 'a@b:1', true, null, 0.5, '\0', 'x\ny', '~', {}, []];

const scalar = fc.oneof(fc.constantFrom(...VALUES), fc.string(), fc.double(), fc.boolean());
const key = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...KEYS) }, { weight: 1, arbitrary: fc.string() });
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    scalar,
    fc.dictionary(key, tie('tree'), { maxKeys: 8 }),
    fc.array(tie('tree'), { maxLength: 3 }),
  ),
}));
const inventory = fc.record(
  {
    cluster: tree,
    hosts: fc.oneof(fc.dictionary(key, tree), tree),
    groups: tree,
    ssh: tree,
    roles: tree,
    leader: scalar,
    postgresql: tree,
    patroni: tree,
  },
  { requiredKeys: ['cluster', 'hosts'] },
);

/** Loads, and lets nothing pass but the error that the command line knows how to tell. */
async function loadsOrExplains(yaml: string, options: Options = {}): Promise<void> {
  try {
    await load(directory.path, yaml, options);
  } catch (error) {
    expect(error).toBeInstanceOf(InventoryError);
    expect((error as InventoryError).problems.length).toBeGreaterThan(0);
  }
}

test('any mapping is loaded or refused with a reason', { timeout: patience(60_000) }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(inventory, tree), (value) => loadsOrExplains(stringify(value))),
    tries(100, 2000),
  );
});

test('any text is loaded or refused with a reason', { timeout: patience(60_000) }, async () => {
  const piece = fc.constantFrom(
    'cluster: demo\n',
    'hosts:\n',
    '  pg1: 192.0.2.1\n',
    '- ',
    '{',
    '}',
    '[',
    ']',
    ': ',
    '&a ',
    '*a ',
    '<<: ',
    '!t ',
    '"',
    "'",
    '\n',
    '  ',
    '\t',
    '#',
    '|\n',
    '? ',
    '---\n',
    '%YAML 1.1\n',
    'a',
    '\u0000',
  );
  const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));
  await fc.assert(
    fc.asyncProperty(fc.oneof(text, fc.string()), (yaml) => loadsOrExplains(yaml)),
    tries(200, 4000),
  );
});

test('any --set is accepted or refused with a reason', { timeout: patience(60_000) }, async () => {
  const step = fc.oneof(fc.constantFrom(...KEYS), fc.string());
  const option = fc
    .tuple(fc.constantFrom('', 'pg1:', 'x:'), fc.array(step, { maxLength: 4 }), fc.string())
    .map(([host, steps, value]) => `${host}${steps.join('.')}=${value}`);
  const yaml = 'cluster: demo\nhosts: {pg1: 192.0.2.1}\n';
  await fc.assert(
    fc.asyncProperty(fc.oneof(option, fc.string()), (text) => loadsOrExplains(yaml, { set: [text] })),
    tries(100, 2000),
  );
});

/**
 * Of the processor, for others may have it; the best of some runs takes 20 to 40 ms, and with a lookup that goes through the whole file
 * each time 170.
 */
const PATIENCE_MS = 100;

test('a hundred hosts load quickly', async () => {
  const names = Array.from({ length: 100 }, (_, index) => `pg${index}`);
  const hosts = names.map(
    (name, index) => `  ${name}: {<<: *common, address: 10.0.0.${index}, postgresql: {parameters: {work_mem: ${index}MB}}}`,
  );
  const yaml = `cluster: demo
patroni: &p {tags: {clonefrom: true}}
hosts:
  first: &common {address: 10.0.1.1, patroni: *p}
${hosts.join('\n')}
groups: {all: {hosts: [${names.join(', ')}], ssh: {user: admin}}}
`;
  const durations: number[] = [];
  for (let run = 0; run < 8; run += 1) {
    const start = process.cpuUsage();
    expect((await load(directory.path, yaml)).hosts).toHaveLength(101);
    const { user, system } = process.cpuUsage(start);
    durations.push((user + system) / 1000);
  }
  expect(Math.min(...durations)).toBeLessThan(PATIENCE_MS);
});

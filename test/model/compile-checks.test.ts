import type { ValidateFunction } from 'ajv';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { loadAjv } from '../../src/model/ajv.js';
import { checkedSchemas, checkKey } from '../../src/model/checked-schemas.js';
import { compileChecks } from '../../src/model/compile-checks.js';
import type { VariableSchema } from '../../src/model/role-schema.js';
import { inventorySchemas } from '../../src/model/schema.js';

/** Values that are wrong nearly everywhere, and some that are right here and there. */
const VALUES = [
  null,
  true,
  0,
  -1,
  1.5,
  65536,
  '',
  'x',
  'x y\n',
  'on',
  [],
  [1],
  ['x', 'x'],
  {},
  { x: 1 },
  { env: 'X' },
  { env: 'X', file: 'y' },
  { age: 's' },
  { address: 5 },
];

describe('checks that were compiled ahead', () => {
  const schemas = checkedSchemas(inventorySchemas(CATALOG));
  let compiled: ReadonlyMap<string, ValidateFunction>;

  beforeAll(async () => {
    const bundled = await build({
      stdin: { contents: await compileChecks(CATALOG), resolveDir: process.cwd() },
      bundle: true,
      format: 'esm',
      platform: 'node',
      write: false,
    });
    const module = (await import(
      `data:text/javascript;base64,${Buffer.from(bundled.outputFiles[0]?.contents ?? '').toString('base64')}`
    )) as { COMPILED_CHECKS: typeof compiled };
    compiled = module.COMPILED_CHECKS;
  });

  it('exist for every schema of an inventory, including secrets', () => {
    expect(schemas.filter((schema) => !compiled.has(checkKey(schema)))).toEqual([]);
    expect(schemas.filter(({ secret }) => secret === true).length).toBeGreaterThan(5);
  });

  it('give the same results as checks compiled when they are needed', async () => {
    const ajv = await loadAjv({ optimize: false });
    let errors = 0;
    for (const schema of schemas) {
      const [ahead, now] = [compiled.get(checkKey(schema)) as ValidateFunction, ajv.compile(schema)];
      for (const value of [...VALUES, ...inEachVariable(schema)]) {
        expect([ahead(value), ahead.errors]).toEqual([now(value), now.errors]);
        errors += ahead.errors?.length ?? 0;
      }
    }
    expect(errors).toBeGreaterThan(1000);
  });
});

/** Every value in the place of every variable of a section, and one level below. */
function inEachVariable(schema: VariableSchema): unknown[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) =>
    [...VALUES, ...inEachVariable(child)].map((value) => ({ [key]: value })),
  );
}

import { loadAjv } from './ajv.js';
import { checkedSchemas, checkKey } from './checked-schemas.js';
import type { RoleSchema } from './role-schema.js';
import { inventorySchemas } from './schema.js';

/** The text of a module that takes the place of compiled-checks.ts, for the schemas of an inventory with these roles. */
export async function compileChecks(roles: readonly RoleSchema[]): Promise<string> {
  const { default: standalone } = await import('ajv/dist/standalone/index.js');
  const ajv = await loadAjv({ source: true, esm: true });
  const keys = new Map(checkedSchemas(inventorySchemas(roles)).map((schema) => [checkKey(schema), schema]));
  const names = new Map(
    [...keys].map(([key, schema], index) => {
      ajv.addSchema(schema, key);
      return [`check${index}`, key] as const;
    }),
  );
  const code = standalone.default(ajv, Object.fromEntries(names));
  const entries = [...names].map(([name, key]) => `['${key}', ${name}]`);
  return `${code}\nexport const COMPILED_CHECKS = new Map([${entries.join(', ')}]);\n`;
}

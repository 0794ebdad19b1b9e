import { createHash } from 'node:crypto';
import type { VariableSchema } from './role-schema.js';
import type { InventorySchemas } from './schema.js';

/** Every schema that a value of an inventory may be checked against: those of its parts, and those of single secrets. */
export function checkedSchemas({ top, group, host, sections }: InventorySchemas): VariableSchema[] {
  const parts = [top, group, host, ...sections.values()];
  return [...parts, ...parts.flatMap(secretsIn)];
}

/** Secrets below a schema, each followed by what a value in its place must be. */
function secretsIn(schema: VariableSchema): VariableSchema[] {
  if (schema.secret === true) return [schema, ...(schema.anyOf ?? []).slice(0, 1)];
  const open = schema.additionalProperties;
  const children = [
    ...Object.values(schema.properties ?? {}),
    ...(typeof open === 'object' ? [open] : []),
    ...(schema.items === undefined ? [] : [schema.items]),
  ];
  return children.flatMap(secretsIn);
}

/** The same for schemas that say the same, and for no others. */
export function checkKey(schema: VariableSchema): string {
  return createHash('sha256').update(JSON.stringify(schema)).digest('hex');
}

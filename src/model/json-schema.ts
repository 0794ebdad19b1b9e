import { describeChange } from './change-words.js';
import type { RoleSchema, VariableSchema } from './role-schema.js';
import { inventorySchemas } from './schema.js';

type JsonSchema = Record<string, unknown>;

const ref = (name: string): JsonSchema => ({ $ref: `#/definitions/${name}` });

/**
 * JSON Schema (draft-07) of inventories with these roles, for completion and checks in editors:
 * `# yaml-language-server: $schema=inventory.schema.json` as the first line of an inventory.
 */
export function inventoryJsonSchema(roles: readonly RoleSchema[]): object {
  const { top, group, host, sections } = inventorySchemas(roles);
  const definitions: Record<string, JsonSchema> = {};
  for (const [name, section] of sections) definitions[name] = forEditors(section);
  const withSections = (schema: VariableSchema): JsonSchema => {
    const properties = forEditors(schema)['properties'] as JsonSchema;
    for (const name of sections.keys()) properties[name] = ref(name);
    return { ...forEditors(schema), properties };
  };
  definitions['host'] = {
    anyOf: [{ type: 'string', description: 'The address where SSH connects; short for `{address: …}`.' }, withSections(host)],
  };
  definitions['group'] = withSections(group);
  const inventory = withSections(top);
  const properties = inventory['properties'] as Record<string, JsonSchema>;
  properties['hosts'] = { ...properties['hosts'], additionalProperties: ref('host') };
  properties['groups'] = { ...properties['groups'], additionalProperties: ref('group') };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'pgprov inventory',
    description: 'One highly available PostgreSQL cluster: its hosts, their roles and settings.',
    ...inventory,
    definitions,
  };
}

/** Keywords that only pgprov understands. */
const OWN_KEYWORDS = new Set(['secret', 'public', 'scope', 'expects', 'additive', 'change']);

/** The schema in standard keywords; optional values may be null, which takes an inherited value back. */
function forEditors(schema: VariableSchema): JsonSchema {
  const out: JsonSchema = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (OWN_KEYWORDS.has(keyword)) continue;
    if (keyword === 'description' && schema.change !== undefined)
      out[keyword] = `${String(value)} On a running cluster: ${describeChange(schema.change)}.`;
    else if (keyword === 'properties') {
      const required = new Set(schema.required);
      out['properties'] = Object.fromEntries(
        Object.entries(value as Record<string, VariableSchema>).map(([key, child]) => [
          key,
          required.has(key) ? forEditors(child) : nullable(forEditors(child)),
        ]),
      );
    } else if (keyword === 'additionalProperties' && typeof value === 'object') {
      out[keyword] = nullable(forEditors(value as VariableSchema));
    } else if (keyword === 'items' || keyword === 'propertyNames') {
      out[keyword] = forEditors(value as VariableSchema);
    } else if (keyword === 'anyOf' || keyword === 'oneOf') {
      out[keyword] = (value as VariableSchema[]).map(forEditors);
    } else {
      out[keyword] = value;
    }
  }
  return out;
}

function nullable(schema: JsonSchema): JsonSchema {
  const { type, enum: values, anyOf } = schema;
  return {
    ...schema,
    ...(type === undefined ? {} : { type: [...new Set([type, 'null'].flat())] }),
    ...(Array.isArray(values) ? { enum: [...new Set([...(values as unknown[]), null])] } : {}),
    ...(Array.isArray(anyOf) ? { anyOf: [...(anyOf as unknown[]), { type: 'null' }] } : {}),
  };
}

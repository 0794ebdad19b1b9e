import type { VariableSchema } from './role-schema.js';

/** Keywords of a string that is a path, no longer than Linux takes one. */
export const PATH = { pattern: '^[^\\u0000-\\u001f\\u007f]{1,4095}$', expects: 'a path' } as const;

/** Words for what a secret may be. */
const SECRET_FORMS = 'a string, {env: NAME} or {file: path}';

/** Reference to a secret that is kept elsewhere. */
const SECRET_REFERENCE: VariableSchema = {
  type: 'object',
  properties: {
    env: { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]{0,254}$', expects: 'the name of an environment variable', description: 'Environment variable that holds the secret.' },
    file: {
      type: 'string',
      description: 'File that holds the secret; one newline at its end is dropped. Others must not be able to read it.',
      ...PATH,
    },
  },
  minProperties: 1,
  maxProperties: 1,
  additionalProperties: false,
  expects: '{env: NAME} or {file: path}',
};

/**
 * The schema that one layer of a section must meet: no unknown keys, secrets by value or by reference, and nothing
 * required, for another layer may bring it.
 */
export function closed(schema: VariableSchema): VariableSchema {
  if (schema.secret) {
    const { description, default: fallback, examples, ...value } = schema;
    return {
      anyOf: [value, SECRET_REFERENCE],
      secret: true,
      expects: SECRET_FORMS,
      ...(description === undefined ? {} : { description }),
      ...(fallback === undefined ? {} : { default: fallback }),
      ...(examples === undefined ? {} : { examples }),
    };
  }
  const { required, ...copy } = schema;
  const open = copy.additionalProperties;
  return {
    ...copy,
    ...(copy.properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(Object.entries(copy.properties).map(([key, child]) => [key, closed(child)])),
          additionalProperties: open ?? false,
        }),
    ...(typeof open === 'object' ? { additionalProperties: closed(open) } : {}),
  };
}

/** Schema of the value at one key of an object schema; undefined where anything goes. */
export function childSchema(schema: VariableSchema | undefined, key: string): VariableSchema | undefined {
  const properties = schema?.properties;
  if (properties !== undefined && Object.hasOwn(properties, key)) return properties[key];
  return typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

import type { VariableSchema } from './role-schema.js';

/** Keywords of a string that is a path, no longer than Linux takes one. */
export const PATH = { pattern: '^[^\\u0000-\\u001f\\u007f]{1,4095}$', expects: 'a path' } as const;

/** Words for what a secret may be. */
const SECRET_FORMS = 'a string, {env: NAME}, {file: path}, {command: [program, argument]} or {age: store, key: name}';

/** Text that a program takes as an argument. */
const ARGUMENT: VariableSchema = { type: 'string', pattern: '^[^\\u0000]{0,4096}$', expects: 'a string without NUL characters' };

/** Reference to a secret that is kept elsewhere. */
const SECRET_REFERENCE: VariableSchema = {
  type: 'object',
  properties: {
    env: {
      type: 'string',
      pattern: '^[A-Za-z_][A-Za-z0-9_]{0,254}$',
      expects: 'the name of an environment variable',
      description: 'Environment variable that holds the secret.',
    },
    file: {
      type: 'string',
      description: 'File that holds the secret; one newline at its end is dropped. Others must not be able to read it.',
      ...PATH,
    },
    command: {
      type: 'array',
      items: ARGUMENT,
      minItems: 1,
      description:
        'Program that prints the secret, and its arguments; no shell reads them. It runs once, in the directory of the inventory, without input; one newline at the end of what it prints is dropped.',
      expects: 'a program and its arguments as a list of strings',
    },
    age: { type: 'string', description: 'Store of secrets that is encrypted with age, such as `pgprov secrets init` makes.', ...PATH },
    key: {
      type: 'string',
      pattern: '^[^\\u0000-\\u001f\\u007f]{1,255}$',
      expects: 'the name of a value in the store',
      description: 'Name of the value in the store; goes with `age`.',
    },
  },
  oneOf: [...['env', 'file', 'command'].map((alone) => ({ required: [alone], maxProperties: 1 })), { required: ['age', 'key'] }],
  minProperties: 1,
  maxProperties: 2,
  additionalProperties: false,
  expects: '{env: NAME}, {file: path}, {command: [program, argument]} or {age: store, key: name}',
};

/**
 * The schema that one layer of a section must meet: no unknown keys, secrets by value or by reference, and nothing
 * required, because another layer may bring it.
 */
export function closed(schema: VariableSchema): VariableSchema {
  if (schema.secret) {
    const { description, default: fallback, examples, change, ...value } = schema;
    return {
      anyOf: [value, SECRET_REFERENCE],
      secret: true,
      ...(schema.public === true ? { public: true as const } : {}),
      expects: SECRET_FORMS,
      ...(description === undefined ? {} : { description }),
      ...(fallback === undefined ? {} : { default: fallback }),
      ...(examples === undefined ? {} : { examples }),
      ...(change === undefined ? {} : { change }),
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
